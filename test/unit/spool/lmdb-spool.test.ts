import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { claimOne, openTestSpool } from '../../helpers/spool.ts'
import { copyOf, fieldLines, memoryBody } from '../../helpers/copies.ts'
import { failingDisk } from '../../helpers/failing-disk.ts'

test('a copy survives the end of the process that took it, byte for byte', async t => {
  const first = openTestSpool(t)
  const copy = copyOf({ project: '7', method: 'PUT', target: '/x?\xe4', fields: fieldLines('A', 'b \xff', 'a', ''), framed: false, body: memoryBody('one', 'two\n\0') })
  await first.spool.append(copy)
  await first.spool.close()

  const { spool } = openTestSpool(t, { path: first.path })
  const claimed = claimOne(spool, Date.now())

  const { body, ...rest } = copy
  t.match(claimed.copy, rest)
  t.equal(Buffer.concat([...claimed.copy.body.chunks ?? []]).toString('latin1'), 'onetwo\n\0')
  t.equal(claimed.copy.body.length, body.length)
  t.equal(claimed.failures, 0)
})

test('an acked copy is gone, a claimed one comes again after a restart', async t => {
  const first = openTestSpool(t)
  const [a, b] = [copyOf(), copyOf()]
  await first.spool.append(a)
  await first.spool.append(b)
  first.spool.ack(claimOne(first.spool, Date.now()))
  claimOne(first.spool, Date.now())
  await first.spool.close()

  const { spool } = openTestSpool(t, { path: first.path })

  t.match(spool.stats(), { pending: 1, dead: 0, oldestTakenAt: b.takenAt })
  t.equal(claimOne(spool, Date.now()).copy.id, b.id)
  t.strictSame(spool.claim(1, Date.now()), [])
})

test('failures, due time and the last answer survive a restart', async t => {
  let now = 1_000_000
  const first = openTestSpool(t, { now: () => now })
  await first.spool.append(copyOf({ takenAt: now }))
  first.spool.retry(claimOne(first.spool, now), now + 5000, true, 'busy')
  await first.spool.close()

  const { spool } = openTestSpool(t, { path: first.path, now: () => now })
  t.strictSame(spool.claim(1, now + 4999), [])
  t.equal(spool.nextDueAt(), now + 5000)
  now += 5000
  const claimed = claimOne(spool, now)
  t.equal(claimed.failures, 1)
  spool.bury(claimed, 'expired', '')
  await spool.close()

  const last = openTestSpool(t, { path: first.path, now: () => now })
  t.match(last.spool.stats(), { pending: 0, dead: 1 })
  t.match(last.spool.deadLetters.get(claimed.copy.id), { reason: 'expired', attempts: 1, answer: 'busy', buriedAt: now })
})

test('letters that a clock ahead has buried are replayed, each once, though they are buried again meanwhile', async t => {
  let now = 2_000_000
  const first = openTestSpool(t, { now: () => now })
  const ids: string[] = []
  async function fill (count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const copy = copyOf({ takenAt: now })
      ids.push(copy.id)
      void first.spool.append(copy)
    }
    for (const claimed of first.spool.claim(count, now)) first.spool.bury(claimed, '400', '')
    await first.spool.saved()
  }
  now = 1_000_000
  await fill(600)
  now = 2_000_000
  await fill(600)
  await first.spool.close()
  now = 1_500_000
  const { spool } = openTestSpool(t, { path: first.path, now: () => now })

  const done = new AbortController()
  const replaying = spool.deadLetters.replay({}).finally(() => { done.abort() })
  const claims: string[] = []
  while (!done.signal.aborted) {
    await setImmediate()
    spool.poll()
    for (const claimed of spool.claim(Infinity, now)) {
      claims.push(claimed.copy.id)
      spool.bury(claimed, '400', '')
    }
  }
  const replayed = await replaying
  for (const claimed of spool.claim(Infinity, now)) claims.push(claimed.copy.id)

  t.equal(replayed.length, 1200)
  t.strictSame(claims.sort(), ids.sort())
})

test('a backlog that goes out leaves the environment in portions', async t => {
  const disk = failingDisk()
  const { spool } = openTestSpool(t, { openEnvironment: disk.open })
  for (let i = 0; i < 6000; i++) void spool.append(copyOf())
  await spool.saved()
  const before = disk.commits()

  for (let i = 0; i < 12; i++) {
    for (const claimed of spool.claim(500, Date.now())) spool.ack(claimed)
    await sleep(10)
  }

  t.ok(disk.commits() - before >= 3, `${disk.commits() - before} transactions, not one`)
})

test('of a backlog no more are claimed than asked for, while what has just been taken goes on', async t => {
  const { spool } = openTestSpool(t)
  const now = Date.now()
  for (let i = 0; i < 10; i++) await spool.append(copyOf({ takenAt: now - 5000 }))
  for (let i = 0; i < 10; i++) await spool.append(copyOf({ takenAt: now }))

  const claimed = spool.claim(16, now, 2)

  t.equal(claimed.filter(({ copy }) => copy.takenAt === now).length, 10)
  t.equal(claimed.length, 12)
  t.equal(spool.claim(16, now, 0).length, 0)
  t.equal(spool.claim(16, now).length, 8)
})
