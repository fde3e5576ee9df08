import { test } from 'tap'
import { createMetrics } from '../../../src/admin/metrics.ts'
import { createMetricsRenderer } from '../../../src/admin/render-metrics.ts'
import type { HistoryEntry } from '../../../src/spool/history-store.ts'
import { createStatusSource, type StatusSpool } from '../../../src/status/source.ts'
import { configOf } from '../../helpers/configuration.ts'

const CONFIG = configOf('mirror:\n  endpoint: http://rum.test\n  default: /rum/sentry/workspace/service\n')
const START = Date.UTC(2026, 2, 3, 10, 0, 0)

/** The history's table in memory; it fails as long as `fault` is set. */
function table () {
  const rows = new Map<string, HistoryEntry>()
  const state: { fault: Error | null } = { fault: null }
  const spool: StatusSpool = {
    deadReasons: () => [],
    stats: () => ({ dead: 0 }),
    readHistory () {
      if (state.fault !== null) throw state.fault
      return [...rows.values()]
    },
    async writeHistory (entries) {
      if (state.fault !== null) throw state.fault
      for (const entry of entries) rows.set(`${entry.ring} ${entry.position}`, entry)
    }
  }
  return { rows, state, spool }
}

function run (spool: StatusSpool | null, clock: { now: number }) {
  const renderer = createMetricsRenderer()
  const metrics = createMetrics({ now: () => clock.now, accessLogDroppedLines: () => 0 })
  const source = createStatusSource({
    version: '0.0.0',
    readiness: () => 'ready',
    report: async () => ({ metrics: [metrics.snapshot(null)], processes: [] }),
    total: snapshots => renderer.total(snapshots),
    spool,
    reloader: { config: () => CONFIG, loadedAt: () => START, last: () => null },
    now: () => clock.now
  })
  const delivered = async (): Promise<number | undefined> => (await source.status()).mirror?.success[2]?.delivered
  return { metrics, source, delivered }
}

test('a second run goes on with what the first has kept', async t => {
  const { spool, rows } = table()
  const clock = { now: START }
  const first = run(spool, clock)
  first.source.start()
  for (let i = 0; i < 5; i++) first.metrics.mirror.delivered('default', 10)
  clock.now += 4000
  await first.source.close()

  const second = run(spool, clock)
  second.source.start()
  second.metrics.mirror.delivered('default', 10)
  clock.now += 1000

  t.equal(rows.size, 3)
  t.equal(await second.delivered(), 6)
  await second.source.close()
})

test('a disk that fails costs nothing but the history on it, and is written once it works', async t => {
  const { spool, rows, state } = table()
  const clock = { now: START }
  const earlier = run(spool, clock)
  earlier.source.start()
  earlier.metrics.mirror.delivered('default', 10)
  await earlier.source.close()

  state.fault = new Error('EIO')
  const { source, metrics, delivered } = run(spool, clock)
  source.start()
  metrics.mirror.delivered('default', 10)
  clock.now += 4000
  t.equal(await delivered(), 1)
  const before = [...rows.values()]
  await source.close()
  t.strictSame([...rows.values()], before)

  state.fault = null
  await source.close()
  t.equal(await delivered(), 2, 'what the earlier run had kept is not written over')
})

test('without a spool the history is in memory', async t => {
  const clock = { now: START }
  const { source, metrics, delivered } = run(null, clock)
  source.start()
  metrics.mirror.delivered('default', 10)
  clock.now += 4000

  t.equal(await delivered(), 1)
  await source.close()
})

test('records that make no sense are passed over', async t => {
  const { spool, rows } = table()
  rows.set('a', { ring: 9, position: 0, value: Buffer.from('{}') })
  rows.set('b', { ring: 0, position: 0, value: Buffer.from('{"v":1,"step":5,"pending":0,"oldestSeconds":0,"counts":{"delivered default":5}}') })
  rows.set('c', { ring: 0, position: 1, value: Buffer.from('rubbish') })
  const { source, delivered } = run(spool, { now: START })
  source.start()

  t.equal(await delivered(), 0)
  await source.close()
})
