import { test } from 'tap'
import { createAnswerReader, type AnswerReader } from '../../../src/mirror/answer.ts'

/** Reads `text` in pieces of `size` bytes, all in one buffer, as a connection does. */
function read (text: string, size = text.length, method = 'POST'): AnswerReader {
  const reader = createAnswerReader(method)
  const shared = Buffer.alloc(size)
  for (let at = 0; at < text.length; at += size) {
    const length = shared.write(text.slice(at, at + size), 'latin1')
    reader.push(shared.subarray(0, length))
    shared.fill('#')
  }
  return reader
}

const OK = 'HTTP/1.1 200 OK\r\n'

for (const [what, text] of [
  ['a length', `${OK}Content-Length: 5\r\n\r\nhello`],
  ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: r\r\n\r\n`],
  ['interim answers', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`]
] as const) {
  test(`an answer with ${what} is the same in whatever pieces it comes`, async t => {
    for (const size of [1, 2, 7, 1000]) {
      const reader = read(text, size)

      t.equal(reader.state, 'complete', `pieces of ${size}`)
      t.equal(reader.head?.status, 200)
      t.equal(reader.text(), 'hello')
      t.ok(reader.idleMs() > 0)
    }
  })
}

test('a connection lies idle for less than 4 s, unless the endpoint says how long it may', async t => {
  t.ok(read(`${OK}Content-Length: 0\r\n\r\n`).idleMs() < 4000)
  t.equal(read(`${OK}Content-Length: 0\r\nKeep-Alive: timeout=15, max=100\r\n\r\n`).idleMs(), 14_000)
  t.equal(read(`${OK}Content-Length: 0\r\nKeep-Alive: timeout=1\r\n\r\n`).idleMs(), 0)
  t.equal(read(`${OK}Content-Length: 0\r\nKeep-Alive: timeout=99999\r\n\r\n`).idleMs(), 60_000)
})

for (const [what, text] of [
  ['it says close', `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n`],
  ['it is HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['bytes follow the answer', `${OK}Content-Length: 0\r\n\r\nHTTP/1.1 200`],
  ['bytes follow a chunked answer', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx`],
  ['bytes follow an answer that has no body', 'HTTP/1.1 204 No\r\n\r\nx']
] as const) {
  test(`a connection is not used again when ${what}`, async t => {
    t.equal(read(text).idleMs(), 0)
    t.equal(read(text).state, 'complete')
  })
}

test('the answer to HEAD has no body, whatever its length says', async t => {
  const reader = read(`${OK}Content-Length: 5\r\n\r\n`, 1000, 'HEAD')

  t.equal(reader.state, 'complete')
  t.ok(reader.idleMs() > 0)
})

test('no more than 512 bytes are kept, and no more than 64 KiB read', async t => {
  const reader = read(`${OK}Content-Length: 1000000\r\n\r\n${'x'.repeat(65_536)}`)
  t.equal(reader.state, 'body')
  t.equal(reader.text(), 'x'.repeat(512))

  reader.push(Buffer.from('x'))

  t.equal(reader.state, 'cut')
  t.equal(reader.idleMs(), 0)
})

test('what is not HTTP/1 is known from its first bytes', async t => {
  for (const text of ['x', 'HTTP/2', 'SSH-2.0', '\x15\x03\x01']) t.equal(read(text).state, 'invalid', JSON.stringify(text))
  t.equal(read('HTTP/1.').state, 'head')
})

test('an end of the connection completes an answer that has no other end, and cuts one that has', async t => {
  const states = [`${OK}\r\nhello`, `${OK}Content-Length: 5\r\n\r\nhell`, `${OK}Content-Le`].map(text => {
    const reader = read(text)
    reader.end()
    return reader.state
  })

  t.strictSame(states, ['complete', 'cut', 'invalid'])
})
