/**
 * The folder of a spool, damaged anywhere but in LMDB's own files: it opens, delivers
 * only what was taken and byte for byte, comes to an end, and says what it lost.
 *
 * Then what is on disk alone: any bytes are read without an exception, and what is
 * read is what would be written.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import t, { test } from 'tap'
import { decodeCopy, encodeCopy } from '../../src/spool/copy.ts'
import { splitHistory, withHistory } from '../../src/spool/history.ts'
import { decodeRow, emptyTallies, encodeKey, encodeValue } from '../../src/spool/ledger-row.ts'
import { TABLES } from '../../src/spool/store.ts'
import { bodyOfBytes, readWithHistory } from '../../src/spool/stored-copy.ts'
import { createFrameBuilder, readFrame, readWrites } from '../../src/spool/wal/frame.ts'
import { copyOf, fieldLines, memoryBody } from '../helpers/copies.ts'
import { damaged, fuzz } from '../helpers/fuzz.ts'
import { spoolFolder } from '../helpers/spool.ts'
import type { Drained, Filled, Order } from './spool-process.ts'

const PROCESS = fileURLToPath(new URL('spool-process.ts', import.meta.url))
/** Of the copy that the process takes itself. */
const NEW_ID = 'n'.repeat(32)
/** A process that says nothing for so long hangs. */
const ANSWER_MS = 30_000
/** What LMDB ends a process with. */
const DEATHS: readonly unknown[] = ['SIGABRT', 'SIGSEGV', 'SIGBUS']

let child: ChildProcess | null = null

/** Rejects when it hangs, or ends otherwise than by a signal of LMDB's. @returns `null` when it died. */
function ask<T> (order: Order): Promise<T | null> {
  const running = child ??= fork(PROCESS, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      forget()
      running.kill('SIGKILL')
      reject(new Error('the process hangs'))
    }, ANSWER_MS)
    function forget (): void {
      clearTimeout(timer)
      child = null
      running.removeAllListeners()
    }
    running.once('exit', (code, signal) => {
      forget()
      if (DEATHS.includes(signal)) resolve(null)
      else reject(new Error(`the process ended with ${signal ?? code}`))
    })
    running.once('message', result => {
      clearTimeout(timer)
      running.removeAllListeners('exit')
      resolve(result as T)
    })
    running.send(order)
  })
}

t.teardown(() => child?.kill('SIGKILL'))

interface Damage {
  /** Which file, of those there are: 0 to 1. */
  readonly file: number
  readonly how: 'bit' | 'head' | 'zeros' | 'noise' | 'cut' | 'remove' | 'double' | 'swap'
  /** Where in the file: 0 to 1. */
  readonly at: number
  readonly offset: number
  readonly noise: Uint8Array
}

const PAGE = 4096
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const damage: fc.Arbitrary<Damage> = fc.record({
  file: share,
  how: fc.constantFrom('bit', 'head', 'zeros', 'noise', 'cut', 'remove', 'double', 'swap'),
  at: share,
  offset: fc.nat({ max: PAGE - 1 }),
  noise: fc.uint8Array({ minLength: 1, maxLength: 96 })
})

function filesIn (path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(name => statSync(join(path, name)).isFile()).sort()
}

/** LMDB believes the pages of its own files, and may end the process over one that is not what was written. */
const OF_LMDB = ['data.mdb', 'lock.mdb']

