import { test } from 'tap'
import { createMetrics, type Metrics, type MetricsSnapshot } from '../../../src/admin/metrics.ts'
import { METRICS, type MetricSpec } from '../../../src/admin/metrics-table.ts'
import { createMetricsRenderer } from '../../../src/admin/render-metrics.ts'
import type { ProcessStatus } from '../../../src/process/process-report.ts'
import type { Settled } from '../../../src/proxy/ports.ts'

const LABELS = { listeners: ['80', '81'], routes: ['/', '~ ^/api/[1-9]\\d*/'], upstreams: ['relay'], projects: ['1', '7'], mirrored: ['1', 'default'] }

function setup (): Metrics {
  const metrics = createMetrics({ now: () => 100_000, accessLogDroppedLines: () => 0 })
  metrics.declare(LABELS)
  return metrics
}

const DELIVERY = { downSince: null, closedUntil: null, projectsDown: [], lastFailure: null, lastSuccessAt: null, failingSince: null, width: 8, underWay: 3, connections: { open: 5, idle: 2 } } as const
const SPOOL = { pending: 2, pendingBytes: 20, oldestTakenAt: 40_000, dead: 1, deadBytes: 5, works: true, maxBytes: 1000 }

function serving (fields: Partial<ProcessStatus> = {}): ProcessStatus {
  return { pid: 1, startedAt: 0, delivery: DELIVERY, spool: SPOOL, listeners: [{ port: 80, connections: 4 }], upstreams: [], capacity: { maxConnections: 100, memoryBytes: 1, diskBytes: 2, maxDiskBytes: 3 }, ...fields }
}

/** The samples of a scrape, by their text up to the value. */
function scrape (...processes: Metrics[]): Promise<Map<string, number>> {
  return render(processes.map(process => process.snapshot(null)))
}

async function render (snapshots: readonly MetricsSnapshot[]): Promise<Map<string, number>> {
  return parse(await createMetricsRenderer().render(snapshots.map(snapshot => structuredClone(snapshot))))
}

function parse (text: string): Map<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

function settled (fields: Partial<Settled> = {}): Settled {
  return {
    listener: '80', route: '/', status: 200, durationMs: 30, bytesSent: 0, clientAddress: '192.0.2.1', requestLine: 'GET / HTTP/1.1',
    head: null, requestId: '0', mirrorPath: null, ...fields
  }
}

test('the names that others rely on are all there, with their types and labels', async t => {
  const promised: Record<string, string> = {
    router_requests_total: 'counter listener,route,code',
    router_request_duration_seconds: 'histogram route',
    router_upstream_errors_total: 'counter upstream,reason',
    router_client_aborts_total: 'counter phase',
    mirror_accepted_total: 'counter project',
    mirror_delivered_total: 'counter project',
    mirror_dead_total: 'counter project,reason',
    mirror_dropped_total: 'counter project,reason',
    mirror_skipped_total: 'counter project,reason',
    mirror_replayed_total: 'counter project',
    mirror_attempts_total: 'counter code',
    mirror_pending: 'gauge ',
    mirror_pending_bytes: 'gauge ',
    mirror_oldest_pending_seconds: 'gauge ',
    mirror_delivery_duration_seconds: 'histogram ',
    mirror_late_commits_total: 'counter ',
    config_reloads_total: 'counter result',
    config_last_reload_success_timestamp_seconds: 'gauge '
  }
  const specs = Object.values<MetricSpec>(METRICS)

  for (const [name, expected] of Object.entries(promised)) {
    const spec = specs.find(spec => spec.name === name)
    t.equal(`${spec?.type} ${spec?.labels.join(',')}`, expected, name)
  }
})

test('every counter exists at 0 from the start', async t => {
  const samples = await scrape(setup())

  for (const name of [
    'router_requests_total{listener="81",route="~ ^/api/[1-9]\\\\d*/",code="200"}', 'router_request_duration_seconds_count{route="/"}',
    'router_upstream_errors_total{upstream="relay",reason="timeout"}', 'router_client_aborts_total{phase="response"}',
    'mirror_accepted_total{project="default"}', 'mirror_accepted_total{project="7"}', 'mirror_delivered_total{project="1"}',
    'mirror_dead_total{project="1",reason="expired"}', 'mirror_dropped_total{project="1",reason="spool_full"}',
    'mirror_dropped_total{project="default",reason="spool_error"}', 'mirror_skipped_total{project="7",reason="off"}',
    'mirror_replayed_total{project="1"}', 'mirror_attempts_total{code="tls"}', 'mirror_delivery_duration_seconds_count',
    'mirror_late_commits_total', 'config_reloads_total{result="failure"}'
  ]) t.equal(samples.get(name), 0, name)
})

