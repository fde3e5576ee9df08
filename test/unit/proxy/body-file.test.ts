import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test, type Test } from 'tap'
import PQueue from 'p-queue'
import type { BodyOutcome, BodyReaderOptions } from '../../../src/proxy/body-file.ts'
import { BodyReader } from '../../../src/proxy/body-reader.ts'
import { ByteBudget } from '../../../src/proxy/byte-budget.ts'
import { MemoryBudget } from '../../../src/proxy/memory-budget.ts'
import { eventually } from '../../helpers/listener.ts'
import { temporaryFolder } from '../../helpers/proxy.ts'

const MEBIBYTE = 1024 * 1024
const FULL_DISK = fileURLToPath(new URL('../../fixtures/http1/full-disk.ts', import.meta.url))

interface Reading {
  readonly reader: BodyReader
  readonly budget: MemoryBudget
  readonly space: ByteBudget
  readonly folder: string
  readonly file: string
  readonly outcomes: BodyOutcome[]
  /** `pause` and `resume`, in order. */
  readonly calls: string[]
}

async function startReading (t: Test, options: { file?: string, limit?: number, emergency?: number, space?: number } = {}): Promise<Reading> {
  const folder = await temporaryFolder(t)
  const file = options.file ?? join(folder, 'body')
  const budget = new MemoryBudget(options.limit ?? 64 * MEBIBYTE, options.emergency ?? 64 * MEBIBYTE)
  const space = new ByteBudget(() => options.space ?? Infinity)
  const outcomes: BodyOutcome[] = []
  const calls: string[] = []
  const connection: BodyReaderOptions['connection'] = { pauseBody: () => { calls.push('pause') }, resumeBody: () => { calls.push('resume') } }
  return { reader: new BodyReader({ connection, budget, space, writes: new PQueue({ concurrency: 2 }), file, onOutcome: outcome => { outcomes.push(outcome) } }), budget, space, folder, file, outcomes, calls }
}

function bodyOf ({ outcomes }: Reading): Extract<BodyOutcome, { kind: 'body' }>['body'] {
  const [outcome] = outcomes
  if (outcome?.kind !== 'body') throw new Error(`no body, but ${JSON.stringify(outcome)}`)
  return outcome.body
}

test('a body of up to 1 MiB stays in memory, and is counted until it is forwarded', async t => {
  const reading = await startReading(t)

  for (let i = 0; i < 16; i++) reading.reader.onData(Buffer.alloc(64 * 1024, i))
  reading.reader.onEnd()

  const body = bodyOf(reading)
  t.equal(body.length, MEBIBYTE)
  t.equal(body.file, null)
  t.equal(Buffer.concat(body.chunks ?? []).length, MEBIBYTE)
  t.equal(reading.budget.used, MEBIBYTE)
  body.forwarded()
  t.equal(reading.budget.used, 0)
})

test('a body without a byte is a body', async t => {
  const reading = await startReading(t)

  reading.reader.onEnd()

  t.equal(bodyOf(reading).length, 0)
})

test('a body of very many small pieces is kept in few', async t => {
  const reading = await startReading(t)

  for (let i = 0; i < 10_000; i++) reading.reader.onData(Buffer.from('a'))
  reading.reader.onEnd()

  const { chunks } = bodyOf(reading)
  t.ok((chunks?.length ?? 0) <= 65, `${chunks?.length} pieces`)
  t.equal(Buffer.concat(chunks ?? []).toString(), 'a'.repeat(10_000))
})

test('a body of more than 1 MiB goes to a file whole, which goes with its last holder', async t => {
  const reading = await startReading(t)

  for (let i = 0; i < 17; i++) reading.reader.onData(Buffer.alloc(64 * 1024, i))
  t.equal(reading.budget.used, 0, 'no memory is counted for it')
  reading.reader.onEnd()
  await eventually(() => reading.outcomes.length === 1, 'the body')

  const body = bodyOf(reading)
  t.equal(body.chunks, null)
  const pieces: Buffer[] = []
  for await (const piece of body.read?.() ?? []) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  t.equal(bytes.length, 17 * 64 * 1024)
  t.ok(Array.from({ length: 17 }, (_, i) => bytes[i * 64 * 1024]).every((byte, i) => byte === i), 'in order')
  body.hold()
  body.forwarded()
  t.strictSame(await readdir(reading.folder), ['body'])
  body.release()
  await filesAre(t, reading.folder, [])
})

