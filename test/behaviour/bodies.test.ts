/** Whatever a body is made of, both ends get the same bytes. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t, { test, type Test } from 'tap'
import { request } from 'undici'
import { header, type Recorded } from '../helpers/backends.ts'
import { openConnection, post } from '../helpers/client.ts'
import { MIRROR_PATHS, startAll } from '../helpers/router.ts'

const MIB = 1024 * 1024
const TARGET = '/api/1/envelope/?sentry_key=abc'
const envelope = Buffer.from('{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event"}\n{"message":"hello"}\n')

t.setTimeout(60_000)
const { relay, endpoint, router } = await startAll(t)

/** Asserts that the newest request at both ends has this body, and returns both. */
async function arrivedWhole (t: Test, before: number, body: Buffer): Promise<{ atRelay: Recorded, atEndpoint: Recorded }> {
  const atRelay = (await relay.received(before + 1)).at(-1)
  const atEndpoint = (await endpoint.received(before + 1)).at(-1)
  if (atRelay === undefined || atEndpoint === undefined) throw new Error('unreachable: received() waits for one')
  t.equal(Buffer.compare(atRelay.body, body), 0, 'relay got the bytes')
  t.equal(Buffer.compare(atEndpoint.body, body), 0, 'the endpoint got the bytes')
  t.equal(header(atRelay, 'content-length'), String(body.length))
  t.equal(header(atEndpoint, 'content-length'), String(body.length))
  t.equal(atRelay.target, TARGET)
  t.equal(atEndpoint.target, MIRROR_PATHS[1] + TARGET)
  t.match(header(atRelay, 'x-request-id'), /^[0-9a-f]{32}$/)
  t.equal(header(atEndpoint, 'x-request-id'), header(atRelay, 'x-request-id'))
  return { atRelay, atEndpoint }
}

for (const [coding, body] of [['gzip', gzipSync(envelope)], ['br', brotliCompressSync(envelope)], ['zstd', zstdCompressSync(envelope)]] as const) {
  test(`a ${coding} body goes on as it came, with its Content-Encoding`, async t => {
    const before = relay.requests.length

    const answer = await request(router.url80 + TARGET, { method: 'POST', body, headers: { 'content-encoding': coding } })
    await answer.body.dump()

    t.equal(answer.statusCode, 200)
    const { atRelay, atEndpoint } = await arrivedWhole(t, before, body)
    t.equal(header(atRelay, 'content-encoding'), coding)
    t.equal(header(atEndpoint, 'content-encoding'), coding)
  })
}

test('a chunked body arrives as one with a Content-Length', async t => {
  const before = relay.requests.length
  const connection = await openConnection(t, router.port80)

  await connection.send(`POST ${TARGET} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`)
  await connection.send('6;extension=1\r\nhello \r\n')
  await connection.send('5\r\nworld\r\n0\r\nTrailer: dropped\r\n\r\n')
  const { status } = await connection.answer()

  t.equal(status, 200)
  const { atRelay, atEndpoint } = await arrivedWhole(t, before, Buffer.from('hello world'))
  for (const arrived of [atRelay, atEndpoint]) {
    t.equal(header(arrived, 'transfer-encoding'), undefined)
    t.equal(header(arrived, 'trailer'), undefined)
  }
})

for (const [name, body, lines] of [
  ['text that is not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28, 0x0d, 0x0a, 0x80]), ['Content-Type: text/plain;charset=UTF-8']],
  ['an empty body with Content-Length: 0', Buffer.alloc(0), []],
  ['a body of one byte', Buffer.from('{'), []]
] as const) {
  test(`${name} arrives at both ends as it was sent`, async t => {
    const before = relay.requests.length
    const connection = await openConnection(t, router.port80)

    await connection.send(post(TARGET, body, lines))
    const { status } = await connection.answer()

    t.equal(status, 200)
    const { atRelay, atEndpoint } = await arrivedWhole(t, before, body)
    const type = lines[0]?.slice('Content-Type: '.length)
    t.equal(header(atRelay, 'content-type'), type)
    t.equal(header(atEndpoint, 'content-type'), type)
  })
}

for (const [name, bytes] of [['1 MiB (the most that stays in memory)', MIB], ['1 MiB and a byte (which goes to a file)', MIB + 1], ['20 MiB', 20 * MIB]] as const) {
  test(`a body of ${name} arrives at both ends as it was sent`, async t => {
    const before = relay.requests.length
    const body = randomBytes(bytes)

    const answer = await request(router.url80 + TARGET, { method: 'POST', body })
    await answer.body.dump()

    t.equal(answer.statusCode, 200)
    await arrivedWhole(t, before, body)
  })
}

test('20 MiB in chunks arrive at both ends as they were sent', async t => {
  const before = relay.requests.length
  const chunks = Array.from({ length: 320 }, () => randomBytes(64 * 1024))

  const answer = await request(router.url80 + TARGET, { method: 'POST', body: Readable.from(chunks) })
  await answer.body.dump()

  t.equal(answer.statusCode, 200)
  await arrivedWhole(t, before, Buffer.concat(chunks))
})
