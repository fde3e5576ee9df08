import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { test } from 'tap'
import { eventIdOf, readEnvelope } from '../../../src/envelope/read-envelope.ts'

const ID = '9ec79c33ec9942ab8353589fcb2e04dc'
const TEXT = `{"event_id":"${ID}","dsn":"http://k@h/1"}\n{"type":"event"}\n{"message":"a"}\n`

test('an envelope is read through every content coding that Relay takes', async t => {
  for (const [coding, body] of [
    [undefined, Buffer.from(TEXT)], ['', Buffer.from(TEXT)], ['UTF-8', Buffer.from(TEXT)], ['gzip', gzipSync(TEXT)], ['x-gzip', gzipSync(TEXT)],
    ['GZIP', gzipSync(TEXT)], ['deflate', deflateSync(TEXT)], ['br', brotliCompressSync(TEXT)], ['zstd', zstdCompressSync(TEXT)]
  ] as const) {
    const { envelope, decodedBytes, faults } = await readEnvelope(body, coding)

    t.strictSame([envelope?.eventId, envelope?.items.map(item => item.type), decodedBytes, faults], [ID, ['event'], TEXT.length, []], String(coding))
  }
})

test('of a body that is cut short, what can be read is, and the one cause is said', async t => {
  const attachment = randomBytes(100_000)
  const coded = gzipSync(Buffer.concat([Buffer.from(`{}\n{"type":"event"}\n{}\n{"type":"attachment","length":${attachment.length}}\n`), attachment]))

  const { envelope, faults } = await readEnvelope(coded.subarray(0, 50_000), 'gzip')

  t.strictSame(envelope?.items.map(item => item.type), ['event', 'attachment'])
  t.equal(faults.length, 1)
  t.match(faults[0], /unexpected end of file/)
})

test('a body that is no envelope, or not in its coding, is said to be none', async t => {
  t.strictSame(await readEnvelope(Buffer.from('hello'), undefined), { envelope: null, decodedBytes: 5, faults: ['It is no envelope: its first line is not a JSON object.'] })
  const { envelope, faults } = await readEnvelope(Buffer.from('plain'), 'gzip')
  t.equal(envelope, null)
  t.match(faults, [/^Its content coding gzip cannot be undone beyond byte 0 /, /^It is no envelope/])
})

test('the event id is found in the first bytes of a body in every coding', async t => {
  const large = TEXT + randomBytes(400_000).toString('base64')

  for (const [coding, body] of [
    ['identity', Buffer.from(large)], ['gzip', gzipSync(large)], ['deflate', deflateSync(large)], ['br', brotliCompressSync(large)], ['zstd', zstdCompressSync(large)]
  ] as const) {
    t.equal(eventIdOf(['X-Request-Id', 'f', 'Content-Encoding', coding], body.subarray(0, 132 * 1024)), ID, coding)
  }
})

test('a body without an event id, or one that cannot be read, has none', async t => {
  for (const [coding, body] of [['', '{}\n'], ['', 'hello'], ['gzip', 'plain'], ['zstd', ''], ['', '']] as const) {
    t.equal(eventIdOf(['content-encoding', coding], Buffer.from(body)), null, `${coding} ${body}`)
  }
  t.equal(eventIdOf([], zstdCompressSync(TEXT)), null)
})