/** @returns The file that was damaged, as its name in the spool. */
function damageFolder (path: string, { file, how, at, offset, noise }: Damage): string {
  const names = filesIn(path).filter(name => !OF_LMDB.includes(name))
  const name = names[Math.floor(file * names.length)] ?? ''
  const full = join(path, name)
  if (name === '' || !existsSync(full)) return name
  const bytes = readFileSync(full)
  const page = Math.floor(Math.floor(at * bytes.length) / PAGE) * PAGE
  switch (how) {
    case 'bit':
    case 'head': {
      const position = Math.min(page + (how === 'head' ? offset % 64 : offset), bytes.length - 1)
      bytes[position] = (bytes[position] ?? 0) ^ 1 << offset % 8
      break
    }
    case 'zeros':
      bytes.fill(0, page, Math.min(page + PAGE, bytes.length))
      break
    case 'noise':
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - page - offset)), Math.min(page + offset, bytes.length))
      break
    case 'cut':
      writeFileSync(full, bytes.subarray(0, Math.floor(at * bytes.length)))
      return name
    case 'remove':
      rmSync(full)
      return name
    case 'double':
      // A log or a body under a name that another could have; else twice its length.
      if (name.includes('/')) copyFileSync(full, full.replace(/.(?=\.|$)/, digit => digit === 'a' ? 'b' : 'a'))
      else writeFileSync(full, Buffer.concat([bytes, bytes]))
      return name
    case 'swap': {
      const [one, two] = names.filter(other => other.startsWith('wal/')).map(other => join(path, other))
      if (one === undefined || two === undefined) return name
      renameSync(one, `${one}-`)
      renameSync(two, one)
      renameSync(`${one}-`, two)
      return 'wal/'
    }
  }
  writeFileSync(full, bytes)
  return name
}

function check ({ delivered, dead, lost, log, fault, isDone }: Drained, filled: Filled, touched: readonly string[]): void {
  if (fault !== null) throw new Error(fault)
  if (!isDone) throw new Error(`the drain does not end; ${log.length} lines, the last: ${log.slice(-3).join('; ')}`)
  const bodies = touched.some(name => name.startsWith('bodies/'))
  for (const [id, digest] of Object.entries(delivered)) {
    if (id === NEW_ID) continue
    const expected = filled.digests[id]
    if (expected === undefined) throw new Error(`${id} was delivered, and never taken`)
    // Of a body in a file only the length is known.
    if (expected !== digest && !bodies) throw new Error(`${id} was delivered with other bytes`)
  }
  if (delivered[NEW_ID] === undefined) throw new Error('what was taken after the start was not delivered')
  if (log.length > MOST_LINES) throw new Error(`${log.length} lines in the log`)
  const found = new Set([...Object.keys(delivered), ...dead.map(({ id }) => id), ...filled.acked, ...lost])
  const missing = Object.keys(filled.digests).filter(id => !found.has(id))
  // The end of a log is no promise: what was in it alone may be gone without a word.
  const silent = touched.some(name => name.startsWith('wal/')) ? missing.filter(id => !filled.inLogOnly.includes(id)) : missing
  if (silent.length > 0 && log.length === 0) throw new Error(`not a word of ${silent.join(', ')}`)
}

const MOST_LINES = 60

async function template (t: Parameters<typeof spoolFolder>[0]): Promise<{ path: string, filled: Filled }> {
  const path = join(spoolFolder(t), 'spool')
  const filled = await ask<Filled>({ verb: 'fill', path })
  const running = child
  child = null
  if (filled === null || running === null) throw new Error('the spool cannot be filled')
  running.kill('SIGKILL')
  await once(running, 'exit')
  return { path, filled }
}

