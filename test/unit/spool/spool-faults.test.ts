/** What a disk can do to the spool, and what becomes of the copies. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { test } from 'tap'
import { sumRows } from '../../../src/spool/ledger-sum.ts'
import { openSpoolReader } from '../../../src/spool/spool-reader.ts'
import { SpoolFormatError } from '../../../src/spool/store.ts'
import { copyOf, memoryBody } from '../../helpers/copies.ts'
import { failingDisk, WRITES } from '../../helpers/failing-disk.ts'
import { claimOne, openTestSpool, spoolFolder } from '../../helpers/spool.ts'

const LARGE = 300_000

function bodiesOf (path: string): string[] {
  return existsSync(join(path, 'bodies')) ? readdirSync(join(path, 'bodies')) : []
}

/** Resolves once `condition` holds; the test's own timeout is the bound. */
async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => { setTimeout(resolve, 5) })
}

for (const message of ['ENOSPC', 'EIO', 'EROFS', 'MDB_MAP_FULL']) {
  test(`${message} while writing: copies wait in memory, are delivered from there, and go to disk once it works again`, async t => {
    let now = 1_000_000
    const disk = failingDisk()
    const { spool, path, log, drops } = openTestSpool(t, { now: () => now, openEnvironment: disk.open, openLogFile: disk.openLogFile })
    await spool.append(copyOf({ id: 'before', takenAt: now }))
    disk.fail(WRITES, message)

    await spool.append(copyOf({ id: 'a', takenAt: now }))
    t.equal(spool.append(copyOf({ id: 'b', takenAt: now })), null, 'nobody waits for a disk that fails')
    const [before, a, b] = spool.claim(3, now)
    if (before === undefined || a === undefined || b === undefined) throw new Error('three copies are due')
    spool.ack(before)
    spool.ack(a)
    spool.retry(b, now + 10)
    now += 10
    const again = claimOne(spool, now)
    t.match(again, { copy: { id: 'b' }, failures: 1 })
    spool.retry(again, now)
    disk.fail(null)
    now += 2000
    spool.poll()
    await spool.append(copyOf({ id: 'after', takenAt: now }))
    await spool.close()

    t.strictSame(drops, [])
    t.strictSame(log.map(line => line.slice(0, 30)), ['error: The spool cannot write to'.slice(0, 30), 'info: The spool writes to its disk'.slice(0, 30)])
    const next = openTestSpool(t, { path, now: () => now })
    t.strictSame(next.spool.claim(9, now).map(({ copy, failures }) => `${copy.id} ${failures}`).sort(), ['after 0', 'b 2'])
  })
}

test('a fault that passes: who waits for a copy waits until it is on disk', async t => {
  const disk = failingDisk()
  const { spool, path, drops } = openTestSpool(t, { openEnvironment: disk.open, openLogFile: disk.openLogFile })
  disk.fail(WRITES, 'EIO')
  const first = spool.append(copyOf({ id: 'a' }))
  await until(() => !spool.works())
  const second = spool.append(copyOf({ id: 'b' }))
  disk.fail(null)

  await Promise.all([first, second])

  const reader = openSpoolReader(path)
  t.strictSame(reader.pending({}, 9).map(({ id }) => id), ['a', 'b'])
  t.strictSame(drops, [])
  await reader.close()
})

test('memory is bounded while the disk fails: what does not fit is dropped and counted', async t => {
  const disk = failingDisk()
  const { spool, drops } = openTestSpool(t, { openEnvironment: disk.open, openLogFile: disk.openLogFile, whenFull: 'drop_newest' })
  disk.fail(WRITES)
  for (let i = 0; i < 200; i++) void spool.append(copyOf({ body: memoryBody(Buffer.alloc(200_000)) }))

  const { pending } = spool.stats()
  t.ok(pending > 100 && pending < 170)
  t.equal(drops.length, 200 - pending)
  t.ok(drops.every(drop => drop === 'default spool_error'))
})

