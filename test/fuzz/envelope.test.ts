/**
 * A body as a client may send it is decoded and read for people within bounds, whatever
 * it holds: nothing is thrown, no more comes out than was asked for, and what is not
 * whole says so. Findings are kept in test/unit/envelope/.
 */
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { test } from 'tap'
import { decodeBody } from '../../src/envelope/content-codings.ts'
import { MOST_ITEMS, findEventId, maskDsn, parseEnvelope, type ParsedEnvelope } from '../../src/envelope/envelope.ts'
import { eventIdOf, readEnvelope } from '../../src/envelope/read-envelope.ts'
import { damaged, fuzz } from '../helpers/fuzz.ts'

/** Generous, for a machine that does other things too. */
const MAX_MS = 10_000
const BOUNDS = { maxBytes: 64 * 1024, timeoutMs: 1000 }

type Encode = (bytes: Buffer) => Buffer
const ENCODE: ReadonlyMap<string, Encode> = new Map(Object.entries<Encode>({
  'gzip': bytes => gzipSync(bytes),
  'x-gzip': bytes => gzipSync(bytes),
  'deflate': bytes => deflateSync(bytes),
  ' DEFLATE': bytes => deflateRawSync(bytes),
  'br': bytes => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } }),
  'zstd': bytes => zstdCompressSync(bytes),
  'identity': bytes => bytes,
  '': bytes => bytes
}))

const jsonValue = fc.oneof(fc.constantFrom<unknown>(null, '', 0, -1, 1e300, true, [], {}, '0'.repeat(32), '9ec79c33-ec99-42ab-8353-589fcb2e04dc', 'x'.repeat(300), 'https://key:secret@sentry.example/1?a#b', '__proto__'), fc.jsonValue({ maxDepth: 2 }))
const header = (names: readonly string[]): fc.Arbitrary<Record<string, unknown>> => fc.dictionary(fc.constantFrom(...names, '__proto__'), jsonValue, { maxKeys: 4 })
const item = fc.record({ head: header(['type', 'length', 'item_count', 'filename', 'content_type']), payload: fc.uint8Array({ maxLength: 60 }), said: fc.constantFrom('right', 'wrong', 'none') }).map(({ head, payload, said }) => {
  const length = said === 'right' ? { length: payload.length } : said === 'wrong' ? { length: payload.length * 2 + 1 } : {}
  return Buffer.concat([Buffer.from(`${JSON.stringify({ ...head, ...length })}\n`), payload, Buffer.from('\n')])
})
const envelope = fc.tuple(header(['event_id', 'dsn', 'sdk', 'sent_at']), fc.array(item, { maxLength: 5 })).map(([head, items]) => Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...items]))

const SEEDS = [
  Buffer.from('{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://key@sentry.example/1","sdk":{"name":"sentry.javascript.browser","version":"8.0.0"},"sent_at":"2026-01-01T00:00:00Z"}\n{"type":"event","length":2}\n{}\n{"type":"attachment","length":5,"filename":"a.txt"}\nhello\n'),
  Buffer.from('{}\n{"type":"session"}\n{"sid":"1"}\n{"type":"span","item_count":3,"content_type":"application/vnd.sentry.items.span.v2+json"}\n{"items":[]}'),
  ...[...ENCODE.values()].map(encode => encode(Buffer.from('{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event"}\n{}\n')))
]
const TOKENS = ['\n', '\r\n', '{', '}', '"', '\\', '\0', '{"type":"event","length":', '99999999999999999999', '-1', '1e9', '"event_id":"', '{}\n', '{"length":0}\n', '\x1f\x8b\x08', '\x28\xb5\x2f\xfd', '\x78\x9c', '\ufeff', '[[[[', '{"a":'.repeat(200)]
const codings = fc.oneof(
  fc.array(fc.constantFrom(...ENCODE.keys()), { maxLength: 4 }).map(names => names.join(',')),
  fc.constantFrom('gzip, gzip, gzip, gzip', '__proto__', 'constructor', 'UTF-8', ',,,', 'gzip;q=1')
)

