/**
 * The composition root of one router process: builds every part from the
 * configuration and plugs them together; nothing else constructs its own
 * dependencies. Parts are closed in the order of the way of a request.
 */
import { mkdir, rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import { createAccessLog, type WriteText } from './log/access-log.ts'
import { watchEventLoop } from './admin/event-loop.ts'
import { createMetrics } from './admin/metrics.ts'
import type { Readiness } from './admin/server.ts'
import type { Config, MirrorConfig } from './config/config.ts'
import { Deadlines } from './http1/deadlines.ts'
import { Listener } from './http1/listener.ts'
import { createDelivery, type Delivery } from './mirror/delivery.ts'
import { createEndpoint, type Endpoint } from './mirror/endpoint.ts'
import { steadyNow } from './mirror/clock.ts'
import { createKeepCopy } from './mirror/keep.ts'
import { createLedgerObserver, type LedgerObserver } from './mirror/ledger-observer.ts'
import type { MirrorObserver } from './mirror/observer.ts'
import { clientAddress, compileTrusted, forwardedLines } from './proxy/client-address.ts'
import { createHandler, type Rules } from './proxy/handler.ts'
import { MemoryBudget } from './proxy/memory-budget.ts'
import type { KeepCopy, ProxyObserver } from './proxy/ports.ts'
import { createRequestIds } from './proxy/request-id.ts'
import { createUpstreams } from './proxy/upstreams.ts'
import { bodyFolderOf } from './process/body-folder.ts'
import type { ProcessReport, ProcessStatus } from './process/report.ts'
import { createRouteTable } from './routing/table.ts'
import { createLedger } from './spool/ledger.ts'
import { openSpool, type DurableSpool } from './spool/lmdb-spool.ts'

/** All request bodies in memory together, and what they may take when the disk fails. */
const BODIES_IN_MEMORY_BYTES = 64 * 1024 * 1024
const BODIES_IN_EMERGENCY_BYTES = 4 * BODIES_IN_MEMORY_BYTES
/** Attempts under way are given this long, however late in the shutdown. */
const LAST_ATTEMPTS_MS = 1_000

export interface AppOptions {
  readonly config: Config
  readonly log: Logger
  /** Other processes listen on the same ports. */
  readonly reusePort: boolean
  /** Where the access log goes. */
  readonly writeAccessLog: WriteText
  /** Of the spool: what this process appends to, and nobody else. */
  readonly partition: number
}

/** One process of the router. */
export interface App {
  /** @throws What `net` says: EADDRINUSE, EACCES, … */
  listen (): Promise<void>
  readiness (): Readiness
  report (): ProcessReport
  /** Delivers these partitions too: whoever did is gone. */
  adopt (partitions: readonly number[]): void
  /** Another process changed the spool. */
  poll (): void
  /** The admin listener of this process put dead letters back, one of each of these projects. */
  replayed (projects: readonly string[]): void
  /** Finishes what is under way, for up to `deadlineMs`. Safe to call twice. */
  close (deadlineMs: number): Promise<void>
}

interface Mirror {
  readonly keepCopy: KeepCopy
  readonly counts: LedgerObserver
  readonly spool: DurableSpool
  readonly delivery: Delivery
  readonly endpoint: Endpoint
}

const now = (): number => Date.now()

export function createApp ({ config, log, reusePort, writeAccessLog, partition }: AppOptions): App {
  const startedAt = now()
  const deadlines = new Deadlines()
  const accessLog = createAccessLog({ format: config.log.access, write: writeAccessLog, now })
  const metrics = createMetrics({ now: steadyNow, accessLogDroppedLines: () => accessLog.droppedLines() })
  const unwatchEventLoop = watchEventLoop(seconds => { metrics.eventLoopDelayed(seconds) })
  const mirror = config.mirror === null ? null : createMirror(config.mirror)

  const upstreams = createUpstreams(config.upstreams, deadlines)
  const rules = createRules(config, upstreams, mirror?.keepCopy ?? (() => null))
  const bodyFolder = bodyFolderOf(config.spool.path, process.pid)
  const requests = createHandler({
    rules: () => rules,
    requestId: createRequestIds(),
    budget: new MemoryBudget(BODIES_IN_MEMORY_BYTES, BODIES_IN_EMERGENCY_BYTES),
    bodyFolder,
    observer: observeBy(metrics.proxy, request => {
      accessLog.settled(request)
      mirror?.counts.settled(request)
    })
  })
  const listeners = config.listeners.map(({ host, port }) => new Listener({ host, port, reusePort, timeouts: () => config.client, requests, deadlines }))

  let readiness: Readiness = 'starting'
  let closing: Promise<void> | null = null

  metrics.declare({
    listeners: config.listeners.map(listener => String(listener.port)),
    routes: config.routes.map(route => route.location),
    upstreams: Object.keys(config.upstreams),
    projects: [...config.mirror?.projects.keys() ?? []],
    mirrored: config.mirror === null ? [] : mirroredLabels(config.mirror)
  })
  metrics.configured()

  function createMirror (mirrorConfig: MirrorConfig): Mirror {
    const ledger = createLedger({ writer: `${process.pid}-${now()}`, now })
    const counts = createLedgerObserver(mirrorConfig, ledger)
    const observer: MirrorObserver = {
      ...metrics.mirror,
      accepted (project) {
        metrics.mirror.accepted(project)
        counts.accepted(project)
      },
      skipped (project, reason) {
        metrics.mirror.skipped(project, reason)
        counts.skipped(project, reason)
      }
    }
    const spool = openSpool({
      ...config.spool,
      partition,
      ledger,
      log,
      now: steadyNow,
      onDrop: (project, reason) => { observer.dropped(project, reason) },
      onDead: (project, reason) => { observer.dead(project, reason) },
      onDeadPurged: (project, count) => { metrics.deadPurged(project, count) }
    })
    const endpoint = createEndpoint({ ...mirrorConfig, deadlines })
    return {
      spool,
      counts,
      endpoint,
      keepCopy: createKeepCopy({ mirror: mirrorConfig, spool, observer, commitTimeoutMs: config.spool.commitTimeoutMs, now: steadyNow }),
      delivery: createDelivery({ spool, endpoint, observer, log, concurrency: mirrorConfig.concurrency, retry: mirrorConfig.retry, now: steadyNow })
    }
  }

  async function listen (): Promise<void> {
    await mkdir(bodyFolder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'The folder for large request bodies cannot be made; they stay in memory.')
    })
    await Promise.all(listeners.map(listener => listener.listen()))
    mirror?.delivery.start()
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
    await mirror?.delivery.close({ deadlineMs: Math.max(LAST_ATTEMPTS_MS, deadline - performance.now()) })
    mirror?.endpoint.close()
    await mirror?.spool.close()
    for (const upstream of upstreams.values()) upstream.destroy()
    unwatchEventLoop()
    await accessLog.close({ deadlineMs: LAST_ATTEMPTS_MS })
    await rm(bodyFolder, { recursive: true, force: true }).catch(() => {})
  }

  function statusNow (): ProcessStatus {
    return {
      pid: process.pid,
      startedAt,
      delivery: mirror === null ? null : { ...mirror.delivery.status(), connections: mirror.endpoint.connections() },
      spool: mirror === null ? null : { ...mirror.spool.stats(), works: mirror.spool.works(), maxBytes: config.spool.maxBytes },
      listeners: listeners.map(({ port, connectionCount }) => ({ port, connections: connectionCount })),
      upstreams: [...upstreams.values()].map(upstream => upstream.status())
    }
  }

  return {
    listen,
    readiness: () => readiness,
    report () {
      const status = statusNow()
      return { metrics: metrics.snapshot(status), status }
    },
    adopt: partitions => { mirror?.spool.adopt(partitions) },
    poll: () => { mirror?.spool.poll() },
    replayed (projects) {
      for (const project of projects) metrics.replayed(project)
      mirror?.spool.poll()
    },
    close: deadlineMs => closing ??= shutDown(deadlineMs)
  }
}

function createRules (config: Config, upstreams: Rules['upstreams'], keepCopy: KeepCopy): Rules {
  const trusted = compileTrusted(config.realIp.trusted, config.realIp.recursive)
  return {
    table: createRouteTable(config.routes),
    maxBodyBytes: config.client.maxBodyBytes,
    upstreams,
    ui: new Map(config.listeners.map(listener => [String(listener.port), listener.ui])),
    clientAddress: (peer, head) => clientAddress(peer, forwardedLines(head.headers, config.realIp.header), trusted),
    keepCopy
  }
}

/** Labels of the projects that have a service at the endpoint. */
function mirroredLabels (mirror: MirrorConfig): string[] {
  const listed = [...mirror.projects].filter(([, path]) => path !== null).map(([project]) => project)
  return mirror.default === null ? listed : [...listed, 'default']
}

/** The metrics count everything; the access log wants finished requests only. */
function observeBy (metrics: ProxyObserver, logSettled: ProxyObserver['settled']): ProxyObserver {
  return {
    settled (request) {
      metrics.settled(request)
      logSettled(request)
    },
    upstreamError: (upstream, reason) => { metrics.upstreamError(upstream, reason) },
    clientAborted: phase => { metrics.clientAborted(phase) }
  }
}
