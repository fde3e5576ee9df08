/** The write-ahead log: what a process that is gone wrote is found again, up to where it can be read. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { test } from 'tap'
import { encodeTime as encodeNumber } from '../../../src/spool/keys.ts'
import { openEnvironment, TABLES, type Environment, type Table } from '../../../src/spool/store.ts'
import type { DurableSpool } from '../../../src/spool/lmdb-spool.ts'
import { createFrameBuilder, readFrame, readWrites } from '../../../src/spool/wal/frame.ts'
import { createLog } from '../../../src/spool/wal/log.ts'
import { isAlive, ownerName } from '../../../src/spool/wal/owner.ts'
import { findLogs, recoverLog } from '../../../src/spool/wal/recovery.ts'
import { copyOf } from '../../helpers/copies.ts'
import { failingDisk } from '../../helpers/failing-disk.ts'
import { claimOne, openTestSpool, spoolFolder } from '../../helpers/spool.ts'

interface Put {
  readonly table: Table
  readonly key: Buffer
  readonly value: Buffer | null
}

const bytes = (min: number, max: number): fc.Arbitrary<Buffer> => fc.uint8Array({ minLength: min, maxLength: max }).map(array => Buffer.from(array))
const puts: fc.Arbitrary<Put[]> = fc.array(fc.record({
  table: fc.constantFrom(...TABLES),
  key: bytes(1, 20),
  value: fc.option(bytes(0, 300))
}, { noNullPrototype: true }), { maxLength: 8 })

function read (frame: Buffer): { number: number, puts: Put[] } | null {
  const found = readFrame(frame, 0)
  if (found === null) return null
  const read: Put[] = []
  if (!readWrites(found.writes, (table, key, value) => { read.push({ table, key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }) })) return null
  return { number: found.number, puts: read }
}

test('a frame says what was put into it, whatever the frames before it were', t => {
  const builder = createFrameBuilder()
  fc.assert(fc.property(puts, fc.nat(), (puts, number) => {
    for (const { table, key, value } of puts) builder.write(table, key, value)
    t.strictSame(read(Buffer.from(builder.end(number))), { number, puts })
  }), { numRuns: 100 })
  t.end()
})

test('a frame that lost its end, or a bit of which was flipped, is none', t => {
  fc.assert(fc.property(puts, fc.nat(), fc.boolean(), (puts, at, cut) => {
    const builder = createFrameBuilder()
    for (const { table, key, value } of puts) builder.write(table, key, value)
    const frame = Buffer.from(builder.end(7))
    const position = at % frame.length
    if (!cut) frame[position] = (frame[position] ?? 0) ^ 16
    t.equal(readFrame(cut ? frame.subarray(0, position) : frame, 0), null)
  }), { numRuns: 200 })
  t.end()
})

/** A value of the table `fresh`, by key. */
type Rows = Map<string, string>

function rowsOf (environment: Environment): Rows {
  return new Map([...environment.entries('fresh', {})].map(({ key, value }) => [key.toString(), value.toString()]))
}

/** Writes frames as a process does that has checkpoints now and then, and ends without a word. */
async function write (path: string, environment: Environment, steps: readonly ('checkpoint' | { readonly key: string, readonly value: string | null })[]): Promise<{ name: string, states: Rows[], lastFrame: Buffer, file: string }> {
  const log = createLog({ path, partition: 1, synced: false, onFault (error) { throw error } })
  const builder = createFrameBuilder()
  const rows: Rows = new Map()
  const states: Rows[] = [new Map()]
  let lastFrame = Buffer.alloc(0)
  environment.transaction(put => { put('meta', log.key, encodeNumber(0)) })
  await log.open()
  for (const step of steps) {
    if (step === 'checkpoint') {
      log.turn()
      const saved = new Map(rows)
      environment.transaction(put => {
        for (const [key, value] of saved) put('fresh', Buffer.from(key), Buffer.from(value))
        for (const { key } of environment.entries('fresh', {})) if (!saved.has(key.toString())) put('fresh', Buffer.from(key), null)
        put('meta', log.key, encodeNumber(log.next))
      })
      continue
    }
    if (step.value === null) rows.delete(step.key)
    else rows.set(step.key, step.value)
    builder.write('fresh', Buffer.from(step.key), step.value === null ? null : Buffer.from(step.value))
    lastFrame = Buffer.from(builder.end(log.next))
    await log.append(lastFrame)
    states.push(new Map(rows))
  }
  await log.close()
  const name = findLogs(path)[0]?.name ?? ''
  const file = readdirSync(join(path, 'wal')).map(file => join(path, 'wal', file)).find(file => readFileSync(file).includes(lastFrame)) ?? ''
  return { name, states, lastFrame, file }
}

const step = fc.oneof(
  { weight: 1, arbitrary: fc.constant('checkpoint' as const) },
  { weight: 5, arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.option(fc.string({ minLength: 1, maxLength: 30 }), { freq: 3 }) }) }
)