function checkParsed ({ envelope: read, fault }: ParsedEnvelope, bytes: number): void {
  if (read === null && fault === null) throw new Error('no envelope, and no word about it')
  for (const { length, count, type, filename } of read?.items ?? []) {
    if (!Number.isSafeInteger(length) || length < 0 || !Number.isSafeInteger(count) || count < 0) throw new Error(`an item of ${length} bytes, ${count} times`)
    if (length > bytes && fault === null) throw new Error(`an item of ${length} bytes in ${bytes}`)
    if (type.length > 210 || (filename?.length ?? 0) > 210) throw new Error('a name that floods the page')
  }
  if ((read?.items.length ?? 0) > MOST_ITEMS) throw new Error('too many items')
  if (read?.dsn !== null && read?.dsn !== undefined && /secret/.test(maskDsn(read.dsn))) throw new Error(maskDsn(read.dsn))
}

function soon (started: number): void {
  const ms = performance.now() - started
  if (ms > MAX_MS) throw new Error(`it took ${Math.round(ms)} ms`)
}

test('an envelope, right or damaged, is read without an exception', async t => {
  await fuzz(t, fc.tuple(fc.oneof(envelope, damaged(SEEDS, TOKENS), fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))), fc.boolean()), ([bytes, cut]) => {
    const parsed = parseEnvelope(bytes, cut)
    if (!cut) checkParsed(parsed, bytes.length)
    const id = findEventId(bytes)
    if (parsed.envelope !== null && id !== parsed.envelope.eventId) throw new Error(`${String(id)} is not ${String(parsed.envelope.eventId)}`)
  })
})

test('a body with any codings is decoded within its bounds, damaged or not', async t => {
  const body = fc.tuple(fc.oneof(envelope, fc.constantFrom(...SEEDS), fc.nat({ max: 4 * 1024 * 1024 }).map(length => Buffer.alloc(length, 'a'))), codings, fc.boolean())
  await fuzz(t, body, async ([plain, names, cutOff]) => {
    const encoded = names.split(',').reduce((bytes, name) => ENCODE.get(name)?.(bytes) ?? bytes, plain)
    const sent = cutOff ? encoded.subarray(0, Math.floor(encoded.length * 0.7)) : encoded
    const started = performance.now()
    const { bytes, fault } = await decodeBody(sent, names, BOUNDS)

    soon(started)
    if (bytes.length > BOUNDS.maxBytes) throw new Error(`${bytes.length} bytes came out`)
    const coded = encoded !== plain
    if (fault === null && !cutOff && !bytes.equals(plain)) throw new Error(`${bytes.length} other bytes, and no fault`)
    if (fault === null && cutOff && coded) throw new Error('the end of a coding is missing, and no fault')
  })
})

test('damaged codings end in words', async t => {
  const coded = fc.tuple(fc.constantFrom(...ENCODE.keys()), fc.oneof(damaged(SEEDS, TOKENS, 3), fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes))), codings)
  await fuzz(t, coded, async ([name, bytes, others]) => {
    const started = performance.now()
    for (const contentEncoding of [name, others]) {
      const { envelope: read, faults, decodedBytes } = await readEnvelope(bytes, contentEncoding, BOUNDS)
      if (read === null && faults.length === 0) throw new Error('nothing was read, and nothing said')
      if (decodedBytes > BOUNDS.maxBytes) throw new Error(`${decodedBytes} bytes came out`)
      const id = eventIdOf(['Content-Encoding', contentEncoding], bytes)
      if (id !== null && id.length > 210) throw new Error(`an id of ${id.length} characters`)
    }
    soon(started)
  })
})

const BOMBS: Readonly<Record<string, Encode>> = {
  'gzip': gzipSync,
  'br': bytes => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } }),
  'zstd': zstdCompressSync,
  'deflate': deflateSync,
  'gzip, gzip': bytes => gzipSync(gzipSync(bytes))
}

for (const [name, encode] of Object.entries(BOMBS)) {
  test(`128 MiB of ${name} come out as 8 MiB, and say so`, async t => {
    const bomb = encode(Buffer.alloc(128 * 1024 * 1024))
    const before = process.memoryUsage().rss
    const { decodedBytes, faults } = await readEnvelope(bomb, name)

    t.equal(decodedBytes, 8 * 1024 * 1024)
    t.match(faults, [/decodes to more than 8388608 bytes; only the first were looked at/])
    t.ok(process.memoryUsage().rss - before < 100 * 1024 * 1024)
    t.equal(eventIdOf(['Content-Encoding', name], bomb), null)
  })
}