test('a disk that cannot be opened at the start: copies are taken and delivered, and kept once it can', async t => {
  let now = 1_000_000
  const disk = failingDisk()
  disk.fail(['open'], 'EACCES')
  const { spool, path } = openTestSpool(t, { now: () => now, openEnvironment: disk.open, openLogFile: disk.openLogFile })
  await spool.append(copyOf({ id: 'a', takenAt: now }))
  t.equal(spool.append(copyOf({ id: 'b', takenAt: now })), null, 'nobody waits for a disk that stays away')
  spool.ack(claimOne(spool, now))
  disk.fail(null)
  now += 2000
  spool.poll()
  await spool.close()

  const next = openTestSpool(t, { path, now: () => now })
  t.match(next.spool.stats(), { pending: 1 })
  t.equal(claimOne(next.spool, now).copy.id, 'b')
})

test('what is in memory alone when the process ends on a dead disk is dropped, and said to be', async t => {
  const disk = failingDisk()
  const { spool, drops, log } = openTestSpool(t, { openEnvironment: disk.open, openLogFile: disk.openLogFile })
  disk.fail(WRITES)
  void spool.append(copyOf({ project: '7' }))

  await spool.close()

  t.strictSame(drops, ['7 spool_error'])
  t.match(log.at(-1), /Copies were lost/)
})

test('a read that fails stalls nothing', async t => {
  let now = 1_000_000
  const disk = failingDisk()
  const first = openTestSpool(t, { now: () => now })
  await first.spool.append(copyOf({ id: 'old', takenAt: now }))
  await first.spool.close()
  const { spool } = openTestSpool(t, { path: first.path, now: () => now, openEnvironment: disk.open, openLogFile: disk.openLogFile })
  disk.fail(['get', 'range'], 'EIO')

  void spool.append(copyOf({ id: 'new', takenAt: now }))
  t.equal(claimOne(spool, now + 5000).copy.id, 'new')
  t.strictSame(spool.claim(1, now), [])

  disk.fail(null)
  now += 2000
  spool.poll()
  t.equal(claimOne(spool, now).copy.id, 'old')
})

test('a spool that cannot be read at the start takes copies all the same', async t => {
  const before = openTestSpool(t)
  await before.spool.append(copyOf())
  await before.spool.close()
  const disk = failingDisk()
  disk.fail(['get', 'range'], 'EIO')

  const { spool } = openTestSpool(t, { path: before.path, openEnvironment: disk.open, openLogFile: disk.openLogFile })
  void spool.append(copyOf({ id: 'new' }))

  t.equal(claimOne(spool, Date.now() + 5000).copy.id, 'new')
})

test('copies on a disk that fails are delivered, though it is opened anew in between', async t => {
  let now = 1_000_000
  const disk = failingDisk()
  const before = openTestSpool(t, { now: () => now })
  for (const id of ['a', 'b', 'c']) await before.spool.append(copyOf({ id, takenAt: now }))
  await before.spool.close()
  const { spool } = openTestSpool(t, { path: before.path, now: () => now, openEnvironment: disk.open, openLogFile: disk.openLogFile })
  const first = claimOne(spool, now).copy.id

  disk.fail(WRITES)
  void spool.append(copyOf({ id: 'd', takenAt: now }))
  // The transaction fails twice, and three probes; then the environment is closed.
  await until(() => disk.failures() >= 5)
  const meanwhile = spool.claim(9, now).map(({ copy }) => copy.id)
  await until(() => {
    now += 2000
    spool.poll()
    return disk.failures() >= 6
  })

  t.notOk(spool.works())
  t.strictSame([first, ...meanwhile, ...spool.claim(9, now).map(({ copy }) => copy.id)].sort(), ['a', 'b', 'c', 'd'])
})

test('a replay that cannot be written has not happened, nor is it counted', async t => {
  const now = 1_000_000
  const disk = failingDisk()
  const { spool, path } = openTestSpool(t, { now: () => now, openEnvironment: disk.open, openLogFile: disk.openLogFile })
  await spool.append(copyOf({ id: 'a', project: '7', takenAt: now }))
  spool.bury(claimOne(spool, now), '400', '')
  await spool.append(copyOf({ takenAt: now }))
  disk.fail(['transaction'])

  await t.rejects(spool.deadLetters.replay({}), /ENOSPC/)

  disk.fail(null)
  await spool.close()
  const reader = openSpoolReader(path)
  t.teardown(() => reader.close())
  t.match(reader.stats(), { pending: 1, dead: 1 })
  t.equal(sumRows(reader.readLedger(0)).projects.get('7')?.replayed.get('')?.count ?? 0, 0)
})

