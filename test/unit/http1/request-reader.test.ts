import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { test } from 'tap'
import { MAX_LINE_BYTES, parseRequestHead } from '../../../src/http1/request-head.ts'
import { RequestReader } from '../../../src/http1/request-reader.ts'
import { REQUESTS } from '../../fixtures/http1/requests.ts'
import { bytewise, cut, splits } from '../../helpers/splits.ts'

const HOST = 'Host: a.test\r\n'
const BODY_LIMIT = 100

/** Everything a reader makes of the reads: heads, bodies, and the fault it ends in. */
function read (pieces: readonly Buffer[]): unknown[] {
  const reader = new RequestReader()
  const seen: unknown[] = []
  let state: 'idle' | 'head' | 'body' | 'fault' = 'idle'
  let body: Buffer[] = []

  const step = (): boolean => {
    if (state === 'idle') {
      if (!reader.beginHead()) return false
      state = 'head'
    } else if (state === 'head') {
      const result = reader.readHead()
      if (result === null) return false
      seen.push(result.kind === 'head' ? result.head : result.code)
      state = result.kind === 'head' ? 'body' : 'fault'
    } else if (state === 'body') {
      const progress = reader.readBody(BODY_LIMIT, piece => { body.push(piece) })
      if (progress === 'incomplete') return false
      seen.push(progress === 'complete' ? Buffer.concat(body).toString('latin1') : progress)
      body = []
      state = progress === 'complete' ? 'idle' : 'fault'
    } else {
      return false
    }
    return true
  }

  for (const piece of pieces) {
    reader.push(piece)
    while (step());
  }
  // How much of an unfinished body has come is part of the result, too.
  seen.push(state, Buffer.concat(body).toString('latin1'))
  return seen
}

