import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { test } from 'tap'
import type { ResponseHead } from '../../../src/http1/message.ts'
import { MAX_RESPONSE_HEAD_BYTES } from '../../../src/http1/response-head.ts'
import { ResponseReader } from '../../../src/http1/response-reader.ts'
import { RESPONSES } from '../../fixtures/http1/responses.ts'
import { bytewise, cut, splits } from '../../helpers/splits.ts'

interface Read {
  heads: ResponseHead[]
  body: string
  complete: boolean
  fault: boolean
  reusable: boolean
}

function read (pieces: readonly Buffer[], method = 'GET', closed = true): Read {
  const heads: ResponseHead[] = []
  const body: Buffer[] = []
  const reader = new ResponseReader(method, { onHead: head => { heads.push(head) }, onData: piece => { body.push(piece) } })
  for (const piece of pieces) reader.push(piece)
  const { reusable } = reader
  if (closed) reader.end()
  return { heads, body: Buffer.concat(body).toString('latin1'), complete: reader.complete, fault: reader.fault, reusable }
}

function readText (text: string, method?: string, closed?: boolean): Read {
  return read([Buffer.from(text, 'latin1')], method, closed)
}

const known = fc.constantFrom(...RESPONSES.map(response => response.bytes).filter(bytes => bytes.length > 0 && bytes.length < 3000))
const interim = fc.constantFrom('', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n', 'HTTP/1.1 100 Continue\n\n')
const response = fc.tuple(interim, known, fc.constantFrom('', 'more', 'HTTP/1.1 200 OK\r\n\r\n')).map(parts => Buffer.from(parts.join(''), 'latin1'))

test('whatever reads the bytes arrive in, the response is the same', async t => {
  fc.assert(fc.property(response, splits(), fc.constantFrom('GET', 'HEAD'), (bytes, places, method) => {
    deepStrictEqual(withoutPart(read(cut(bytes, places), method)), withoutPart(read([bytes], method)))
  }), { numRuns: 800 })
  t.pass('800 responses')
})

test('byte by byte the known responses read as in one piece', async t => {
  for (const { name, bytes } of RESPONSES) {
    if (bytes.length > 3000) continue
    const whole = Buffer.from(bytes, 'latin1')
    t.strictSame(withoutPart(read(bytewise(whole))), withoutPart(read([whole])), name)
  }
})

/** Bytes behind a complete response are seen only in the read that completes it; later ones are the connection's to judge. */
function withoutPart (result: Read): Read {
  return { ...result, reusable: false }
}

test('no bytes make the reader throw', async t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 6 }), fc.boolean(), (pieces, prefixed) => {
    const prefix = prefixed ? [Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')] : [Buffer.from('HTTP/1.1 ')]
    read([...prefix, ...pieces.map(piece => Buffer.from(piece))])
  }), { numRuns: 500 })
  t.pass('nothing was thrown')
})

test('the framing is that of RFC 9112 section 6.3, in its order', async t => {
  t.equal(framing('HTTP/1.1 200 OK\r\nContent-Length: 5', 'HEAD'), 'none')
  t.equal(framing('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'HEAD'), 'none')
  t.equal(framing('HTTP/1.1 204 No Content\r\nContent-Length: 5'), 'none')
  t.equal(framing('HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked'), 'none')
  t.equal(framing('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, chunked'), 'chunked')
  t.equal(framing('HTTP/1.1 200 OK\r\nContent-Length: 5'), 'length')
  t.equal(framing('HTTP/1.1 200 OK'), 'close')
  t.equal(framing('HTTP/1.0 200 OK\r\nTransfer-Encoding: identity'), 'close')
})

test('a connection is used again only behind a response that had an end of its own, and nothing behind it', async t => {
  const body = 'Content-Length: 2\r\n\r\nok'
  const reusable: ReadonlyArray<readonly [text: string, wanted: boolean]> = [
    [`HTTP/1.1 200 OK\r\n${body}`, true],
    [`HTTP/1.1 200 OK\r\nConnection: close\r\n${body}`, false],
    [`HTTP/1.1 200 OK\r\nConnection: x, Close\r\n${body}`, false],
    [`HTTP/1.0 200 OK\r\n${body}`, false],
    [`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${body}`, true],
    [`HTTP/1.1 200 OK\r\n${body}x`, false],
    [`HTTP/1.1 200 OK\r\n${body}HTTP/1.1 200 OK\r\n${body}`, false],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', true],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx', false],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n', false],
    ['HTTP/1.1 200 OK\r\n\r\nok', false],
    ['HTTP/1.1 204 No Content\r\n\r\n', true],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok', false],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n', false],
    ['HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', false],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', true],
    [`HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n${body}`, false],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', false]
  ]

  for (const [text, wanted] of reusable) t.equal(readText(text).reusable, wanted, text)
})

