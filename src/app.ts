/**
 * The composition root of one router process: builds every part from the
 * configuration and plugs them together; nothing else constructs its own
 * dependencies. Parts are closed in the order of the way of a request.
 */
import { mkdir, rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import PQueue from 'p-queue'
import { createAccessLog, type WriteLines } from './log/access-log.ts'
import { watchEventLoop } from './admin/event-loop.ts'
import { createMetrics, type LabelSets, type Metrics } from './admin/metrics.ts'
import type { Readiness } from './admin/server.ts'
import type { Config, MirrorConfig } from './config/config.ts'
import { createCopying, type CopyingRules } from './copying.ts'
import { Admission, type ConnectionLimits } from './http1/admission.ts'
import { Deadlines } from './http1/deadlines.ts'
import { Listener } from './http1/listener.ts'
import { Refusals } from './http1/refusals.ts'
import { createRefusalLog } from './log/refusal-log.ts'
import type { SteadyNow } from './mirror/clock.ts'
import type { OnOutage } from './mirror/outage-log.ts'
import { addressKey, clientAddress, compileTrusted, forwardedLines, type TrustedRanges } from './proxy/client-address.ts'
import { ByteBudget } from './proxy/byte-budget.ts'
import { refusalText } from './proxy/error-page.ts'
import { createHandler, type Rules } from './proxy/handler.ts'
import { MemoryBudget } from './proxy/memory-budget.ts'
import type { ProxyObserver } from './proxy/ports.ts'
import { createRequestIds } from './proxy/request-id.ts'
import { createUpstreams, type Upstream } from './proxy/upstreams.ts'
import { bodyFolderOf } from './process/body-folder.ts'
import { connectionsFor, readOpenFilesLimit } from './process/open-files.ts'
import type { ProcessReport, ProcessStatus } from './process/process-report.ts'
import { createRouteTable } from './routing/table.ts'
import type { SharedEnvironment } from './spool/spool-reader.ts'

/** All request bodies in memory together, and what they may take when the disk fails. */
const BODIES_IN_MEMORY_BYTES = 64 * 1024 * 1024
const BODIES_IN_EMERGENCY_BYTES = 4 * BODIES_IN_MEMORY_BYTES
/** Attempts under way are given this long, however late in the shutdown. */
const LAST_ATTEMPTS_MS = 1_000
const NOTHING_COPIED: CopyingRules = { keepCopy: () => null, settled () {} }

export interface AppOptions {
  readonly config: Config
  readonly log: Logger
  /** Outages of the endpoint, as this process finds them. */
  readonly onOutage: OnOutage
  /** Other processes listen on the same ports. */
  readonly reusePort: boolean
  /** Where the access log goes. */
  readonly writeAccessLog: WriteLines
  /** Of the spool: what this process appends to, and nobody else. */
  readonly partition: number
  /** The same in all processes of the program. */
  readonly steadyNow: SteadyNow
}

/** One process of the router. */
export interface App {
  /** @throws What `net` says: EADDRINUSE, EACCES, … */
  listen (): Promise<void>
  readiness (): Readiness
  report (): ProcessReport
  readonly spoolEnvironment: SharedEnvironment
  /** Delivers these partitions too: whoever did is gone. */
  adopt (partitions: readonly number[]): void
  /** Another process changed the spool. */
  poll (): void
  /** The admin listener of this process put dead letters back, one of each of these projects. */
  replayed (projects: readonly string[]): void
  /**
   * Serves by this configuration from the next request on; what is under way is
   * finished under the old one. What cannot change (reload/settings.ts) is as it was.
   *
   * @throws Before anything has changed.
   */
  apply (config: Config): void
  /** Counts reloads, when this process speaks for the program. */
  readonly reloads: Pick<Metrics, 'configured' | 'reloaded'>
  /** Finishes what is under way, for up to `deadlineMs`. Safe to call twice. */
  close (deadlineMs: number): Promise<void>
}

const now = (): number => Date.now()

/** Bodies that are written to files at a time: a disk that stalls must leave threads for the spool's log and for names (libuv has 4). */
const BODY_WRITES = 2

export function createApp ({ config, log, onOutage, reusePort, writeAccessLog, partition, steadyNow }: AppOptions): App {
  const startedAt = now()
  const deadlines = new Deadlines()
  const accessLog = createAccessLog({ format: config.log.access, write: writeAccessLog, now })
  const metrics = createMetrics({ now: steadyNow, accessLogDroppedLines: () => accessLog.droppedLines() })
  const unwatchEventLoop = watchEventLoop(seconds => { metrics.eventLoopDelayed(seconds) })
  const copying = config.mirror === null ? null : createCopying({ config, mirror: config.mirror, partition, metrics, log, onOutage, deadlines, steadyNow })
  const bodyFolder = bodyFolderOf(config.spool.path, process.pid)

  let client = config.client
  let upstreams = createUpstreams(config.upstreams, deadlines)
  let rules = rulesOf(config, upstreams)
  const openFiles = readOpenFilesLimit()
  let limits = limitsOf(config, openFiles)
  /** Upstreams of earlier configurations: requests that began under them are finished by them. */
  const retired = new Set<Upstream>()

  const observer = observeBy(metrics.proxy, { settled: request => { accessLog.settled(request) }, refused: createRefusalLog(log) })
  const budget = new MemoryBudget(BODIES_IN_MEMORY_BYTES, BODIES_IN_EMERGENCY_BYTES)
  const space = new ByteBudget(() => limits.bodySpaceBytes)
  const requests = createHandler({
    rules: () => rules,
    requestId: createRequestIds(),
    budget,
    space,
    writes: new PQueue({ concurrency: BODY_WRITES }),
    maxRequests: () => limits.maxConnections,
    bodyFolder,
    observer
  })
  const admission = new Admission({
    limits: () => limits,
    addressKey: peer => addressKey(peer, limits.trusted),
    onReclaimed: state => { metrics.reclaimed(state) }
  })
  const refusals = new Refusals(refusalText(), deadlines)
  const listeners = config.listeners.map(({ host, port }) => new Listener({ host, port, reusePort, timeouts: () => client, requests, deadlines, admission, refusals, onRefused: reason => { observer.refused(reason) } }))

  let readiness: Readiness = 'starting'
  let closing: Promise<void> | null = null

  metrics.declare(labelsOf(config))

  function rulesOf (config: Config, upstreams: Rules['upstreams']): Rules {
    const { mirror, spool } = config
    return createRules(config, upstreams, mirror === null || copying === null ? NOTHING_COPIED : copying.rulesOf(mirror, spool.commitTimeoutMs))
  }

  function apply (next: Config): void {
    if (closing !== null) throw new Error('the router is stopping')
    const nextUpstreams = createUpstreams(next.upstreams, deadlines, upstreams)
    const nextRules = rulesOf(next, nextUpstreams)

    // From here on nothing throws.
    metrics.declare(labelsOf(next))
    log.level = next.log.level
    accessLog.use(next.log.access)
    if (next.mirror !== null) copying?.deliveries.use(next.mirror)
    const old = upstreams
    upstreams = nextUpstreams
    rules = nextRules
    client = next.client
    limits = limitsOf(next, openFiles)
    retire([...old.values()].filter(upstream => nextUpstreams.get(upstream.config.name) !== upstream))
  }

  function retire (old: readonly Upstream[]): void {
    for (const upstream of retired) if (!upstream.isOpen) retired.delete(upstream)
    for (const upstream of old) {
      upstream.drain()
      retired.add(upstream)
    }
  }

  async function listen (): Promise<void> {
    await mkdir(bodyFolder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'The folder for large request bodies cannot be made; they stay in memory. Is the folder of spool.path there, and may this user write it?')
    })
    await Promise.all(listeners.map(listener => listener.listen()))
    copying?.deliveries.start()
    readiness = 'ready'
  }

  async function shutDown (deadlineMs: number): Promise<void> {
    readiness = 'draining'
    const deadline = performance.now() + deadlineMs
    const timer = setTimeout(() => {
      log.warn({ connections: listeners.reduce((sum, listener) => sum + listener.connectionCount, 0) }, 'Connections were cut: their requests took longer than the time to stop.')
      for (const listener of listeners) listener.destroy()
    }, deadlineMs)
    await Promise.all(listeners.map(listener => listener.drain()))
    clearTimeout(timer)
    await copying?.deliveries.close({ deadlineMs: Math.max(LAST_ATTEMPTS_MS, deadline - performance.now()) })
    await copying?.spool.close()
    for (const upstream of [...upstreams.values(), ...retired]) upstream.destroy()
    unwatchEventLoop()
    await accessLog.close({ deadlineMs: LAST_ATTEMPTS_MS })
    await rm(bodyFolder, { recursive: true, force: true }).catch(() => {})
  }

  function statusNow (): ProcessStatus {
    return {
      pid: process.pid,
      startedAt,
      delivery: copying?.deliveries.status() ?? null,
      spool: copying === null ? null : { ...copying.spool.stats(), works: copying.spool.works(), maxBytes: config.spool.maxBytes },
      listeners: listeners.map(({ port, connectionCount }) => ({ port, connections: connectionCount })),
      upstreams: [...upstreams.values()].map(upstream => upstream.status()),
      capacity: { maxConnections: limits.maxConnections, memoryBytes: budget.used, diskBytes: space.used, maxDiskBytes: limits.bodySpaceBytes }
    }
  }

  return {
    listen,
    readiness: () => readiness,
    report () {
      const status = statusNow()
      return { metrics: metrics.snapshot(status), status }
    },
    spoolEnvironment: () => copying?.spool.environment(),
    adopt: partitions => { copying?.spool.adopt(partitions) },
    poll: () => { copying?.spool.poll() },
    replayed (projects) {
      for (const project of projects) metrics.replayed(project)
      copying?.spool.poll()
    },
    apply,
    reloads: metrics,
    close: deadlineMs => closing ??= shutDown(deadlineMs)
  }
}

