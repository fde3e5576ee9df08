import * as fc from 'fast-check'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { test } from 'tap'
import { decodeBody, decodeStart } from '../../../src/envelope/content-codings.ts'

const BOUNDS = { maxBytes: 1024 * 1024, timeoutMs: 20_000 }
const MIB = 1024 * 1024

const CODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: bytes => gzipSync(bytes),
  'x-gzip': bytes => gzipSync(bytes),
  deflate: bytes => deflateSync(bytes),
  br: bytes => brotliCompressSync(bytes),
  zstd: bytes => zstdCompressSync(bytes)
}

const codings = fc.constantFrom(...Object.keys(CODERS), 'identity', 'GZIP', ' gzip ', 'gzip, br', '', 'UTF-8', 'compress', 'constructor')
const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))

test('what was encoded is decoded, in every coding that Relay takes', async t => {
  await fc.assert(fc.asyncProperty(bytes, fc.constantFrom(...Object.keys(CODERS)), async (body, name) => {
    const decoded = await decodeBody(CODERS[name]?.(body) ?? body, name, BOUNDS)

    return decoded.fault === null && decoded.bytes.equals(body)
  }))
  t.pass('no counterexample')
})

test('deflate is decoded with and without the header of zlib', async t => {
  const body = Buffer.from('{}\n'.repeat(100))

  for (const coded of [deflateSync(body), deflateRawSync(body)]) {
    t.strictSame(await decodeBody(coded, 'deflate', BOUNDS), { bytes: body, fault: null })
    t.strictSame(decodeStart(coded, 'deflate', MIB), body)
  }
})

test('several codings are undone, the last one first', async t => {
  const body = Buffer.from('{}\n')

  t.strictSame(await decodeBody(brotliCompressSync(gzipSync(body)), 'gzip, BR', BOUNDS), { bytes: body, fault: null })
  t.strictSame(decodeStart(brotliCompressSync(gzipSync(body)), 'gzip, BR', MIB), body)
})

test('a value that is no coding means that there is none', async t => {
  for (const value of [undefined, '', 'identity', 'UTF-8', 'constructor']) {
    t.strictSame(await decodeBody(Buffer.from('{}\n'), value, BOUNDS), { bytes: Buffer.from('{}\n'), fault: null }, String(value))
  }
})

test('a body that decodes to more than the bound ends there, and says so', async t => {
  const zeros = Buffer.alloc(200 * MIB)
  const bombs = ['gzip', 'deflate', 'zstd'].map(name => [name, CODERS[name]?.(zeros) ?? zeros] as const)
  const before = process.memoryUsage().rss

  for (const [name, bomb] of bombs) {
    const { bytes, fault } = await decodeBody(bomb, name, BOUNDS)

    t.equal(bytes.length, MIB, name)
    t.equal(fault, 'It decodes to more than 1048576 bytes; only the first were looked at.', name)
  }
  t.ok(process.memoryUsage().rss - before < 150 * MIB, 'nowhere near what it decodes to')
})

test('a bomb within a bomb ends at the bound as well', async t => {
  const bomb = gzipSync(gzipSync(Buffer.alloc(200 * MIB)))

  const { bytes, fault } = await decodeBody(bomb, 'gzip, gzip', BOUNDS)

  t.equal(bytes.length, MIB)
  t.match(fault, /^It decodes to more than/)
})

test('the start of a bomb is empty', async t => {
  t.equal(decodeStart(zstdCompressSync(Buffer.alloc(50 * MIB)), 'zstd', MIB).length, 0)
  t.equal(decodeStart(gzipSync(Buffer.alloc(50 * MIB)).subarray(0, 8000), 'gzip', MIB).length, 0)
})

test('too many codings are not undone', async t => {
  const value = Array(50).fill('gzip').join(',')

  const { bytes, fault } = await decodeBody(gzipSync('{}'), value, BOUNDS)

  t.equal(bytes.length, 0)
  t.equal(fault, 'It has 50 content codings; more than 3 are not undone.')
  t.equal(decodeStart(gzipSync('{}'), value, MIB).length, 0)
})

test('a body that takes too long is given up', async t => {
  const { fault } = await decodeBody(gzipSync(Buffer.alloc(200 * MIB)), 'gzip', { maxBytes: 400 * MIB, timeoutMs: 0 })

  t.match(fault, /cannot be undone beyond byte \d+ \(it takes too long\)\.$/)
})

test('of a body that is cut short, what came is decoded', async t => {
  const body = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join(''))
  const coded = gzipSync(body)

  const { bytes, fault } = await decodeBody(coded.subarray(0, coded.length / 2), 'gzip', BOUNDS)

  t.ok(bytes.length > 10_000)
  t.ok(body.subarray(0, bytes.length).equals(bytes))
  t.equal(fault, `Its content coding gzip cannot be undone beyond byte ${bytes.length} (unexpected end of file).`)
})

test('a body longer than the bound is looked at up to it', async t => {
  const { bytes, fault } = await decodeBody(Buffer.alloc(50), undefined, { maxBytes: 20, timeoutMs: 1000 })

  t.equal(bytes.length, 20)
  t.equal(fault, 'Only its first 20 bytes were looked at.')
})

test('whatever the bytes and the coding, decoding ends within its bounds', async t => {
  const coded = fc.oneof(bytes, fc.tuple(bytes, fc.constantFrom(...Object.keys(CODERS)), fc.nat(400), fc.nat(255)).map(([body, name, at, byte]) => {
    const whole = Buffer.from(CODERS[name]?.(body) ?? body)
    whole[at % whole.length] = byte
    return whole
  }))
  await fc.assert(fc.asyncProperty(coded, codings, fc.nat(200), async (body, name, maxBytes) => {
    const decoded = await decodeBody(body, name, { maxBytes, timeoutMs: 20_000 })

    return decoded.bytes.length <= maxBytes && decodeStart(body, name, maxBytes).length <= Math.max(maxBytes, body.length)
  }), { numRuns: 500 })
  t.pass('no counterexample')
})
