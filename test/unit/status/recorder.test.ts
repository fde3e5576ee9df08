import { test } from 'tap'
import { createRecorder } from '../../../src/status/recorder.ts'
import { decodeSlot, encodeSlot } from '../../../src/status/slot-record.ts'

/** On a boundary of all steps. */
const START = 1_800_000 * 1_000_000
const IDLE = { pending: 0, oldestSeconds: 0 }
const MINUTE = 60_000

const totals = (entries: Readonly<Record<string, number>>): Map<string, number> => new Map(Object.entries(entries))

test('a window counts what grew within it, and no more', t => {
  const recorder = createRecorder(START)

  recorder.observe(totals({ 'accepted 1': 5 }), IDLE, START + 10_000)
  recorder.observe(totals({ 'accepted 1': 7 }), IDLE, START + 3 * MINUTE)
  const at = START + 3 * MINUTE + 1000

  t.equal(recorder.sum('now', at).get('accepted 1'), 2)
  t.equal(recorder.sum('1h', at).get('accepted 1'), 7)
  t.equal(recorder.sum('24h', at).get('accepted 1'), 7)
  t.equal(recorder.sum('1h', at + 60 * MINUTE).get('accepted 1'), undefined)
  t.equal(recorder.sum('24h', at + 60 * MINUTE).get('accepted 1'), 7)
  t.equal(recorder.sum('24h', at + 25 * 60 * MINUTE).get('accepted 1'), undefined)
  t.end()
})

test('a sum is right again after each change, in the step that runs and in the one before', t => {
  const recorder = createRecorder(START)
  const at = START + 21_000

  recorder.observe(totals({ 'accepted 1': 1 }), IDLE, START + 15_000)
  t.equal(recorder.sum('now', at).get('accepted 1'), 1)
  recorder.observe(totals({ 'accepted 1': 3 }), IDLE, START + 19_000)
  t.equal(recorder.sum('now', at).get('accepted 1'), 3)
  recorder.observe(totals({ 'accepted 1': 6 }), IDLE, at)
  t.equal(recorder.sum('now', at).get('accepted 1'), 6)
  t.equal(recorder.sum('now', at + 100).get('accepted 1'), 6)
  t.end()
})

test('a total that goes back and comes again is counted once', t => {
  const recorder = createRecorder(START)

  for (const [i, total] of [10, 4, 10, 12].entries()) recorder.observe(totals({ 'delivered 1': total }), IDLE, START + (i + 1) * 1000)

  t.equal(recorder.sum('1h', START + 5000).get('delivered 1'), 12)
  t.end()
})

test('after a restart the windows hold what was counted before it, also within the step that was running', t => {
  const before = createRecorder(START)
  before.observe(totals({ 'delivered 1': 20 }), IDLE, START + 4000)
  const kept = before.takeChanged().map(({ window, slot }) => ({ window, slot: decodeSlot(encodeSlot(slot)) }))

  const after = createRecorder(START + 6000)
  after.load(kept.flatMap(({ window, slot }) => slot === null ? [] : [{ window, slot }]))
  after.observe(totals({ 'delivered 1': 3 }), IDLE, START + 8000)

  for (const window of ['now', '1h', '24h'] as const) t.equal(after.sum(window, START + 9000).get('delivered 1'), 23)
  t.strictSame(after.takeChanged().map(({ slot }) => slot.counts.get('delivered 1')), [23, 23, 23], 'what is written replaces what was there')
  t.end()
})

test('only what has changed is to be written, and what could not be written is again', t => {
  const recorder = createRecorder(START)
  recorder.observe(totals({ 'accepted 1': 1 }), IDLE, START + 1000)

  const rows = recorder.takeChanged()
  t.strictSame(rows.map(({ window }) => window), ['1h', '24h', '14d'])
  t.strictSame(recorder.takeChanged(), [])
  recorder.putBack(rows)
  t.equal(recorder.takeChanged().length, 3)
  t.end()
})

test('a history has a value for every step, null where the router did not run, and peaks where something waited', t => {
  const recorder = createRecorder(START)
  recorder.observe(totals({ 'accepted 1': 2, 'delivered 1': 1, 'le 0.01': 1, 'requests /': 4, 'errors /': 1, 'upstream web': 2, retried: 3 }), { pending: 9, oldestSeconds: 5 }, START + 5000)
  recorder.observe(totals({ 'accepted 1': 2 }), { pending: 1, oldestSeconds: 7 }, START + 6000)

  const { step, from, series } = recorder.history('1h', START + 9999)

  t.equal(step, 10_000)
  t.equal(from, START - 360 * 10_000)
  t.equal(series.accepted.length, 361)
  t.strictSame(series.accepted.slice(-2), [null, 2])
  t.strictSame(series.retried.at(-1), 3)
  t.strictSame([series.pending.at(-1), series.oldestSeconds.at(-1)], [9, 7])
  t.strictSame([series.p50.at(-1), series.p99.at(-1)], [7.5, 10])
  t.strictSame([series.requests['/']?.at(-1), series.errors['/']?.at(-1), series.upstreamErrors['web']?.at(-1)], [4, 1, 2])
  t.match(series.projects['1']?.dead.at(-1), 0)
  t.end()
})

test('locations beyond twenty share one line', t => {
  const recorder = createRecorder(START)
  recorder.observe(totals(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`requests /${i}/`, 100 - i]))), IDLE, START + 1000)

  const { requests, errors } = recorder.history('24h', START + 2000).series

  t.equal(Object.keys(requests).length, 21)
  t.equal(requests['/19/']?.at(-1), 81)
  t.equal(requests['others']?.at(-1), 80 + 79 + 78 + 77 + 76 + 75 + 74 + 73 + 72 + 71)
  t.equal(errors['others']?.at(-1), 0)
  t.end()
})

test('however many labels come, so many are told apart, and none is lost from the sum', t => {
  const recorder = createRecorder(START)
  recorder.observe(totals(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`accepted ${i}`, 1]))), IDLE, START + 1000)

  const sum = recorder.sum('1h', START + 2000)

  t.equal(sum.size, 501)
  t.equal([...sum.values()].reduce((total, count) => total + count, 0), 2000)
  t.equal(recorder.history('1h', START + 2000).series.accepted.at(-1), 2000)
  t.end()
})

test('a clock that is set back loses nothing that is counted from then on', t => {
  const recorder = createRecorder(START)
  recorder.observe(totals({ 'accepted 1': 5 }), IDLE, START + 500 * 24 * 60 * MINUTE)
  recorder.observe(totals({ 'accepted 1': 8 }), IDLE, START + 1000)

  t.equal(recorder.sum('24h', START + 2000).get('accepted 1'), 3)
  t.end()
})

test('a record that is damaged, or of another version, is no slot', t => {
  const good = encodeSlot({ step: 3, counts: new Map([['retried', 1]]), pending: 0, oldestSeconds: 0 })

  t.match(decodeSlot(good), { step: 3 })
  for (const text of ['', '{', 'null', '[]', '{"v":2,"step":1,"pending":0,"oldestSeconds":0,"counts":{}}', '{"v":1,"step":-1,"pending":0,"oldestSeconds":0,"counts":{}}', '{"v":1,"step":1,"pending":0,"oldestSeconds":0,"counts":{"a":"b"}}', '{"v":1,"step":1,"pending":0,"oldestSeconds":0,"counts":null}']) {
    t.equal(decodeSlot(Buffer.from(text)), null, text)
  }
  t.end()
})
