/**
 * Every metric this program has, once: what is counted, shown and documented comes
 * from here. docs/metrics.md is printed from this table.
 */
export interface MetricSpec {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** What becomes of the values of several processes. */
  readonly aggregator: 'sum' | 'max'
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[]
  readonly help: string
}

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const
/** Up to a day: a copy may wait that long for the endpoint. */
const DELIVERY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400] as const

export const METRICS = {
  requests: { name: 'router_requests_total', type: 'counter', labels: ['listener', 'route', 'code'], aggregator: 'sum', help: 'Requests that ended, by listener port, location and status; 499 where the client left first.' },
  requestDuration: { name: 'router_request_duration_seconds', type: 'histogram', labels: ['route'], aggregator: 'sum', buckets: REQUEST_SECONDS, help: 'From the first byte of a request to the last byte of its answer.' },
  upstreamErrors: { name: 'router_upstream_errors_total', type: 'counter', labels: ['upstream', 'reason'], aggregator: 'sum', help: 'Attempts to forward a request that failed.' },
  clientAborts: { name: 'router_client_aborts_total', type: 'counter', labels: ['phase'], aggregator: 'sum', help: 'Clients that left, by what they were busy with.' },
  accepted: { name: 'mirror_accepted_total', type: 'counter', labels: ['project'], aggregator: 'sum', help: 'Copies taken. Accepted and replayed copies are delivered, dead, dropped or pending.' },
  delivered: { name: 'mirror_delivered_total', type: 'counter', labels: ['project'], aggregator: 'sum', help: 'Copies that the endpoint answered with 2xx.' },
  dead: { name: 'mirror_dead_total', type: 'counter', labels: ['project', 'reason'], aggregator: 'sum', help: 'Copies given up and kept as dead letters: the status, `expired`, `body_lost` or `corrupt`.' },
  dropped: { name: 'mirror_dropped_total', type: 'counter', labels: ['project', 'reason'], aggregator: 'sum', help: 'Copies taken, then lost: `spool_full` or `spool_error`.' },
  skipped: { name: 'mirror_skipped_total', type: 'counter', labels: ['project', 'reason'], aggregator: 'sum', help: 'Requests on mirrored routes that are not copied, by rule: `method`, `endpoint` or `off`. No loss.' },
  replayed: { name: 'mirror_replayed_total', type: 'counter', labels: ['project'], aggregator: 'sum', help: 'Dead letters sent again.' },
  attempts: { name: 'mirror_attempts_total', type: 'counter', labels: ['code'], aggregator: 'sum', help: 'Attempts to deliver a copy: the status, `refused`, `reset`, `timeout`, `tls` or `dns`.' },
  pending: { name: 'mirror_pending', type: 'gauge', labels: [], aggregator: 'sum', help: 'Copies in the spool, those being sent included; dead letters are not.' },
  pendingBytes: { name: 'mirror_pending_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'What pending copies count for against `spool.max_bytes`.' },
  oldestPending: { name: 'mirror_oldest_pending_seconds', type: 'gauge', labels: [], aggregator: 'max', help: 'Age of the oldest pending copy; 0 when none is pending.' },
  deadPurged: { name: 'mirror_dead_letters_purged_total', type: 'counter', labels: ['project'], aggregator: 'sum', help: 'Dead letters that gave way to younger ones, to copies, or to their age: they can be replayed no more.' },
  deadLetters: { name: 'mirror_dead_letters', type: 'gauge', labels: [], aggregator: 'sum', help: 'Dead letters that are kept now.' },
  width: { name: 'mirror_width', type: 'gauge', labels: [], aggregator: 'sum', help: 'Copies that may be under way to the endpoint at once: grows while they are answered, up to `mirror.concurrency` per process, and shrinks on timeouts, 429 and 503.' },
  deliveryDuration: { name: 'mirror_delivery_duration_seconds', type: 'histogram', labels: [], aggregator: 'sum', buckets: DELIVERY_SECONDS, help: 'From the moment a copy was taken to its 2xx.' },
  lateCommits: { name: 'mirror_late_commits_total', type: 'counter', labels: [], aggregator: 'sum', help: 'Answers that went out before the copy was durable: the spool was slower than `spool.commit_timeout`.' },
  reloads: { name: 'config_reloads_total', type: 'counter', labels: ['result'], aggregator: 'sum', help: 'Reloads of the configuration: `success`, or `failure` where the old one went on serving.' },
  lastReload: { name: 'config_last_reload_success_timestamp_seconds', type: 'gauge', labels: [], aggregator: 'max', help: 'When the configuration in force was loaded, in seconds since the epoch.' },
  accessLogDropped: { name: 'access_log_dropped_lines_total', type: 'counter', labels: [], aggregator: 'sum', help: 'Lines of the access log that were given up because standard output took none.' },
  cpu: { name: 'process_cpu_seconds_total', type: 'counter', labels: [], aggregator: 'sum', help: 'User and system CPU time of all processes.' },
  memory: { name: 'process_resident_memory_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'Resident memory of all processes.' }
} as const satisfies Record<string, MetricSpec>