test('a file that was taken stays where it was taken to', async t => {
  const reading = await startReading(t)
  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE, 'x'))
  reading.reader.onEnd()
  await eventually(() => reading.outcomes.length === 1, 'the body')
  const body = bodyOf(reading)

  body.hold()
  await body.takeFile(join(reading.folder, 'taken'))
  body.forwarded()
  body.release()

  await new Promise(resolve => { setTimeout(resolve, 30) })
  t.strictSame(await readdir(reading.folder), ['taken'])
  t.equal((await readFile(join(reading.folder, 'taken'))).length, 2 * MEBIBYTE)
})

test('when all bodies together have no memory left, a small one goes to a file too', async t => {
  const reading = await startReading(t, { limit: 10 })

  reading.reader.onData(Buffer.from('0123456789'))
  reading.reader.onData(Buffer.from('abc'))
  reading.reader.onEnd()
  await eventually(() => reading.outcomes.length === 1, 'the body')

  t.equal((await readFile(reading.file)).toString(), '0123456789abc')
  t.equal(reading.budget.used, 0)
  bodyOf(reading).forwarded()
  await filesAre(t, reading.folder, [])
})

test('a client that is faster than the disk is paused, and goes on', async t => {
  const reading = await startReading(t)

  for (let i = 0; i < 40; i++) reading.reader.onData(Buffer.alloc(64 * 1024))
  t.strictSame(reading.calls, ['pause'], 'once')
  await eventually(() => reading.calls.length === 2, 'to be resumed')
  reading.reader.onEnd()
  await eventually(() => reading.outcomes.length === 1, 'the body')

  t.strictSame(reading.calls, ['pause', 'resume'])
  t.equal(bodyOf(reading).length, 40 * 64 * 1024)
  bodyOf(reading).forwarded()
})

test('a body that is abandoned at any moment leaves no file and no memory counted', async t => {
  for (const turns of [0, 1, 2, 3, 5, 10]) {
    const reading = await startReading(t)
    for (let i = 0; i < 40; i++) reading.reader.onData(Buffer.alloc(64 * 1024))
    for (let i = 0; i < turns; i++) await new Promise(resolve => { setImmediate(resolve) })

    reading.reader.onFault('CLIENT_ABORTED')

    t.strictSame(reading.outcomes, [{ kind: 'fault', code: 'CLIENT_ABORTED' }])
    await filesAre(t, reading.folder, [])
    t.equal(reading.budget.used, 0)
    t.equal(reading.outcomes.length, 1, 'told once')
  }
})

test('a file that cannot be made leaves the body in memory, counted', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'occupied'), 'by another')
  for (const file of [join(folder, 'missing', 'body'), join(folder, 'occupied', 'body'), join(folder, 'occupied')]) {
    const reading = await startReading(t, { file })

    reading.reader.onData(Buffer.alloc(2 * MEBIBYTE, 'x'))
    reading.reader.onData(Buffer.from('end'))
    reading.reader.onEnd()
    await eventually(() => reading.outcomes.length === 1, 'the body')

    const body = bodyOf(reading)
    t.equal(body.file, null)
    t.equal(reading.budget.used, 2 * MEBIBYTE + 3)
    t.equal(Buffer.concat(body.chunks ?? []).subarray(-4).toString(), 'xend')
    body.forwarded()
    t.equal(reading.budget.used, 0)
  }
  t.equal((await readFile(join(folder, 'occupied'))).toString(), 'by another')
})

test('without a file and without memory the body is refused, once', async t => {
  const reading = await startReading(t, { file: '/dev/null/body', emergency: 3 * MEBIBYTE })

  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  await eventually(() => reading.budget.used > 0, 'memory to be counted')
  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  reading.reader.onEnd()

  t.strictSame(reading.outcomes, [{ kind: 'fault', code: 'BODY_NOT_STORED' }])
  t.equal(reading.budget.used, 0)
})

