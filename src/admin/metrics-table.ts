/**
 * Every metric this program has, once: what is counted, shown and documented comes
 * from here. docs/metrics.md is printed from this table.
 */
export interface MetricSpec {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** What becomes of the values of several processes. */
  readonly aggregator: 'sum' | 'max' | 'min'
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[]
  readonly help: string
}

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const
const DELAY_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const
/** Up to a day: a copy may wait that long for the endpoint. */
const DELIVERY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400] as const

export const METRICS = {
  requests: { name: 'router_requests_total', type: 'counter', labels: ['listener', 'route', 'code'], aggregator: 'sum', help: 'Requests that ended, by listener port, location and status; 499 where the client left first.' },
  requestDuration: { name: 'router_request_duration_seconds', type: 'histogram', labels: ['route'], aggregator: 'sum', buckets: REQUEST_SECONDS, help: 'From the first byte of a request to the last byte of its answer.' },
  upstreamErrors: { name: 'router_upstream_errors_total', type: 'counter', labels: ['upstream', 'reason'], aggregator: 'sum', help: 'Attempts to forward a request that failed.' },
  clientAborts: { name: 'router_client_aborts_total', type: 'counter', labels: ['phase'], aggregator: 'sum', help: 'Clients that left, by what they were busy with.' },
  refused: { name: 'router_refused_total', type: 'counter', labels: ['reason'], aggregator: 'sum', help: 'Clients answered 503 at once, by what there was no more of: `connections`, `connections_per_address`, `requests`, `bodies` (space for them), `descriptors`. Refused connections are not among the requests.' },
  reclaimed: { name: 'router_reclaimed_connections_total', type: 'counter', labels: ['state'], aggregator: 'sum', help: 'Connections ended to make room for a new one at `client.max_connections` or `client.max_connections_per_address`: `idle` ones, or those of `slow` clients.' },
  openConnections: { name: 'router_open_connections', type: 'gauge', labels: ['listener'], aggregator: 'sum', help: 'Connections of clients that are open, by listener port; those waiting for a next request included.' },
  maxConnections: { name: 'router_max_connections', type: 'gauge', labels: [], aggregator: 'sum', help: 'Connections of clients that may be open: `client.max_connections` of each process, or what its limit of open files allows.' },
  bodyBytes: { name: 'router_request_body_bytes', type: 'gauge', labels: ['place'], aggregator: 'sum', help: 'Bodies of requests under way: in `memory`, or in files (`disk`).' },
  bodySpace: { name: 'router_max_body_space_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'What those in files may take: `client.max_body_space`.' },
  upstreamConnections: { name: 'router_upstream_connections', type: 'gauge', labels: ['upstream', 'state'], aggregator: 'sum', help: 'Connections to an upstream that are open: `busy` with a request, or `idle`.' },
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
  spoolBytes: { name: 'mirror_spool_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'What pending copies and dead letters count for against `spool.max_bytes`.' },
  spoolMaxBytes: { name: 'mirror_spool_max_bytes', type: 'gauge', labels: [], aggregator: 'max', help: '`spool.max_bytes`. It bounds all processes together.' },
  spoolWorks: { name: 'mirror_spool_works', type: 'gauge', labels: [], aggregator: 'min', help: '1 while the disk takes copies, 0 while it fails: copies are kept in memory then, and dropped when that is full.' },
  deadPurged: { name: 'mirror_dead_letters_purged_total', type: 'counter', labels: ['project'], aggregator: 'sum', help: 'Dead letters that gave way to younger ones, to copies, or to their age: they can be replayed no more.' },
  deadLetters: { name: 'mirror_dead_letters', type: 'gauge', labels: [], aggregator: 'sum', help: 'Dead letters that are kept now.' },
  endpointUp: { name: 'mirror_endpoint_up', type: 'gauge', labels: [], aggregator: 'min', help: '1 until several copies in a row have failed, 0 until one is delivered again; then copies wait in the spool.' },
  projectUp: { name: 'mirror_project_up', type: 'gauge', labels: ['project'], aggregator: 'min', help: 'The same of one project, while the endpoint takes the copies of others: 0 is trouble with the service behind it. Projects that are off have none.' },
  width: { name: 'mirror_width', type: 'gauge', labels: [], aggregator: 'sum', help: 'Copies that may be under way to the endpoint at once, the adaptive limit: grows while they are answered, up to `mirror.concurrency` per process, and shrinks on timeouts, 429 and 503.' },
  underWay: { name: 'mirror_under_way', type: 'gauge', labels: [], aggregator: 'sum', help: 'Copies being sent to the endpoint now.' },
  endpointConnections: { name: 'mirror_endpoint_connections', type: 'gauge', labels: ['state'], aggregator: 'sum', help: 'Connections to the endpoint that are open: `busy` with a copy, or `idle`.' },
  deliveryDuration: { name: 'mirror_delivery_duration_seconds', type: 'histogram', labels: [], aggregator: 'sum', buckets: DELIVERY_SECONDS, help: 'From the moment a copy was taken to its 2xx.' },
  lateCommits: { name: 'mirror_late_commits_total', type: 'counter', labels: [], aggregator: 'sum', help: 'Answers that went out before the copy was durable: the spool was slower than `spool.commit_timeout`.' },
  reloads: { name: 'config_reloads_total', type: 'counter', labels: ['result'], aggregator: 'sum', help: 'Reloads of the configuration: `success`, or `failure` where the old one went on serving.' },
  reloadSuccessful: { name: 'config_last_reload_successful', type: 'gauge', labels: [], aggregator: 'min', help: '0 when the last reload was refused: the file on disk is not what serves. Else 1.' },
  lastReload: { name: 'config_last_reload_success_timestamp_seconds', type: 'gauge', labels: [], aggregator: 'max', help: 'When the configuration in force was loaded, in seconds since the epoch.' },
  accessLogDropped: { name: 'access_log_dropped_lines_total', type: 'counter', labels: [], aggregator: 'sum', help: 'Lines of the access log that were given up because standard output took none.' },
  eventLoopDelay: { name: 'router_event_loop_delay_seconds', type: 'histogram', labels: [], aggregator: 'sum', buckets: DELAY_SECONDS, help: 'How late work begins because a process that serves is busy with other work; observed every 50 ms.' },
  build: { name: 'router_build_info', type: 'gauge', labels: ['version', 'node'], aggregator: 'max', help: 'Always 1; the labels say what runs.' },
  startTime: { name: 'process_start_time_seconds', type: 'gauge', labels: [], aggregator: 'min', help: 'When the oldest process started, in seconds since the epoch.' },
  cpu: { name: 'process_cpu_seconds_total', type: 'counter', labels: [], aggregator: 'sum', help: 'User and system CPU time of all processes.' },
  memory: { name: 'process_resident_memory_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'Resident memory of all processes.' },
  heapUsed: { name: 'nodejs_heap_size_used_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'What JavaScript objects take, of all processes.' },
  heapTotal: { name: 'nodejs_heap_size_total_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'What is set aside for JavaScript objects, of all processes.' },
  external: { name: 'nodejs_external_memory_bytes', type: 'gauge', labels: [], aggregator: 'sum', help: 'Buffers, request bodies in memory among them, of all processes.' },
  openFds: { name: 'process_open_fds', type: 'gauge', labels: [], aggregator: 'sum', help: 'Open file descriptors of all processes. Linux only.' },
  maxFds: { name: 'process_max_fds', type: 'gauge', labels: [], aggregator: 'sum', help: 'File descriptors that all processes may open; each has an equal part. Linux only.' }
} as const satisfies Record<string, MetricSpec>