function createRules (config: Config, upstreams: Rules['upstreams'], copyingRules: CopyingRules): Rules {
  const trusted = compileTrusted(config.realIp.trusted, config.realIp.recursive)
  return {
    table: createRouteTable(config.routes),
    maxBodyBytes: config.client.maxBodyBytes,
    upstreams,
    ui: new Map(config.listeners.map(listener => [String(listener.port), listener.ui])),
    clientAddress: (peer, head) => clientAddress(peer, forwardedLines(head.headers, config.realIp.header), trusted),
    ...copyingRules
  }
}

interface Limits extends ConnectionLimits {
  /** Of this process. */
  readonly bodySpaceBytes: number
  /** Peers that speak for many. */
  readonly trusted: TrustedRanges
}

/** @param openFiles - Descriptors this process may have. */
function limitsOf ({ client, mirror, realIp, workers }: Config, openFiles: number): Limits {
  return {
    maxConnections: Math.min(client.maxConnections, connectionsFor(openFiles, mirror?.concurrency ?? 0)),
    maxConnectionsPerAddress: client.maxConnectionsPerAddress ?? Infinity,
    bodySpaceBytes: Math.max(Math.ceil(client.maxBodySpaceBytes / workers), client.maxBodyBytes),
    trusted: compileTrusted(realIp.trusted, false)
  }
}

function labelsOf ({ listeners, routes, upstreams, mirror }: Config): LabelSets {
  return {
    listeners: listeners.map(listener => String(listener.port)),
    routes: routes.map(route => route.location),
    upstreams: Object.keys(upstreams),
    projects: [...mirror?.projects.keys() ?? []],
    mirrored: mirror === null ? [] : mirroredLabels(mirror)
  }
}

/** Labels of the projects that have a service at the endpoint. */
function mirroredLabels (mirror: MirrorConfig): string[] {
  const listed = [...mirror.projects].filter(([, path]) => path !== null).map(([project]) => project)
  return mirror.default === null ? listed : [...listed, 'default']
}

/** The metrics count everything; the logs want finished requests and refused clients only. */
function observeBy (metrics: ProxyObserver, logs: Pick<ProxyObserver, 'settled' | 'refused'>): ProxyObserver {
  return {
    settled (request) {
      metrics.settled(request)
      logs.settled(request)
    },
    refused (reason) {
      metrics.refused(reason)
      logs.refused(reason)
    },
    upstreamError: (upstream, reason) => { metrics.upstreamError(upstream, reason) },
    clientAborted: phase => { metrics.clientAborted(phase) }
  }
}
