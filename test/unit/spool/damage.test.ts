/** A data file with pages that are not what was written: what test/fuzz/spool.test.ts has found. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type Test } from 'tap'
import { openEnvironment, type OpenEnvironment } from '../../../src/spool/store.ts'
import { copyOf, memoryBody } from '../../helpers/copies.ts'
import { failingDisk } from '../../helpers/failing-disk.ts'
import { claimOne, openTestSpool } from '../../helpers/spool.ts'

const PAGE = 4096
const MARK = 'a body of the test'
/** Process 0 is nobody's. */
const DEAD = ['0-1', '0-2']

async function filled (t: Test): Promise<string> {
  const { spool, path } = openTestSpool(t)
  for (let i = 0; i < 100; i++) void spool.append(copyOf({ body: memoryBody(Buffer.alloc(1000, MARK)) }))
  await spool.append(copyOf())
  await spool.close()
  return path
}

/** The leaves that hold copies: without them it opens, and ends who reads it. */
function clearPages (path: string): void {
  const file = join(path, 'data.mdb')
  const bytes = readFileSync(file)
  for (let at = 0; at < bytes.length; at += PAGE) {
    if (bytes.subarray(at, at + PAGE).includes(MARK)) bytes.fill(0, at, at + PAGE)
  }
  writeFileSync(file, bytes)
}

function leaveNotes (path: string): void {
  mkdirSync(join(path, 'open'), { recursive: true })
  for (const name of DEAD) writeFileSync(join(path, 'open', name), '')
}

async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}

test('a data file that ended two processes is read through in another, and moved aside', async t => {
  const path = await filled(t)
  clearPages(path)
  leaveNotes(path)

  const { spool, log } = openTestSpool(t, { path })
  await spool.append(copyOf({ id: 'new' }))

  t.match(log[0], /^error: The spool on disk is damaged and was moved aside/)
  t.equal(claimOne(spool, Date.now()).copy.id, 'new')
  t.strictSame(readdirSync(join(path, 'open')).filter(name => DEAD.includes(name)), [])
})

test('a sound data file stays where it is, however the last processes ended', async t => {
  const path = await filled(t)
  leaveNotes(path)

  const { spool, log } = openTestSpool(t, { path })

  t.strictSame(log, [])
  t.equal(spool.claim(Infinity, Date.now()).length, 101)
  t.strictSame(readdirSync(join(path, 'open')).filter(name => DEAD.includes(name)), [])
  await spool.close()
  t.strictSame(readdirSync(join(path, 'open')), [], 'who ends as it should leaves no note')
})

test('a spool that cannot be read at the start takes copies all the same', async t => {
  const path = await filled(t)
  const disk = failingDisk()
  disk.fail(['get', 'range'], 'EIO')

  const { spool } = openTestSpool(t, { path, openEnvironment: disk.open, openLogFile: disk.openLogFile })
  void spool.append(copyOf({ id: 'new' }))

  t.equal(claimOne(spool, Date.now() + 5000).copy.id, 'new')
})

/** The first read of a copy fails as LMDB lets it. */
function failingRead (code: number): OpenEnvironment {
  let failed = false
  return path => {
    const environment = openEnvironment(path)
    return {
      ...environment,
      get (table, key) {
        if (failed || table !== 'fresh') return environment.get(table, key)
        failed = true
        throw Object.assign(new Error('MDB'), { code })
      }
    }
  }
}

test('damage that is found while running ends in a new data file; what memory has goes on', async t => {
  const path = await filled(t)
  const { spool, log, drops } = openTestSpool(t, { path, openEnvironment: failingRead(-30_797) })

  await spool.append(copyOf({ id: 'new' }))
  const claimed = claimOne(spool, Date.now() + 5000)
  await until(() => log.some(line => line.includes('moved aside')) && spool.works())

  t.equal(claimed.copy.id, 'new')
  t.equal(drops.length, 101)
  t.match(spool.stats(), { pending: 1 })
  spool.retry(claimed, 0)
  await spool.close()
  t.equal(claimOne(openTestSpool(t, { path }).spool, Date.now()).copy.id, 'new')
})

test('an error that may be damage is looked into first: a sound data file stays', async t => {
  const path = await filled(t)
  const { spool, log } = openTestSpool(t, { path, openEnvironment: failingRead(-30_782) })

  spool.claim(1, Date.now() + 5000)
  t.notOk(spool.works())
  await until(() => spool.works())

  t.equal(spool.claim(Infinity, Date.now()).length, 101)
  t.notOk(log.some(line => line.includes('moved aside')))
})
