/**
 * Puts a Status together from what the processes report, what was counted within each
 * window, the configuration in force and the dead letters. Pure.
 */
import type { Readiness } from '../admin/server.ts'
import type { Config, RouteConfig } from '../config/config.ts'
import type { ProcessStatus } from '../process/process-report.ts'
import { describeEndpoint } from './endpoint.ts'
import { findingsOf, headlineOf } from './findings.ts'
import { describeProject, outcomesOf, projectsOf, type Sums } from './projects.ts'
import { redactPath } from './redact.ts'
import type { ConfigStatus, DeadLetterCount, MirrorStatus, ProjectTarget, ReloadStatus, RouteTraffic, SpoolStatus, Status, TrafficStatus } from './status.ts'
import { latencyMs, nameOf, partsOf } from './totals.ts'
import { describeUpstreams } from './upstreams.ts'

export interface CollectInput {
  readonly at: number
  readonly version: string
  readonly startedAt: number
  readonly readiness: Readiness
  readonly processes: readonly ProcessStatus[]
  readonly sums: Sums
  /** What was counted in the last 5 minutes. */
  readonly latency: ReadonlyMap<string, number>
  readonly deadLetters: readonly DeadLetterCount[]
  /** In force. */
  readonly config: Config
  readonly loadedAt: number
  readonly lastReload: ReloadStatus | null
}

/** Rows of dead letters in a Status. */
const MAX_DEAD_ROWS = 100
/** Of a route that no location took. */
const NO_ROUTE = 'none'

export function collectStatus (input: CollectInput): Status {
  const { at, version, startedAt, readiness, processes, sums, config } = input
  const spool = spoolOf(processes, config)
  const mirror = mirrorOf(input, spool)
  const traffic = trafficOf(input)
  const described = configOf(input)
  const drops = new Map([...sums['24h']].map(([name, count]) => [partsOf(name), count] as const).filter(([{ kind }]) => kind === 'drops').map(([{ label }, count]) => [label, count]))
  const findings = findingsOf({ readiness, mirror, traffic, spool, deadLetters: input.deadLetters, drops, config: described }, at)
  return {
    at,
    version,
    startedAt,
    readiness,
    headline: headlineOf(findings, mirror),
    findings,
    mirror,
    traffic,
    spool,
    deadLetters: [...input.deadLetters].sort((a, b) => b.count - a.count || a.project.localeCompare(b.project)).slice(0, MAX_DEAD_ROWS),
    config: described,
    processes: processes.map(({ pid, startedAt }) => ({ pid, startedAt }))
  }
}

function mirrorOf ({ at, processes, sums, latency, config: { mirror } }: CollectInput, spool: SpoolStatus | null): MirrorStatus | null {
  if (mirror === null) return null
  const deliveries = processes.map(({ delivery }) => delivery).filter(delivery => delivery !== null)
  const outages = deliveries.flatMap(({ projectsDown }) => projectsDown)
  const endpoint = describeEndpoint(mirror.endpoint.host, deliveries, { pending: spool?.pending ?? 0, oldestTakenAt: spool?.oldestTakenAt ?? null }, at)
  return {
    endpoint,
    success: outcomesOf(sums, null),
    retriedNow: sums.now.get('retried') ?? 0,
    projects: projectsOf(mirror, sums).map(project => describeProject(project, sums, endpoint, outages, at)),
    latency: { p50: latencyMs(latency, 0.5), p90: latencyMs(latency, 0.9), p99: latencyMs(latency, 0.99) }
  }
}

function spoolOf (processes: readonly ProcessStatus[], { mirror, spool: { maxBytes } }: Config): SpoolStatus | null {
  if (mirror === null) return null
  const spools = processes.map(({ spool }) => spool).filter(spool => spool !== null)
  const sum = (value: (spool: typeof spools[number]) => number): number => spools.reduce((total, spool) => total + value(spool), 0)
  const oldest = spools.map(({ oldestTakenAt }) => oldestTakenAt).filter(takenAt => takenAt !== null)
  return {
    works: spools.every(({ works }) => works),
    pending: sum(({ pending }) => pending),
    pendingBytes: sum(({ pendingBytes }) => pendingBytes),
    maxBytes,
    oldestTakenAt: oldest.length === 0 ? null : Math.min(...oldest),
    dead: sum(({ dead }) => dead),
    deadBytes: sum(({ deadBytes }) => deadBytes)
  }
}

function trafficOf ({ at, processes, sums, config }: CollectInput): TrafficStatus {
  const routeOf = (route: string): RouteTraffic => ({
    route,
    requests: sums.now.get(nameOf('requests', route)) ?? 0,
    errors: sums.now.get(nameOf('errors', route)) ?? 0
  })
  const none = routeOf(NO_ROUTE)
  return {
    routes: [...new Set(config.routes.map(({ location }) => location))].map(routeOf).concat(none.requests > 0 ? [none] : []),
    upstreams: describeUpstreams(processes.map(({ upstreams }) => upstreams), sums.now, at)
  }
}

function configOf ({ config, loadedAt, lastReload }: CollectInput): ConfigStatus {
  const { mirror } = config
  return {
    file: config.file,
    loadedAt,
    lastReload,
    listeners: config.listeners.map(({ host, port, ui }) => ({ host, port, ui })),
    routes: config.routes.map(route => ({ location: route.location, target: targetOf(route), mirror: route.mirror })),
    projects: mirror === null ? [] : [...mirror.projects, ['default', mirror.default] as const].map(([project, path]) => projectTarget(project, path))
  }
}

function targetOf ({ upstream, root, rewrite }: RouteConfig): string {
  if (upstream !== null) return `upstream ${upstream}${rewrite === null ? '' : `, as ${rewrite}`}`
  return root === null ? 'internal (404)' : `folder ${root}`
}

function projectTarget (project: string, path: string | null): ProjectTarget {
  return path === null ? { project, state: 'off', target: '' } : { project, state: 'mirrored', target: redactPath(path) }
}