test('each report moves exactly one counter', async t => {
  const reports: Record<string, (metrics: Metrics) => void> = {
    'router_requests_total{listener="80",route="/",code="404"}': ({ proxy }) => { proxy.settled(settled({ status: 404 })) },
    'router_upstream_errors_total{upstream="relay",reason="refused"}': ({ proxy }) => { proxy.upstreamError('relay', 'refused') },
    'router_client_aborts_total{phase="body"}': ({ proxy }) => { proxy.clientAborted('body') },
    'mirror_accepted_total{project="1"}': ({ mirror }) => { mirror.accepted('1') },
    'mirror_delivered_total{project="1"}': ({ mirror }) => { mirror.delivered('1', 20) },
    'mirror_dead_total{project="1",reason="400"}': ({ mirror }) => { mirror.dead('1', '400') },
    'mirror_dropped_total{project="1",reason="spool_full"}': ({ mirror }) => { mirror.dropped('1', 'spool_full') },
    'mirror_skipped_total{project="1",reason="method"}': ({ mirror }) => { mirror.skipped('1', 'method') },
    'mirror_attempts_total{code="503"}': ({ mirror }) => { mirror.attempted('503') },
    'mirror_late_commits_total': ({ mirror }) => { mirror.lateCommit() },
    'mirror_replayed_total{project="1"}': metrics => { metrics.replayed('1') },
    'config_reloads_total{result="failure"}': metrics => { metrics.reloaded('failure') }
  }

  for (const [name, report] of Object.entries(reports)) {
    const metrics = setup()
    report(metrics)
    const moved = [...await scrape(metrics)].filter(([sample, value]) => value !== 0 && /_total(\{|$)/.test(sample) && !sample.startsWith('process_'))

    t.strictSame(moved, [[name, 1]])
  }
})

test('durations fall into the bucket at or above them, and all buckets after it', async t => {
  const metrics = setup()
  for (const durationMs of [1, 5, 5.1, 999_999]) metrics.proxy.settled(settled({ durationMs }))
  metrics.mirror.delivered('1', -50)
  const samples = await scrape(metrics)
  const bucket = (le: string): number | undefined => samples.get(`router_request_duration_seconds_bucket{route="/",le="${le}"}`)

  t.strictSame(['0.001', '0.0025', '0.005', '0.01', '60', '+Inf'].map(bucket), [1, 1, 2, 3, 3, 4])
  t.equal(samples.get('router_request_duration_seconds_count{route="/"}'), 4)
  t.ok(Math.abs((samples.get('router_request_duration_seconds_sum{route="/"}') ?? 0) - 1000.0101) < 1e-6)
  t.equal(samples.get('mirror_delivery_duration_seconds_sum'), 0, 'a clock set back takes nothing away')
})

test('processes are summed; of the oldest copy the age counts, of the configuration the newest', async t => {
  const first = setup()
  const second = setup()
  for (const metrics of [first, second]) metrics.mirror.accepted('1')
  second.configured()

  const samples = await render([
    first.snapshot(serving()),
    second.snapshot(serving({ spool: { ...SPOOL, pending: 3, pendingBytes: 30, oldestTakenAt: null } }))
  ])

  t.equal(samples.get('mirror_accepted_total{project="1"}'), 2)
  t.equal(samples.get('mirror_pending'), 5)
  t.equal(samples.get('mirror_pending_bytes'), 50)
  t.equal(samples.get('mirror_dead_letters'), 2)
  t.equal(samples.get('mirror_spool_bytes'), 60)
  t.equal(samples.get('mirror_spool_max_bytes'), 1000, 'one bound for all')
  t.equal(samples.get('mirror_oldest_pending_seconds'), 60)
  t.equal(samples.get('router_open_connections{listener="80"}'), 8)
  t.equal(samples.get('router_max_connections'), 200)
  t.equal(samples.get('router_request_body_bytes{place="memory"}'), 2)
  t.equal(samples.get('router_request_body_bytes{place="disk"}'), 4)
  t.equal(samples.get('router_max_body_space_bytes'), 6)
  t.equal(samples.get('config_last_reload_success_timestamp_seconds'), 100)
})

function states (samples: Map<string, number>): (number | undefined)[] {
  return ['mirror_endpoint_up', 'mirror_spool_works', 'mirror_project_up{project="1"}', 'mirror_project_up{project="default"}'].map(name => samples.get(name))
}

test('the endpoint, a project and the spool are as well as they are to the process that has trouble', async t => {
  const well = setup().snapshot(serving())
  const projectDown = setup().snapshot(serving({ delivery: { ...DELIVERY, projectsDown: [{ project: '1', since: 5 }] } }))
  const ill = setup().snapshot(serving({ delivery: { ...DELIVERY, downSince: 5 }, spool: { ...SPOOL, works: false } }))
  const supervisor = setup().snapshot(null)

  t.strictSame(states(await render([supervisor, well, well])), [1, 1, 1, 1])
  t.strictSame(states(await render([supervisor, well, projectDown])), [1, 1, 0, 1])
  t.strictSame(states(await render([supervisor, ill, well])), [0, 0, 1, 1])
  t.strictSame(states(await render([supervisor])), [undefined, undefined, undefined, undefined], 'nobody serves: nobody can say')
  t.strictSame(states(await render([setup().snapshot(serving({ delivery: null, spool: null }))])), [undefined, undefined, undefined, undefined], 'nothing is mirrored')
})

test('a project that is off has no state', async t => {
  const samples = await render([setup().snapshot(serving())])

  t.notOk(samples.has('mirror_project_up{project="7"}'))
})

test('open connections are busy or idle, over all servers and processes', async t => {
  const server = { address: '192.0.2.1:3000', answeredAt: null, failedAt: null, failure: null, connections: { open: 4, idle: 1 } }
  const status = serving({ upstreams: [{ name: 'relay', servers: [server, server] }] })

  const samples = await render([setup().snapshot(status), setup().snapshot(status)])

  t.equal(samples.get('router_upstream_connections{upstream="relay",state="busy"}'), 12)
  t.equal(samples.get('router_upstream_connections{upstream="relay",state="idle"}'), 4)
  t.equal(samples.get('mirror_endpoint_connections{state="busy"}'), 6)
  t.equal(samples.get('mirror_endpoint_connections{state="idle"}'), 4)
  t.equal(samples.get('mirror_under_way'), 6)
})

test('every process counts into CPU, memory and files; what runs, and since when, is said once', async t => {
  const one = await render([setup().snapshot(null)])
  const three = await render([setup().snapshot(null), setup().snapshot(serving()), setup().snapshot(serving())])
  const build = [...three].filter(([sample]) => sample.startsWith('router_build_info'))
  const ratio = (name: string): number => (three.get(name) ?? 0) / (one.get(name) ?? 0)

  t.equal(build.length, 1)
  t.match(build[0]?.[0], /^router_build_info\{version="\d+\.\d+\.\d+.*",node="v\d+\.\d+\.\d+"\}$/)
  t.equal(build[0]?.[1], 1)
  t.equal(three.get('process_start_time_seconds'), one.get('process_start_time_seconds'))
  t.ok(Math.abs((one.get('process_start_time_seconds') ?? 0) - Date.now() / 1000) < 600)
  t.equal(ratio('process_max_fds'), 3)
  for (const name of ['process_open_fds', 'process_resident_memory_bytes', 'nodejs_heap_size_used_bytes']) {
    t.ok(ratio(name) > 2 && ratio(name) < 4, `${name}: ${ratio(name)} times as much`)
  }
})

test('what a process had counted stays counted when it is gone, its gauges do not', async t => {
  const renderer = createMetricsRenderer()
  for (let i = 0; i < 3; i++) {
    const gone = setup()
    gone.mirror.accepted('1')
    gone.proxy.settled(settled())
    renderer.retire(gone.snapshot(serving({ delivery: { ...DELIVERY, downSince: 1 } })))
  }
  const living = setup()
  living.mirror.accepted('1')

  const samples = parse(await renderer.render([living.snapshot(serving())]))
  const again = parse(await renderer.render([living.snapshot(serving())]))

  t.equal(samples.get('mirror_accepted_total{project="1"}'), 4)
  t.equal(samples.get('router_request_duration_seconds_bucket{route="/",le="+Inf"}'), 3)
  t.equal(samples.get('mirror_pending'), 2)
  t.equal(samples.get('mirror_endpoint_up'), 1)
  t.equal(again.get('mirror_accepted_total{project="1"}'), 4)
})

test('a reload that was refused is told until one succeeds, and takes no time from the last that did', async t => {
  const metrics = setup()
  const lasting = async (): Promise<unknown[]> => {
    const samples = await scrape(metrics, setup())
    return [samples.get('config_last_reload_successful'), samples.get('config_last_reload_success_timestamp_seconds')]
  }

  const before = await lasting()
  metrics.reloaded('failure')
  const refused = await lasting()
  metrics.reloaded('success')
  const after = await lasting()

  t.strictSame([before, refused, after], [[1, 0], [0, 0], [1, 100]])
})

test('a reload adds what is new and takes nothing away', async t => {
  const metrics = setup()
  metrics.mirror.accepted('7')

  metrics.declare({ ...LABELS, projects: ['9'] })
  metrics.reloaded('success')

  const samples = await scrape(metrics)
  t.equal(samples.get('mirror_accepted_total{project="7"}'), 1)
  t.equal(samples.get('mirror_accepted_total{project="9"}'), 0)
  t.equal(samples.get('config_last_reload_success_timestamp_seconds'), 100)
})