test('a damaged record is a dead letter, corrupt; the copies behind it go on', async t => {
  const now = 1_000_000
  const first = openTestSpool(t, { now: () => now })
  for (const id of ['a', 'b', 'c']) await first.spool.append(copyOf({ id, project: '7', takenAt: now }))
  await first.spool.close()
  flip(first.path, 'fresh', 60)

  const { spool, deaths } = openTestSpool(t, { path: first.path, now: () => now })
  const claimed = spool.claim(9, now)

  t.strictSame(claimed.map(({ copy }) => copy.id), ['b', 'c'])
  t.strictSame(deaths, ['7 corrupt'])
  await until(() => spool.deadLetters.list({}, 9).length === 1)
  t.match(spool.deadLetters.list({}, 9), [{ reason: 'corrupt' }])
  t.match(spool.stats(), { pending: 2, dead: 1 })
})

for (const at of [0, 4, 5, 6, 12, 14, 18, 22, 30, 40, 80]) {
  test(`a bit flipped at byte ${at} of a record that waits is found, and no crash`, async t => {
    const now = 1_000_000
    const first = openTestSpool(t, { now: () => now })
    await first.spool.append(copyOf({ takenAt: now }))
    first.spool.retry(claimOne(first.spool, now), now)
    await first.spool.close()
    flip(first.path, 'waiting', at)

    const { spool } = openTestSpool(t, { path: first.path, now: () => now })

    t.strictSame(spool.claim(9, now), [])
    t.match(spool.stats(), { pending: 0, dead: 1 })
  })
}

/** Flips a bit of the first record of a table. */
function flip (path: string, table: string, at: number): void {
  const root = open<Buffer, Buffer>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' })
  const records = root.openDB<Buffer, Buffer>({ name: table, encoding: 'binary', keyEncoding: 'binary' })
  for (const { key, value } of records.getRange({ limit: 1 })) {
    const flipped = Buffer.from(value)
    flipped[at] = (flipped[at] ?? 0) ^ 4
    records.putSync(key, flipped)
  }
  void root.close()
}

test('a large body lies in a file of its own, and goes with its copy', async t => {
  const { spool, path } = openTestSpool(t)
  await spool.append(copyOf({ body: memoryBody(Buffer.alloc(LARGE, 'a'), 'end') }))
  const [name] = bodiesOf(path)
  const claimed = claimOne(spool, Date.now())

  t.equal(claimed.copy.body.file, join(path, 'bodies', name ?? ''))
  t.equal(readFileSync(claimed.copy.body.file ?? '', 'latin1'), 'a'.repeat(LARGE) + 'end')
  t.equal(statSync(claimed.copy.body.file ?? '').mode & 0o777, 0o600)
  t.ok(spool.stats().pendingBytes > LARGE)
  spool.ack(claimed)
  await until(() => bodiesOf(path).length === 0)
})

test('at the start, body files without a copy are removed, missing ones are said; both once', async t => {
  const first = openTestSpool(t)
  await first.spool.append(copyOf({ body: memoryBody(Buffer.alloc(LARGE)) }))
  await first.spool.append(copyOf({ body: memoryBody(Buffer.alloc(LARGE)) }))
  await first.spool.close()
  const [kept, removed] = bodiesOf(first.path)
  rmSync(join(first.path, 'bodies', removed ?? ''))
  writeFileSync(join(first.path, 'bodies', '0001'.padEnd(24, '0')), 'left over')

  const { log } = openTestSpool(t, { path: first.path })
  await until(() => log.length === 2 && bodiesOf(first.path).length === 1)

  t.strictSame(bodiesOf(first.path), [kept])
  t.match(log, [/^warn: Body files without a copy/, /^error: Body files are missing/])
})

