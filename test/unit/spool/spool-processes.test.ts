/** Partitions, dead letters and bounds: what several processes do with one spool. Here they are several spools in one process. */
import { test } from 'tap'
import { createLedger } from '../../../src/spool/ledger.ts'
import { sumRows } from '../../../src/spool/ledger-sum.ts'
import { openSpoolReader } from '../../../src/spool/spool-reader.ts'
import type { ClaimedCopy } from '../../../src/spool/types.ts'
import { copyOf, memoryBody } from '../../helpers/copies.ts'
import { claimOne, openTestSpool, type OpenedSpool } from '../../helpers/spool.ts'

const NOW = 1_000_000

function ids (claimed: readonly ClaimedCopy[]): string[] {
  return claimed.map(({ copy }) => copy.id)
}

async function bury (opened: OpenedSpool, id: string, reason: string, project = '1', takenAt = NOW): Promise<void> {
  await opened.spool.append(copyOf({ id, project, takenAt, body: memoryBody(Buffer.alloc(5000)) }))
  opened.spool.bury(claimOne(opened.spool, takenAt), reason, 'no')
  await opened.spool.append(copyOf({ id: `behind ${id}`, takenAt }))
  opened.spool.ack(claimOne(opened.spool, takenAt))
  await opened.spool.saved()
}

test('a process delivers its own partitions only, until it adopts', async t => {
  const one = openTestSpool(t, { now: () => NOW })
  const two = openTestSpool(t, { path: one.path, partition: 2, now: () => NOW })
  await one.spool.append(copyOf({ id: 'one', takenAt: NOW }))
  await two.spool.append(copyOf({ id: 'two', takenAt: NOW }))
  await two.spool.append(copyOf({ id: 'two, tried', takenAt: NOW }))
  two.spool.retry(two.spool.claim(2, NOW)[1] as ClaimedCopy, NOW)
  await two.spool.close()
  let woken = 0
  one.spool.onAppend = () => { woken++ }

  t.strictSame(ids(one.spool.claim(9, NOW)), ['one'])
  t.strictSame(one.spool.partitions(), [1, 2])
  one.spool.adopt([2])

  t.equal(woken, 1)
  t.match(one.spool.stats(), { pending: 3 })
  t.strictSame(ids(one.spool.claim(9, NOW)).sort(), ['two', 'two, tried'])
})

test('another process replays a dead letter: its owner delivers it, and all counts follow', async t => {
  const opened = openTestSpool(t, { now: () => NOW })
  await bury(opened, 'a', '400', '7')
  const reader = openSpoolReader(opened.path, { now: () => NOW })
  t.teardown(() => reader.close())
  t.match(reader.deadLetters.list({}, 9), [{ id: 'a', project: '7', reason: '400', attempts: 1, bodyBytes: 5000 }])
  t.match(reader.stats(), { dead: 1 })

  t.strictSame(await reader.deadLetters.replay({ ids: ['a'] }), ['7'])
  t.match(reader.pending({ project: '7' }, 9), [{ id: 'a', attempts: 0, dueAt: NOW }])
  opened.spool.poll()

  t.match(opened.spool.stats(), { pending: 1, dead: 0, deadBytes: 0 })
  const claimed = claimOne(opened.spool, NOW)
  t.match(claimed, { failures: 0, copy: { id: 'a', takenAt: NOW } })
  opened.spool.ack(claimed)
  t.match(opened.spool.stats(), { pending: 0, pendingBytes: 0 })
  await opened.spool.close()
  const sum = sumRows(reader.readLedger(0)).projects.get('7')
  t.equal(sum?.replayed.get('')?.count, 1)
  t.equal(sum?.delivered.get('')?.count, 1)
  t.equal(sum?.dead.get('400')?.count, 1)
})

test('dead letters are listed by page, and purged by filter with their bodies', async t => {
  const opened = openTestSpool(t, { now: () => NOW })
  for (const [id, reason] of [['a', '400'], ['b', '400'], ['c', '404'], ['d', 'expired']] as const) await bury(opened, id, reason)
  const { deadLetters } = opened.spool
  const listed = (...page: Parameters<typeof deadLetters.list>): string => deadLetters.list(...page).map(letter => letter.id).join('')

  t.equal(listed({}, 3), 'abc')
  t.equal(listed({}, 3, 'c'), 'd')
  t.equal(listed({ reason: '400' }, 9, 'a'), 'b')
  t.equal(await deadLetters.purge({ ids: ['b', 'x'] }), 1)
  t.equal(await deadLetters.purge({ reason: '404' }), 1)
  t.equal(listed({}, 9), 'ad')
  t.match(opened.spool.stats(), { dead: 2 })
  t.equal(deadLetters.get('b'), null)
  t.equal(await deadLetters.purge({}), 2)
  t.match(opened.spool.stats(), { dead: 0, deadBytes: 0 })
})

test('dead letters are bounded in size: the oldest give way, and it is said', async t => {
  const opened = openTestSpool(t, { now: () => NOW, deadLetters: { maxBytes: 40_000, maxAgeMs: 1e9 } })
  for (let i = 0; i < 12; i++) await bury(opened, String.fromCharCode(97 + i), '400')
  await opened.spool.deadLetters.purge({ ids: ['none'] })

  const { dead, deadBytes } = opened.spool.stats()
  t.ok(deadBytes <= 40_000 + 10_000)
  t.equal(opened.purges.reduce((sum, purge) => sum + Number(purge.split(' ')[1]), 0), 12 - dead)
  t.equal(opened.spool.deadLetters.list({}, 99).at(-1)?.id, 'l')
})