test('a spool whose logs and bodies are damaged anywhere delivers what was taken, ends, and says what it lost', async t => {
  const { path, filled } = await template(t)
  let turns = 0
  await fuzz(t, fc.array(damage, { maxLength: 2 }), async damages => {
    const folder = `${path}-${++turns}`
    cpSync(path, folder, { recursive: true })
    try {
      const touched = damages.map(damage => damageFolder(folder, damage))
      const drained = await ask<Drained>({ verb: 'drain', path: folder })
      if (drained === null) throw new Error('the process dies of it')
      check(drained, filled, touched)
      const again = await ask<Drained>({ verb: 'drain', path: folder })
      if (again === null) throw new Error('the process dies of a spool that it had closed')
      check(again, { digests: filled.digests, acked: Object.keys(filled.digests), dead: [], inLogOnly: [] }, touched)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

const HISTORY = { failures: 3, takenAt: 1_000_000, firstAttemptAt: 1_000_001, lastAttemptAt: 1_000_002, buriedAt: 1_000_003, reason: '400', answer: 'no \u00e4' }
const FILE_ID = Buffer.alloc(12, 7)
const RECORDS = [
  encodeCopy(copyOf({ target: '/x?\xe4', fields: fieldLines('A', 'b', 'C', '') }), null),
  encodeCopy(copyOf({ framed: false, body: memoryBody() }), null),
  encodeCopy(copyOf({ body: memoryBody(Buffer.alloc(300, 1)) }), FILE_ID)
]
const VALUES = RECORDS.map(record => withHistory(HISTORY, record))

function frames (): Buffer[] {
  const builder = createFrameBuilder()
  return [0, 1, 2 ** 40].map(number => {
    for (const table of TABLES) builder.write(table, Buffer.from('key'), number === 1 ? null : Buffer.alloc(number % 100, 1))
    return Buffer.from(builder.end(number))
  })
}

const bytesOf = (seeds: readonly Buffer[]): fc.Arbitrary<Buffer> => fc.oneof(damaged(seeds, ['\0', '\n', '\xff\xff\xff\xff', '\0\0\0\x01', '\x01']), fc.constantFrom(...seeds), fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)))

function same (a: Buffer, b: Buffer, what: string): void {
  if (!a.equals(b)) throw new Error(`${what} is written otherwise than it was read`)
}

test('any bytes are read as a record, or a history and a record, or not at all', async t => {
  await fuzz(t, bytesOf([...RECORDS, ...VALUES]), bytes => {
    const copy = decodeCopy(bytes)
    if (copy !== null && copy.body !== null) same(encodeCopy({ ...copy, body: bodyOfBytes(copy.body) }, null), bytes, 'a record')
    const split = splitHistory(bytes)
    if (split !== null) same(withHistory(split.history, split.record), bytes, 'a history')
    const { record, corrupt, copy: { body } } = readWithHistory(bytes, id => id.toString('hex'))
    if (record.length > bytes.length || !corrupt && body.chunks !== null && body.length > bytes.length) throw new Error('more was read than there is')
  })
})

test('any bytes are read as frames, or not at all', async t => {
  await fuzz(t, bytesOf([...frames(), Buffer.concat(frames())]), bytes => {
    for (let at = 0, frame = readFrame(bytes, at); frame !== null; frame = readFrame(bytes, at)) {
      const builder = createFrameBuilder()
      if (frame.end <= at || frame.end > bytes.length) throw new Error(`a frame from ${at} to ${frame.end} of ${bytes.length}`)
      if (readWrites(frame.writes, builder.write) && frame.writes.length > 0) same(Buffer.from(builder.end(frame.number)), bytes.subarray(at, frame.end), 'a frame')
      at = frame.end
    }
    // Also what has no checksum that holds.
    readWrites(bytes, (_, key, value) => { if (key.length + (value?.length ?? 0) > bytes.length) throw new Error('more was read than there is') })
  })
})

test('any bytes are read as a row of the ledger, or not at all', async t => {
  const key = encodeKey({ hour: 480_000, project: '7', writer: 'a-1' })
  const tallies = { ...emptyTallies(), dead: new Map([['400', { count: 3, bytes: 2 ** 40 }], ['', { count: 1, bytes: 0 }]]), accepted: new Map([['', { count: 300, bytes: 70_000 }]]) }
  await fuzz(t, fc.tuple(bytesOf([key]), bytesOf([encodeValue(key, 480_001, tallies), encodeValue(key, 0, emptyTallies())])), ([key, value]) => {
    const row = decodeRow({ key, value })
    if (row !== null) same(encodeValue(key, row.writtenHour, row.tallies), value, 'a row')
  })
})