test('a large body that no file takes goes into its record', async t => {
  const { spool, path, drops, log } = openTestSpool(t)
  writeFileSync(join(path, 'bodies'), 'in the way')

  for (let i = 0; i < 3; i++) await spool.append(copyOf({ project: '7', body: memoryBody(Buffer.alloc(LARGE, 'x')) }))

  t.strictSame(drops, [])
  t.match(spool.stats(), { pending: 3 })
  t.equal(Buffer.concat([...claimOne(spool, Date.now()).copy.body.chunks ?? []]).toString(), 'x'.repeat(LARGE))
  t.equal(log.filter(line => line.includes('Large bodies')).length, 1, 'one line, not one per copy')
})

for (const [what, damage] of [
  ['is no environment', (file: string) => { writeFileSync(file, 'x'.repeat(10_000)) }],
  ['lost its end', (file: string) => { truncateSync(file, 12_288) }],
  ['lost all but a part of its first page', (file: string) => { truncateSync(file, 100) }]
] as const) {
  test(`a data file that ${what} is moved aside, and a new spool begun`, async t => {
    const first = openTestSpool(t)
    for (let i = 0; i < 50; i++) void first.spool.append(copyOf({ body: memoryBody(Buffer.alloc(5000)) }))
    await first.spool.append(copyOf())
    await first.spool.close()
    damage(join(first.path, 'data.mdb'))

    const { spool, log } = openTestSpool(t, { path: first.path })
    await spool.append(copyOf({ id: 'new' }))

    t.match(log, [/^error: The spool on disk is damaged and was moved aside/])
    t.ok(readdirSync(first.path).some(name => name.startsWith('data.mdb.damaged-')))
    t.equal(claimOne(spool, Date.now()).copy.id, 'new')
  })
}

test('a spool of a newer format is refused with a sentence, and left as it is', async t => {
  const path = spoolFolder(t)
  const root = open<Buffer, Buffer>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' })
  root.openDB<Buffer, Buffer>({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' }).putSync(Buffer.from('format'), Buffer.from('9'))
  await root.close()

  t.throws(() => openTestSpool(t, { path }), SpoolFormatError)
  t.throws(() => openTestSpool(t, { path }), /format 9, this program knows format 2/)
})

test('the folder is made, for its owner only', async t => {
  const path = join(spoolFolder(t), 'not', 'there')
  const { spool } = openTestSpool(t, { path })
  await spool.append(copyOf({ body: memoryBody(Buffer.alloc(LARGE)) }))

  t.equal(statSync(path).mode & 0o777, 0o700)
  t.equal(statSync(join(path, 'data.mdb')).mode & 0o777, 0o600)
  t.equal(statSync(join(path, 'bodies')).mode & 0o777, 0o700)
})

test('a folder that is removed while running is made again, with what memory has; the rest is dropped and counted', async t => {
  let now = 1_000_000
  const first = openTestSpool(t, { now: () => now })
  await first.spool.append(copyOf({ takenAt: now }))
  await first.spool.close()
  const { spool, path, drops } = openTestSpool(t, { path: first.path, now: () => now })
  await spool.append(copyOf({ id: 'kept', takenAt: now }))
  rmSync(path, { recursive: true })

  now += 2000
  spool.poll()
  await until(() => spool.works())
  await spool.append(copyOf({ id: 'after', takenAt: now }))
  await spool.close()

  t.strictSame(drops, ['default spool_error'])
  const next = openTestSpool(t, { path, now: () => now })
  t.strictSame(next.spool.claim(9, now).map(({ copy }) => copy.id), ['kept', 'after'])
})

test('a folder that may not be written is no end of the router', async t => {
  const path = join(spoolFolder(t), 'spool')
  mkdirSync(path)
  chmodSync(path, 0o555)
  if (process.getuid?.() === 0) {
    // Nothing is forbidden to root.
    chmodSync(join(path, '..'), 0o755)
    process.seteuid?.(65_534)
  }
  const { spool, log } = openTestSpool(t, { path })

  await spool.append(copyOf())
  t.equal(spool.claim(1, Date.now()).length, 1)
  t.match(log, [/cannot write to its disk/])
  process.seteuid?.(process.getuid?.() ?? 0)
  chmodSync(path, 0o700)
})
