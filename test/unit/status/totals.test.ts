import { test } from 'tap'
import { createMetrics } from '../../../src/admin/metrics.ts'
import { createMetricsRenderer } from '../../../src/admin/render-metrics.ts'
import { latencyMs, nameOf, partsOf, totalsOf } from '../../../src/status/totals.ts'

const METRICS_OPTIONS = { now: () => 0, accessLogDroppedLines: () => 0 }

test('the counters of several processes, and of one that ended, are one sum by name', t => {
  const renderer = createMetricsRenderer()
  const [one, two, ended] = [createMetrics(METRICS_OPTIONS), createMetrics(METRICS_OPTIONS), createMetrics(METRICS_OPTIONS)]
  for (const { mirror, proxy } of [one, two, ended]) {
    mirror.accepted('1')
    mirror.attempted('503')
    mirror.attempted('200')
    mirror.delivered('1', 7)
    mirror.attempted('400')
    mirror.dead('2', '400')
    mirror.dead('2', 'expired')
    mirror.dropped('2', 'spool_full')
    proxy.upstreamError('web', 'refused')
  }
  renderer.retire(structuredClone(ended.snapshot(null)))

  const totals = totalsOf(renderer.total([one.snapshot(null), structuredClone(two.snapshot(null))]))

  t.match(Object.fromEntries(totals), {
    'accepted 1': 3, 'delivered 1': 3, 'dead 2': 6, 'dropped 2': 3, 'drops spool_full': 3, 'upstream web': 3, retried: 3, 'le 0.01': 3, 'le 0.025': 0
  })
  t.end()
})

test('answers of 500 and above are the errors of a location', t => {
  const values = ([['200', 5], ['404', 2], ['499', 1], ['500', 3], ['502', 4]] as const)
    .map(([code, value]) => ({ labels: { listener: '80', route: '~ ^/a b', code }, value, metricName: 'router_requests_total' }))

  const totals = totalsOf([{ name: 'router_requests_total', help: '', type: 'counter', aggregator: 'sum', values }])

  t.equal(totals.get('requests ~ ^/a b'), 15)
  t.equal(totals.get('errors ~ ^/a b'), 7)
  t.strictSame(partsOf(nameOf('requests', '~ ^/a b')), { kind: 'requests', label: '~ ^/a b' })
  t.end()
})

test('a quantile lies as far in its bucket as it is among the deliveries there', t => {
  const counts = new Map([['le 0.01', 50], ['le 0.1', 50]])

  t.equal(latencyMs(counts, 0.25), 7.5)
  t.equal(latencyMs(counts, 0.5), 10)
  t.equal(latencyMs(counts, 0.75), 75)
  t.equal(latencyMs(counts, 1), 100)
  t.equal(latencyMs(new Map([['le +Inf', 1]]), 0.5), 86_400_000)
  t.equal(latencyMs(new Map(), 0.5), null)
  t.end()
})
