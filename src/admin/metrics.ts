/**
 * What one process counts. The proxy and the mirror report to it; the process that
 * answers `/metrics` puts the snapshots of all together (render-metrics.ts).
 */
import type { MirrorObserver, SkipReason } from '../mirror/observer.ts'
import type { Reclaimed } from '../http1/admission.ts'
import type { AbortPhase, ProxyObserver, RefusalReason, UpstreamErrorReason } from '../proxy/ports.ts'
import type { ProcessStatus } from '../process/process-report.ts'
import type { DropReason } from '../spool/types.ts'
import { createCounter, createHistogram, sampled, type SnapshotMetric } from './families.ts'
import { processGauges, statusGauges } from './gauges.ts'
import { METRICS } from './metrics-table.ts'

/** Structured-cloneable: it travels between processes. */
export type MetricsSnapshot = readonly SnapshotMetric[]

/** The label values a configuration makes possible, so that their counters exist at 0. */
export interface LabelSets {
  /** Ports. */
  readonly listeners: readonly string[]
  /** Locations as written. */
  readonly routes: readonly string[]
  readonly upstreams: readonly string[]
  /** Ids under `mirror.projects`; `default` is added. */
  readonly projects: readonly string[]
  /** Those of them, and `default`, that have a service at the endpoint. */
  readonly mirrored: readonly string[]
}

export interface Metrics {
  readonly proxy: ProxyObserver
  readonly mirror: MirrorObserver
  reclaimed (state: Reclaimed): void
  /** After a start and after every reload; counters that exist keep their values. */
  declare (labels: LabelSets): void
  replayed (project: string): void
  /** Dead letters that are kept no more. */
  deadPurged (project: string, count: number): void
  /** The configuration now in force was loaded, at start. */
  configured (): void
  reloaded (result: 'success' | 'failure'): void
  /** How late something began that was due. @param seconds - At least 0. */
  eventLoopDelayed (seconds: number): void
  /** @param status - `null` of a process that serves nobody: it has no gauges that would speak for those that do. */
  snapshot (status: ProcessStatus | null): MetricsSnapshot
}

export interface MetricsOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly accessLogDroppedLines: () => number
}

const UPSTREAM_REASONS: readonly UpstreamErrorReason[] = ['refused', 'reset', 'timeout', 'dns', 'invalid_response', 'unreachable']
const REFUSAL_REASONS: readonly RefusalReason[] = ['connections', 'connections_per_address', 'requests', 'bodies', 'descriptors']
const RECLAIMED: readonly Reclaimed[] = ['idle', 'slow']
const ABORT_PHASES: readonly AbortPhase[] = ['head', 'body', 'response']
const SKIP_REASONS: readonly SkipReason[] = ['method', 'endpoint', 'off']
const DROP_REASONS: readonly DropReason[] = ['spool_full', 'spool_error']
/** Statuses join them as they come. */
const DEAD_REASONS = ['expired', 'body_lost', 'corrupt'] as const
const ATTEMPT_CODES = ['200', 'refused', 'reset', 'timeout', 'tls', 'dns'] as const

export function createMetrics ({ now, accessLogDroppedLines }: MetricsOptions): Metrics {
  const requests = createCounter(METRICS.requests)
  const requestDuration = createHistogram(METRICS.requestDuration)
  const upstreamErrors = createCounter(METRICS.upstreamErrors)
  const clientAborts = createCounter(METRICS.clientAborts)
  const refused = createCounter(METRICS.refused)
  const reclaimed = createCounter(METRICS.reclaimed)
  const accepted = createCounter(METRICS.accepted)
  const delivered = createCounter(METRICS.delivered)
  const dead = createCounter(METRICS.dead)
  const dropped = createCounter(METRICS.dropped)
  const skipped = createCounter(METRICS.skipped)
  const replayed = createCounter(METRICS.replayed)
  const deadPurged = createCounter(METRICS.deadPurged)
  const attempts = createCounter(METRICS.attempts)
  const deliveryDuration = createHistogram(METRICS.deliveryDuration)
  const lateCommits = createCounter(METRICS.lateCommits)
  const reloads = createCounter(METRICS.reloads)
  const eventLoopDelay = createHistogram(METRICS.eventLoopDelay)
  let configuredAt = 0
  let reloadSuccessful = true
  let mirrored: readonly string[] = []

  for (const phase of ABORT_PHASES) clientAborts.declare(phase)
  for (const reason of REFUSAL_REASONS) refused.declare(reason)
  for (const state of RECLAIMED) reclaimed.declare(state)
  for (const code of ATTEMPT_CODES) attempts.declare(code)
  for (const result of ['success', 'failure']) reloads.declare(result)
  declareProject('default')

  function declareProject (project: string): void {
    for (const counter of [accepted, delivered, replayed, deadPurged]) counter.declare(project)
    for (const reason of DEAD_REASONS) dead.declare(project, reason)
    for (const reason of DROP_REASONS) dropped.declare(project, reason)
    for (const reason of SKIP_REASONS) skipped.declare(project, reason)
  }

  return {
    proxy: {
      settled (request) {
        requests.increment(request.listener, request.route, String(request.status))
        requestDuration.observe(request.durationMs / 1000, request.route)
      },
      upstreamError (upstream, reason) { upstreamErrors.increment(upstream, reason) },
      clientAborted (phase) { clientAborts.increment(phase) },
      refused (reason) { refused.increment(reason) }
    },

    reclaimed (state) { reclaimed.increment(state) },

    mirror: {
      accepted (project) { accepted.increment(project) },
      skipped (project, reason) { skipped.increment(project, reason) },
      delivered (project, msSinceTaken) {
        delivered.increment(project)
        deliveryDuration.observe(Math.max(msSinceTaken, 0) / 1000)
      },
      dead (project, reason) { dead.increment(project, reason) },
      dropped (project, reason) { dropped.increment(project, reason) },
      attempted (code) { attempts.increment(code) },
      lateCommit () { lateCommits.increment() }
    },

    declare ({ listeners, routes, upstreams, projects, ...labels }) {
      mirrored = labels.mirrored
      for (const listener of listeners) {
        for (const route of routes) requests.declare(listener, route, '200')
      }
      for (const route of routes) requestDuration.declare(route)
      for (const upstream of upstreams) {
        for (const reason of UPSTREAM_REASONS) upstreamErrors.declare(upstream, reason)
      }
      for (const project of projects) declareProject(project)
    },

    replayed (project) { replayed.increment(project) },
    deadPurged (project, count) { deadPurged.add(count, project) },

    configured () { configuredAt = now() },

    reloaded (result) {
      reloads.increment(result)
      reloadSuccessful = result === 'success'
      if (reloadSuccessful) configuredAt = now()
    },

    eventLoopDelayed (seconds) { eventLoopDelay.observe(seconds) },

    snapshot: status => [
      ...[
        requests, requestDuration, upstreamErrors, clientAborts, refused, reclaimed,
        accepted, delivered, dead, dropped, skipped, replayed, deadPurged, attempts, deliveryDuration, lateCommits, reloads, eventLoopDelay
      ].map(metric => metric.snapshot()),
      sampled(METRICS.reloadSuccessful, Number(reloadSuccessful)),
      sampled(METRICS.lastReload, configuredAt / 1000),
      sampled(METRICS.accessLogDropped, accessLogDroppedLines()),
      ...status === null ? [] : statusGauges(status, mirrored, now()),
      ...processGauges()
    ]
  }
}