test('a response that was cut off is not complete', async t => {
  const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
  for (let length = 0; length < whole.length; length++) t.notOk(readText(whole.slice(0, length)).complete, `${length} bytes`)
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
  for (let length = 0; length < chunked.length; length++) t.notOk(readText(chunked.slice(0, length)).complete, `${length} bytes in chunks`)
  t.ok(readText(whole).complete)
  t.ok(readText(chunked).complete)
  t.ok(readText('HTTP/1.1 200 OK\r\n\r\nhe').complete, 'an end of the connection is an end where nothing else is')
})

test('interim responses are read over, up to a bound; switching protocols was not asked for', async t => {
  const last = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

  t.match(readText(interimOf(32) + last), { heads: [{ status: 200 }], complete: true })
  t.ok(readText(interimOf(33) + last).fault)
  t.ok(readText('HTTP/1.0 100 Continue\r\n\r\n' + last).fault, 'HTTP/1.0 has none')
  t.ok(readText('HTTP/1.1 101 Switching Protocols\r\n\r\n').fault)
})

test('a head may have 128 KiB with its empty line, and no more, ended or not', async t => {
  t.equal(headOf(MAX_RESPONSE_HEAD_BYTES).length, MAX_RESPONSE_HEAD_BYTES)
  t.ok(readText(headOf(MAX_RESPONSE_HEAD_BYTES)).complete)
  t.ok(readText(headOf(MAX_RESPONSE_HEAD_BYTES + 1)).fault)
  t.ok(readText(headOf(MAX_RESPONSE_HEAD_BYTES * 2).slice(0, MAX_RESPONSE_HEAD_BYTES + 1)).fault)
})

test('garbage is known by its first bytes', async t => {
  for (const text of ['x', 'HTP', 'HTTP/2', 'http/1.1', '\r\n', '\0', '<html>']) t.ok(readText(text, 'GET', false).fault, JSON.stringify(text))
  for (const text of ['H', 'HTTP/1', 'HTTP/1.1 2']) t.notOk(readText(text, 'GET', false).fault, JSON.stringify(text))
})

test('a head that can be read in two ways is a fault', async t => {
  const lines = ['Content-Length: 1\r\nContent-Length: 2', 'Content-Length: x', 'Content-Length: -1', 'Content-Length: +1', 'Content-Length: 1, 1', 'Content-Length:', ' A: b', 'A: b\r\n c', 'A : b', ': b', 'A: b\0', 'A: b\rc', 'A\x01: b']

  for (const line of lines) t.ok(readText(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`).fault, JSON.stringify(line))
})

function framing (head: string, method?: string): string | undefined {
  return readText(`${head}\r\n\r\n`, method).heads[0]?.framing
}

function interimOf (count: number): string {
  return 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count)
}

/** So many bytes, with the empty line. */
function headOf (bytes: number): string {
  return `HTTP/1.1 204 OK\r\nA: ${'b'.repeat(bytes - 24)}\r\n\r\n`
}