const valid = fc.record({
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PURGE'),
  target: fc.stringMatching(/^\/[a-z0-9/%?.-]{0,20}$/),
  version: fc.constantFrom('1.1', '1.0', '1.2'),
  fields: fc.array(fc.tuple(fc.stringMatching(/^X-[A-Za-z0-9-]{1,10}$/), fc.stringMatching(/^[!-~]{0,20}$/)), { maxLength: 5 }),
  body: fc.oneof(
    fc.constant(null),
    fc.record({ kind: fc.constant('length' as const), text: fc.stringMatching(/^[ -~]{0,60}$/) }),
    fc.record({ kind: fc.constant('chunked' as const), chunks: fc.array(fc.stringMatching(/^[ -~]{1,20}$/), { maxLength: 4 }), trailers: fc.constantFrom('', 'A: b\r\n') })
  )
}).map(({ method, target, version, fields, body }) => {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = `${method} ${target} HTTP/${version}\r\n${HOST}${lines}`
  if (body === null) return `${head}\r\n`
  if (body.kind === 'length') return `${head}Content-Length: ${body.text.length}\r\n\r\n${body.text}`
  const chunks = body.chunks.map(chunk => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${body.trailers}\r\n`
})

/** Short ones only: the long ones are about lengths, and have tests of their own. */
const known = fc.constantFrom(...REQUESTS.map(request => request.bytes).filter(bytes => bytes.length < 2000))
const stream = fc.array(fc.oneof({ arbitrary: valid, weight: 3 }, known, fc.constant('\r\n'), fc.uint8Array({ maxLength: 12 }).map(bytes => Buffer.from(bytes).toString('latin1'))), { maxLength: 5 }).map(parts => Buffer.from(parts.join(''), 'latin1')).filter(bytes => bytes.length > 0)

test('whatever reads the bytes arrive in, requests, bodies and faults are the same', async t => {
  fc.assert(fc.property(stream, splits(), (bytes, places) => {
    deepStrictEqual(read(cut(bytes, places)), read([bytes]))
  }), { numRuns: 600 })
  t.pass('600 streams')
})

test('byte by byte the known requests read as in one piece', async t => {
  for (const { name, bytes } of REQUESTS) {
    if (bytes.length > 2000) continue
    const whole = Buffer.from(bytes, 'latin1')
    t.strictSame(read(bytewise(whole)), read([whole]), name)
  }
})

test('no bytes make the reader throw', async t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), pieces => {
    read(pieces.filter(piece => piece.length > 0).map(piece => Buffer.from(piece)))
  }), { numRuns: 500 })
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), fc.boolean(), (text, complete) => {
    parseRequestHead(text, complete)
  }), { numRuns: 500 })
  t.pass('nothing was thrown')
})

test('what was written is what is read', async t => {
  fc.assert(fc.property(fc.array(valid, { minLength: 1, maxLength: 4 }), requests => {
    const seen = read([Buffer.from(requests.join(''), 'latin1')])
    const heads = seen.filter(item => typeof item === 'object')
    strictEqual(heads.length, requests.findIndex(isRefused) === -1 ? requests.length : requests.findIndex(isRefused))
  }), { numRuns: 200 })
  t.pass('200 streams')
})

/** A chunked body on HTTP/1.0 ends the stream; nothing behind it is read. */
function isRefused (request: string): boolean {
  return / HTTP\/1\.0\r\n/.test(request) && request.includes('Transfer-Encoding')
}

const errors: ReadonlyArray<readonly [name: string, bytes: string, code: string]> = [
  ['no Host on 1.1', 'GET / HTTP/1.1\r\n\r\n', 'BAD_REQUEST'],
  ['two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 'BAD_REQUEST'],
  ['empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 'BAD_REQUEST'],
  ['Host with a space', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 'BAD_REQUEST'],
  ['Host with a slash', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'BAD_REQUEST'],
  ['Host with two dots', 'GET / HTTP/1.1\r\nHost: a..b\r\n\r\n', 'BAD_REQUEST'],
  ['Content-Length and chunked', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 'BAD_REQUEST'],
  ['chunked and Content-Length', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`, 'BAD_REQUEST'],
  ['two equal lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`, 'BAD_REQUEST'],
  ...['+3', '-1', '0x3', '3, 3', '', '18446744073709551616', '9223372036854775808'].map(value => [`Content-Length ${value}`, `POST / HTTP/1.1\r\n${HOST}Content-Length: ${value}\r\n\r\n`, 'BAD_REQUEST'] as const),
  ['a coding on HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, 'BAD_REQUEST'],
  ['a coding twice', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`, 'BAD_REQUEST'],
  ['a space before the colon', `POST / HTTP/1.1\r\n${HOST}TE : x\r\n\r\n`, 'BAD_REQUEST'],
  ...['gzip, chunked', 'identity', '\tchunked', 'xchunked', ''].map(value => [`coding ${JSON.stringify(value)}`, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: ${value}\r\n\r\n`, 'CODING_UNKNOWN'] as const),
  ['two Authorizations', `GET / HTTP/1.1\r\n${HOST}Authorization: a\r\nauthorization: b\r\n\r\n`, 'BAD_REQUEST'],
  ['a bare CR', `GET / HTTP/1.1\r\n${HOST}A: b\rc\r\n\r\n`, 'BAD_REQUEST'],
  ['a NUL', `GET / HTTP/1.1\r\n${HOST}A: b\0\r\n\r\n`, 'BAD_REQUEST'],
  ['a folded line', `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`, 'BAD_REQUEST'],
  ['an empty name', `GET / HTTP/1.1\r\n${HOST}: b\r\n\r\n`, 'BAD_REQUEST'],
  ['a first line with a space', `GET / HTTP/1.1\r\n ${HOST}\r\n`, 'BAD_REQUEST'],
  ...[' b', '\tb', '\x01', '\x7f', '\0'].map(bytes => [`a target with ${JSON.stringify(bytes)}`, `GET /a${bytes} HTTP/1.1\r\n${HOST}\r\n`, 'BAD_REQUEST'] as const),
  ['a lower-case method', `get / HTTP/1.1\r\n${HOST}\r\n`, 'BAD_REQUEST'],
  ['a digit in the method', `G3T / HTTP/1.1\r\n${HOST}\r\n`, 'BAD_REQUEST'],
  ...['HTTP/1', 'http/1.1', 'HTTX/1.1', 'HTTP/1.', 'HTTP/0.9', ''].map(version => [`version ${JSON.stringify(version)}`, `GET / ${version}\r\n${HOST}\r\n`, 'BAD_REQUEST'] as const),
  ...['HTTP/2.0', 'HTTP/3.0', 'HTTP/2', 'HTTP/10.1'].map(version => [`version ${version}`, `GET / ${version}\r\n${HOST}\r\n`, 'VERSION_UNKNOWN'] as const),
  ['a TLS hello', '\x16\x03\x01\x02', 'BAD_REQUEST'],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'BAD_REQUEST'],
  ['CONNECT to a path', `CONNECT / HTTP/1.1\r\n${HOST}\r\n`, 'METHOD_REFUSED'],
  ['an asterisk', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 'BAD_REQUEST'],
  ['an authority', `CONNECT a.test:80 HTTP/1.1\r\n${HOST}\r\n`, 'BAD_REQUEST'],
  ['a line without a colon', `GET / HTTP/1.1\r\n${HOST}A\r\n\r\n`, 'BAD_REQUEST'],
  ['a bare LF', `GET / HTTP/1.1\n${HOST}\r\n`, 'BAD_REQUEST']
]

test('each malformed head ends in its own error', async t => {
  for (const [name, bytes, code] of errors) t.equal(read([Buffer.from(bytes, 'latin1')])[0], code, name)
})

test('a fault is found as soon as its line is complete, not when the head is', async t => {
  for (const [name, bytes, code] of errors.filter(([, bytes]) => bytes.startsWith('GET / HTTP/2') || bytes.includes('A: b\0'))) {
    const upToFault = bytes.slice(0, bytes.indexOf('\r\n', Math.max(0, bytes.indexOf('\0'))) + 2)
    t.equal(read([Buffer.from(upToFault, 'latin1')])[0], code, name)
  }
})

const badChunks: ReadonlyArray<readonly [body: string, code: string]> = [
  ['x\r\n', 'BAD_REQUEST'], ['-1\r\n', 'BAD_REQUEST'], ['0x1\r\n', 'BAD_REQUEST'], ['\r\n', 'BAD_REQUEST'], ['ffffffffffffffffff\r\n', 'BAD_REQUEST'], ['8000000000000000\r\n', 'BAD_REQUEST'],
  ['3\r\nabcd', 'BAD_REQUEST'], ['3\nabc', 'BAD_REQUEST'], ['3\rabc', 'BAD_REQUEST'], ['65\r\n', 'BODY_TOO_LARGE'], ['64\r\n' + 'a'.repeat(100) + '\r\n1\r\n', 'BODY_TOO_LARGE'], ['700000000000000\r\n', 'BODY_TOO_LARGE'],
  ['0\r\n' + 'A'.repeat(9000), 'BAD_REQUEST'], ['3;' + 'x'.repeat(9000), 'BAD_REQUEST']
]

test('each malformed chunk ends in its own error, before the body is complete, in any reads', async t => {
  const head = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`
  for (const [body, code] of badChunks) {
    const bytes = Buffer.from(head + body, 'latin1')
    t.equal(read([bytes])[1], code, body.slice(0, 20))
    t.equal(read(bytewise(bytes))[1], code, `${body.slice(0, 20)}, byte by byte`)
  }
})

test('of two faults of a head the first line has it, in any reads', async t => {
  for (const [bytes, code] of [[`GET / HTTP/2.0\r\n${HOST}A: \0\r\n\r\n`, 'VERSION_UNKNOWN'], [`GET / HTTP/1.1\r\n${HOST}A: \0\r\nA: ${'b'.repeat(MAX_LINE_BYTES)}\r\n\r\n`, 'BAD_REQUEST']] as const) {
    const whole = Buffer.from(bytes, 'latin1')
    t.equal(read([whole])[0], code)
    t.equal(read(bytewise(whole))[0], code)
  }
})

function keepAlive (lines: string): unknown {
  return (read([Buffer.from(`GET / HTTP/1.1\r\n${HOST}${lines}\r\n`)])[0] as { keepAlive: boolean }).keepAlive
}

test('no later line takes a close back', async t => {
  t.equal(keepAlive('Connection: close\r\nConnection: keep-alive\r\n'), false)
  t.equal(keepAlive('Connection: keep-alive\r\nConnection: close\r\n'), false)
  t.equal(keepAlive('Connection: keep-alive\r\nConnection: x\r\n'), true)
})

test('which error a chunked body ends in does not depend on the reads', async t => {
  // A size that is too large, then overflows; a body that is too large, then malformed.
  for (const body of ['ffffffffffffffffffff\r\n', `65\r\n${'a'.repeat(101)}bad`]) {
    const bytes = Buffer.from(`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`, 'latin1')
    fc.assert(fc.property(splits(), places => {
      strictEqual(read(cut(bytes, places))[1], read([bytes])[1])
    }), { numRuns: 50 })
    t.pass(body.slice(0, 10))
  }
})

function requestLine (length: number): string {
  return `GET ${'/'.padEnd(length - 15, 'a')} HTTP/1.1\r\n${HOST}\r\n`
}

function headerLine (length: number): string {
  return `GET / HTTP/1.1\r\n${HOST}A: ${'b'.repeat(length - 5)}\r\n\r\n`
}

function first (bytes: string): unknown {
  return read([Buffer.from(bytes)])[0]
}

test('a line may have 8 KiB and no more', async t => {
  t.match(first(requestLine(MAX_LINE_BYTES)), { method: 'GET' })
  t.equal(first(requestLine(MAX_LINE_BYTES + 1)), 'TARGET_TOO_LONG')
  t.match(first(headerLine(MAX_LINE_BYTES)), { method: 'GET' })
  t.equal(first(headerLine(MAX_LINE_BYTES + 1)), 'HEADERS_TOO_LARGE')
  t.equal(first(`GET /${'a'.repeat(MAX_LINE_BYTES)}`), 'TARGET_TOO_LONG', 'without its end')
  t.equal(first(`GET / HTTP/1.1\r\nA: ${'a'.repeat(MAX_LINE_BYTES)}`), 'HEADERS_TOO_LARGE', 'without its end')
})

test('a head of any lines is limited, read at once or byte by byte', async t => {
  for (const size of [50, 1000, 5000, 8000]) {
    const endless = Buffer.from(`GET / HTTP/1.1\r\n${HOST}${`A: ${'b'.repeat(size - 5)}\r\n`.repeat(Math.ceil(40_000 / size))}`)
    t.equal(read([endless])[0], 'HEADERS_TOO_LARGE', `lines of ${size}`)
    t.equal(read(bytewise(endless))[0], 'HEADERS_TOO_LARGE', `lines of ${size}, byte by byte`)
  }
})
