import { test } from 'tap'
import { judgeHealth, serversToProbe, type HealthFacts } from '../../../src/admin/judge-health.ts'
import type { ProbeResult } from '../../../src/admin/probe.ts'
import type { ProcessStatus } from '../../../src/process/process-report.ts'
import { configOf } from '../../helpers/configuration.ts'

const NOW = Date.UTC(2026, 10, 22, 12)
const OK: ProbeResult = { at: NOW - 500, failure: null }
const REFUSED: ProbeResult = { at: NOW - 500, failure: 'refused' }
const CONFIG = configOf(`
mirror: { endpoint: https://rum.example, default: /d }
upstreams: { relay: { servers: ["relay:3000", "relay-2:3000"] }, spare: { servers: ["spare:1"] } }
`)

type Server = ProcessStatus['upstreams'][number]['servers'][number]

function serverOf (address: string, fields: Partial<Server> = {}): Server {
  return { address, answeredAt: null, failedAt: null, failure: null, connections: { open: 0, idle: 0 }, ...fields }
}

function processOf (fields: { upstreams?: ProcessStatus['upstreams'], delivery?: Partial<ProcessStatus['delivery']>, works?: boolean, pending?: number } = {}): ProcessStatus {
  return {
    pid: 1,
    startedAt: NOW - 60_000,
    listeners: [],
    capacity: { maxConnections: 100, memoryBytes: 1, diskBytes: 2, maxDiskBytes: 3 },
    delivery: { downSince: null, closedUntil: null, projectsDown: [], lastFailure: null, lastSuccessAt: null, failingSince: null, width: 64, underWay: 0, connections: { open: 0, idle: 0 }, ...fields.delivery },
    spool: { pending: fields.pending ?? 0, pendingBytes: 0, oldestTakenAt: null, dead: 0, deadBytes: 0, works: fields.works ?? true, maxBytes: 1 },
    upstreams: fields.upstreams ?? []
  }
}

function judge (fields: Partial<HealthFacts> = {}): ReturnType<typeof judgeHealth> {
  const probes = new Map(['relay:3000', 'relay-2:3000', 'web:9000', 'web-rum:9000', 'spare:1'].map(address => [address, OK]))
  return judgeHealth({ config: CONFIG, readiness: 'ready', processes: [processOf()], probes, ...fields }, NOW)
}

function wordOf (health: ReturnType<typeof judgeHealth>, name: string): string | undefined {
  return health.upstreams.find(upstream => upstream.name === name)?.state
}

function probesWith (probes: Readonly<Record<string, ProbeResult>>): ReadonlyMap<string, ProbeResult> {
  return new Map(Object.entries({ 'relay:3000': OK, 'relay-2:3000': OK, 'web:9000': OK, 'web-rum:9000': OK, 'spare:1': OK, ...probes }))
}

test('a quiet router whose upstreams accept connections is ready', async t => {
  const health = judge()

  t.equal(health.ready, true)
  t.match(health.upstreams.find(({ name }) => name === 'web'), { state: 'ok', used: true, at: '2026-11-22T11:59:59.500Z', words: 'accepts connections' })
  t.match(health.endpoint, { state: 'unknown', at: null, words: 'no attempt yet' })
  t.match(health.spool, { state: 'ok', words: 'nothing waits' })
})

test('an upstream that nobody listens at is down, and the router not ready', async t => {
  const health = judge({ probes: probesWith({ 'web:9000': REFUSED }) })

  t.equal(health.ready, false)
  t.match(health.upstreams.find(({ name }) => name === 'web'), { state: 'down', words: 'connection refused' })
})

test('an upstream is as well as its best server, and one that nothing leads to does not count', async t => {
  const health = judge({ probes: probesWith({ 'relay:3000': REFUSED, 'spare:1': REFUSED }) })

  t.equal(health.ready, true)
  t.match(health.upstreams.find(({ name }) => name === 'relay'), { state: 'ok', words: 'accepts connections; 1 of 2 servers', servers: [{ state: 'down' }, { state: 'ok' }] })
  t.match(health.upstreams.find(({ name }) => name === 'spare'), { state: 'down', used: false })
})

test('traffic says more than a probe: what answered lately is ok and is not probed', async t => {
  const processes = [processOf({ upstreams: [{ name: 'web', servers: [serverOf('web:9000', { answeredAt: NOW - 3000, failedAt: NOW - 5000, failure: 'reset' })] }] })]

  t.strictSame(serversToProbe({ config: CONFIG, processes }, NOW).map(({ host }) => host).sort(), ['relay', 'relay-2', 'spare', 'web-rum'])
  t.match(judge({ processes }).upstreams.find(({ name }) => name === 'web'), { state: 'ok', at: '2026-11-22T11:59:57.000Z', words: 'last answer 3 s ago' })
})

function webFailedAt (at: number): ProcessStatus[] {
  return [processOf({ upstreams: [{ name: 'web', servers: [serverOf('web:9000', { answeredAt: at - 1000, failedAt: at, failure: 'timeout' })] }] })]
}

test('one that accepts connections and failed its last request is failing, for as long as that is recent', async t => {
  const health = judge({ processes: webFailedAt(NOW - 4000) })

  t.equal(health.ready, false)
  t.match(health.upstreams.find(({ name }) => name === 'web'), { state: 'failing', at: '2026-11-22T11:59:56.000Z', words: 'accepts connections, but a request failed 4 s ago: no answer in time' })
  t.equal(wordOf(judge({ processes: webFailedAt(NOW - 60_000) }), 'web'), 'ok')
})

test('an endpoint that is down is told, and leaves the router ready', async t => {
  const processes = [processOf({ delivery: { lastSuccessAt: NOW - 90_000 } }), processOf({ delivery: { downSince: NOW - 60_000, lastFailure: { project: '1', code: 'refused', at: NOW - 1000 } }, pending: 12 })]
  const health = judge({ processes })

  t.equal(health.ready, true)
  t.match(health.endpoint, { state: 'down', at: '2026-11-22T11:59:00.000Z', words: /connection refused; 12 copies waiting/ })
})

test('an endpoint that takes copies is ok since the last of them', async t => {
  t.match(judge({ processes: [processOf({ delivery: { lastSuccessAt: NOW - 1000 } })] }).endpoint, { state: 'ok', at: '2026-11-22T11:59:59.000Z' })
})

test('a spool that fails in any process makes the router not ready', async t => {
  const health = judge({ processes: [processOf(), processOf({ works: false })] })

  t.equal(health.ready, false)
  t.match(health.spool, { state: 'failing', words: /spool\.path/ })
})

test('without a mirror the endpoint and the spool are off', async t => {
  const config = configOf('')
  const health = judge({ config, processes: [{ ...processOf(), delivery: null, spool: null }] })

  t.equal(health.ready, true)
  t.equal(health.endpoint.state, 'off')
  t.equal(health.spool.state, 'off')
})

test('a router that is draining is not ready, however well the rest is', async t => {
  t.match(judge({ readiness: 'draining' }), { ready: false, readiness: 'draining' })
})