test('a client that leaves after the disk failed takes its memory with it', async t => {
  const reading = await startReading(t, { file: '/dev/null/body' })

  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  await eventually(() => reading.budget.used > 0, 'memory to be counted')
  reading.reader.onFault('CLIENT_TIMEOUT')

  t.equal(reading.budget.used, 0)
  t.strictSame(reading.outcomes, [{ kind: 'fault', code: 'CLIENT_TIMEOUT' }])
})

test('a body is read from its file although that was moved meanwhile', async t => {
  const reading = await startReading(t)
  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE, 'x'))
  reading.reader.onEnd()
  await eventually(() => reading.outcomes.length === 1, 'the body')

  await rename(reading.file, join(reading.folder, 'moved'))
  let length = 0
  for await (const piece of bodyOf(reading).read?.() ?? []) length += piece.length

  t.equal(length, 2 * MEBIBYTE)
  bodyOf(reading).forwarded()
})

test('a disk that fills up in mid-body gives back what it took: the body goes on in memory', async t => {
  const folder = await temporaryFolder(t)
  const expected = createHash('sha1')
  for (let i = 0; i < 8 * 16; i++) expected.update(Buffer.alloc(64 * 1024, i))

  t.strictSame(await withFullDisk(folder, 8, 100), { result: `memory ${8 * MEBIBYTE} ${8 * MEBIBYTE} ${expected.digest('hex')}`, used: 0, files: [] })
  t.strictSame(await withFullDisk(folder, 8, 4), { result: 'BODY_NOT_STORED', used: 0, files: [] })
})

/** Files may have 3 MiB; the signal that would end the process at the limit is ignored, so that the write fails. Without the test runner's hooks, which listen to it. */
async function withFullDisk (folder: string, body: number, memory: number): Promise<unknown> {
  const script = 'unset NODE_OPTIONS; trap "" XFSZ; ulimit -f 3072; exec "$@"'
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', process.execPath, FULL_DISK, folder, String(body), String(memory)])
  return JSON.parse(stdout)
}

async function filesAre (t: Test, folder: string, names: readonly string[]): Promise<void> {
  for (let i = 0; i < 200 && (await readdir(folder)).length > names.length; i++) await new Promise(resolve => { setTimeout(resolve, 5) })
  t.strictSame(await readdir(folder), names)
}

test('a file is counted from its first byte until it is gone, or is another\'s', async t => {
  const deleted = await startReading(t)
  deleted.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  t.equal(deleted.space.used, 2 * MEBIBYTE)
  deleted.reader.onEnd()
  await eventually(() => deleted.outcomes.length === 1, 'the body')
  bodyOf(deleted).hold()
  bodyOf(deleted).forwarded()
  t.equal(deleted.space.used, 2 * MEBIBYTE, 'somebody holds it')
  bodyOf(deleted).release()
  t.equal(deleted.space.used, 0)

  const taken = await startReading(t)
  taken.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  taken.reader.onEnd()
  await eventually(() => taken.outcomes.length === 1, 'the body')
  bodyOf(taken).hold()
  await bodyOf(taken).takeFile(join(taken.folder, 'taken'))
  t.equal(taken.space.used, 0)
  bodyOf(taken).release()
  bodyOf(taken).forwarded()
  t.equal(taken.space.used, 0)
})

test('a body that finds no room is refused once, and leaves no file and nothing counted', async t => {
  const reading = await startReading(t, { space: 3 * MEBIBYTE })

  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  await new Promise(resolve => { setTimeout(resolve, 20) })
  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  reading.reader.onEnd()

  t.strictSame(reading.outcomes, [{ kind: 'fault', code: 'BODY_NOT_STORED' }])
  t.equal(reading.space.used, 0)
  t.equal(reading.budget.used, 0)
  await filesAre(t, reading.folder, [])
})

test('a body in memory for want of a file takes no room of files', async t => {
  const reading = await startReading(t, { file: '/dev/null/body', space: 3 * MEBIBYTE })

  reading.reader.onData(Buffer.alloc(2 * MEBIBYTE))
  await eventually(() => reading.budget.used > 0, 'memory to be counted')

  t.equal(reading.space.used, 0)
  reading.reader.onFault('CLIENT_ABORTED')
  t.equal(reading.space.used, 0)
})