test('what the log and the environment say together is what was written, to the last whole frame', async t => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.nat(), fc.constantFrom('whole', 'torn', 'damaged'), async (steps, at, how) => {
    const path = spoolFolder(t)
    const environment = openEnvironment(path)
    const { name, states, lastFrame, file } = await write(path, environment, steps)
    const isLastSaved = steps.at(-1) === 'checkpoint'
    if (how !== 'whole' && lastFrame.length > 0 && !isLastSaved) {
      const content = readFileSync(file)
      const start = content.lastIndexOf(lastFrame)
      if (how === 'torn') truncateSync(file, start + at % lastFrame.length)
      else {
        const position = start + at % lastFrame.length
        content[position] = (content[position] ?? 0) ^ 1
        writeFileSync(file, content)
      }
    }

    const warnings: string[] = []
    await recoverLog(environment, path, name, { warn: (_: unknown, message?: string) => { warnings.push(message ?? '') } })

    t.strictSame(rowsOf(environment), how === 'whole' || isLastSaved ? states.at(-1) : states.at(-2) ?? states.at(-1))
    t.strictSame(warnings, [], 'an end that was never promised is no reason to warn')
    t.strictSame(findLogs(path), [])
    await environment.close()
  }), { numRuns: 60 })
})

test('a frame that is damaged ends what is recovered, and that is said', async t => {
  const path = spoolFolder(t)
  const environment = openEnvironment(path)
  const { name, states, file } = await write(path, environment, ['a', 'b', 'c', 'd'].map(key => ({ key, value: 'value' })))
  const content = readFileSync(file)
  const at = content.indexOf('bvalue')
  content[at] = 0
  writeFileSync(file, content)

  const warnings: string[] = []
  await recoverLog(environment, path, name, { warn: (_: unknown, message?: string) => { warnings.push(message ?? '') } })

  t.strictSame(rowsOf(environment), states[1])
  t.match(warnings, [/cannot be read/])
  await environment.close()
})

test('the log of another environment is not taken for one of this', async t => {
  const path = spoolFolder(t)
  const first = openEnvironment(path)
  const { name } = await write(path, first, [{ key: 'a', value: 'value' }])
  first.transaction(put => { put('meta', Buffer.from(`log ${name}`), null) })

  await recoverLog(first, path, name, { warn () {} })

  t.equal(rowsOf(first).size, 0)
  t.strictSame(findLogs(path), [])
  await first.close()
})

/** Copies come and go until one is in the log: before it is open, they go into the environment. */
async function logged (spool: DurableSpool, path: string): Promise<void> {
  const isLogged = (): boolean => {
    try {
      return readdirSync(join(path, 'wal')).some(file => statSync(join(path, 'wal', file)).size > 0)
    } catch {
      return false
    }
  }
  while (!isLogged()) {
    await spool.append(copyOf())
    spool.ack(claimOne(spool, Date.now()))
  }
}

test('a copy that is delivered at once never gets into the environment', async t => {
  const disk = failingDisk()
  const { spool, path } = openTestSpool(t, { openEnvironment: disk.open })
  await logged(spool, path)
  await spool.saved()
  const before = disk.puts('fresh')

  for (let i = 0; i < 50; i++) {
    await spool.append(copyOf())
    spool.ack(claimOne(spool, Date.now()))
  }
  await spool.saved()

  t.equal(disk.puts('fresh'), before)
  t.equal(readdirSync(join(path, 'wal')).length, 2)
  await spool.close()
  t.strictSame(readdirSync(join(path, 'wal')), [], 'a log that is empty is not left behind')
})

test('a log that fails alone: copies go into the environment, are durable there, and it is said once', async t => {
  const disk = failingDisk()
  const { spool, path, log, drops } = openTestSpool(t, { openEnvironment: disk.open, openLogFile: disk.openLogFile })
  await logged(spool, path)
  await spool.saved()
  await spool.append(copyOf({ id: 'before' }))
  disk.fail(['log'], 'ENOSPC')

  for (const id of ['a', 'b', 'c']) await spool.append(copyOf({ id }))

  t.ok(spool.works())
  t.strictSame(drops, [])
  while (log.length === 0) await new Promise(resolve => { setImmediate(resolve) })
  t.match(log, [/^warn: The log of the spool cannot be written/])
  const next = openTestSpool(t, { path, partition: 2 })
  next.spool.adopt([1])
  t.strictSame(next.spool.claim(9, Date.now()).map(({ copy }) => copy.id).sort(), ['a', 'b', 'before', 'c'])

  disk.fail(null)
  for (const id of ['d', 'e']) await spool.append(copyOf({ id }))
  t.equal(log.length, 1)
})

test('a process that was killed, and whose parent has not asked for it, is gone', async t => {
  // The shell becomes a program that never asks for its child.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => parent.kill('SIGKILL'))
  const [line] = await once(parent.stdout, 'data') as [Buffer]
  const pid = Number(line)
  const owner = ownerName(pid)
  t.ok(isAlive(owner))

  process.kill(pid, 'SIGKILL')

  while (isAlive(owner)) await sleep(5)
  t.pass('though the kernel keeps its entry')
})