test('a full spool gives up dead letters before copies, then by when_full', async t => {
  const opened = openTestSpool(t, { now: () => NOW, maxBytes: 60_000 })
  await bury(opened, 'dead', '400')
  for (let i = 0; i < 6; i++) await opened.spool.append(copyOf({ id: `w${i}`, project: `w${i}`, takenAt: NOW, body: memoryBody(Buffer.alloc(7000)) }))
  t.strictSame(opened.drops, [])

  for (let i = 6; i < 9; i++) await opened.spool.append(copyOf({ id: `w${i}`, project: `w${i}`, takenAt: NOW, body: memoryBody(Buffer.alloc(7000)) }))

  t.match(opened.spool.stats(), { dead: 0 })
  t.strictSame(opened.purges, ['1 1'])
  t.strictSame(opened.drops, ['w0 spool_full', 'w1 spool_full'])
  t.ok(opened.spool.stats().pendingBytes <= 60_000)
})

test('what is lost is listed with its reason and, where the body says it, its event', async t => {
  const opened = openTestSpool(t, { now: () => NOW, maxBytes: 10_000, whenFull: 'drop_newest' })
  const event = '0123456789abcdef0123456789abcdef'
  await opened.spool.append(copyOf({ id: 'lost', project: '7', takenAt: NOW, body: memoryBody(`{"event_id":"${event}"}\n`, Buffer.alloc(20_000)) }))
  await opened.spool.close()
  const reader = openSpoolReader(opened.path)
  t.teardown(() => reader.close())

  t.strictSame([...reader.lost({ project: '7' })], [{ id: 'lost', project: '7', reason: 'spool_full', takenAt: NOW, droppedAt: NOW, eventId: event }])
  t.strictSame([...reader.lost({ project: '8' })], [])
})

test('the bytes of another process count against the same bound', async t => {
  const one = openTestSpool(t, { now: () => NOW, maxBytes: 50_000, whenFull: 'drop_newest' })
  const two = openTestSpool(t, { path: one.path, partition: 2, now: () => NOW, maxBytes: 50_000, whenFull: 'drop_newest' })
  for (let i = 0; i < 5; i++) await one.spool.append(copyOf({ takenAt: NOW, body: memoryBody(Buffer.alloc(7000)) }))
  await one.spool.saved()

  two.spool.poll()
  await two.spool.append(copyOf({ project: '7', takenAt: NOW, body: memoryBody(Buffer.alloc(12_000)) }))

  t.strictSame(two.drops, ['7 spool_full'])
})

test('copies that were not read yet come out oldest first, and fresh ones do not wait behind them', async t => {
  let now = NOW
  const first = openTestSpool(t, { now: () => now })
  for (let i = 0; i < 600; i++) void first.spool.append(copyOf({ id: `old${i}`, target: '/old', takenAt: now++ }))
  await first.spool.close()
  const { spool } = openTestSpool(t, { path: first.path, now: () => now })
  t.equal(spool.stats().oldestTakenAt, NOW)
  now += 5000
  for (let i = 0; i < 20; i++) void spool.append(copyOf({ target: '/new', takenAt: now }))

  const claimed = spool.claim(20, now).map(({ copy }) => copy)

  t.equal(claimed.filter(copy => copy.target === '/new').length, 15)
  t.strictSame(claimed.filter(copy => copy.target === '/old').map(copy => copy.id), ['old0', 'old1', 'old2', 'old3', 'old4'])
  t.equal(spool.claim(1000, now).length, 600)
})

test('a reader finds a spool that comes later, and makes none', async t => {
  const opened = openTestSpool(t, { now: () => NOW })
  const path = `${opened.path}/not-there`
  const reader = openSpoolReader(path)
  t.teardown(() => reader.close())
  t.match(reader.stats(), { pending: 0, dead: 0, oldestTakenAt: null })
  t.strictSame([reader.partitions(), reader.pending({}, 9), reader.deadLetters.list({}, 9), [...reader.lost({})], [...reader.readLedger(0)]], [[], [], [], [], []])

  const later = openTestSpool(t, { path, now: () => NOW })
  await later.spool.append(copyOf({ id: 'a', takenAt: NOW }))

  t.match(reader.stats(), { pending: 1, oldestTakenAt: NOW })
  t.match(reader.pending({}, 9), [{ id: 'a', dueAt: null }])
})

test('what the ledger counts is written within a second, though no copy moves', async t => {
  const ledger = createLedger({ writer: 'w', now: () => NOW })
  const { path } = openTestSpool(t, { now: () => NOW, ledger })
  const reader = openSpoolReader(path)
  t.teardown(() => reader.close())

  ledger.add('7', 'received', 3)

  while ([...reader.readLedger(0)].length === 0) await new Promise(resolve => { setTimeout(resolve, 20) })
  t.equal(sumRows(reader.readLedger(0)).projects.get('7')?.received.get('')?.count, 3)
})
