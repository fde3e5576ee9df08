/** Answers of a server for the fuzzers: each part is right most of the time, and else one of the ways to get it wrong. */
import * as fc from 'fast-check'
import { damaged } from '../helpers/fuzz.ts'
import { ANSWERS } from '../smuggling/responses.ts'
import { CHUNKED, DATA, EOL, usually } from './http1-streams.ts'

const STATUS = usually(
  ['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified', 'HTTP/1.0 200 OK', 'HTTP/1.1 500 '],
  ['HTTP/1.1 200', 'HTTP/1.1  200 OK', 'HTTP/1.2 200 OK', 'HTTP/2.0 200 OK', 'HTTP/1.1 20 OK', 'HTTP/1.1 200OK', 'HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 100 Continue', 'http/1.1 200 OK', 'hello', '', 'HTTP/1.1 200 O\rK', 'HTTP/1.1 200 O\0K', 'HTTP/1.1 999 x\x01'],
  20
)
const INTERIM = usually(['', '', '', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n'], ['HTTP/1.1 100 Continue\n\n', 'HTTP/1.1 101 x\r\n\r\n', 'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n', '\r\n', 'HTTP/1.1 103 x\r\n\r\n'.repeat(40)])
const FIELDS = fc.array(usually(
  ['X: y', 'X:', 'Set-Cookie: a=b', 'Content-Type: text/plain', 'Connection: keep-alive', 'Keep-Alive: timeout=5', 'Server: x', 'X: \xe4', 'Location: /%0d%0aSet-Cookie:%20a'],
  ['Connection: close', 'X : y', ': y', 'X', ' X: y', 'X: a\rSet-Cookie: b', 'X: a\0b', 'X: a\x01b', 'X\x01: y', 'X(: y', '\xff: y', 'Trailer: X', 'X: y\t', 'Upgrade: h2c', 'X: a\nY: b', 'X\r\n Y: b'],
  10
), { maxLength: 3 })
const LENGTH = usually(['Content-Length: ', 'content-length:'], ['Content-Length : ', 'Content_Length: ', 'Content-Length:\t', 'Content-Length: 0\r\nContent-Length: ', 'Content-Length: +', 'Content-Length: 0', 'Content-Length: -'], 20)
const CODING = usually(
  ['Transfer-Encoding: chunked', 'transfer-encoding:Chunked'],
  ['Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked, gzip', 'Transfer-Encoding: xchunked', 'Transfer-Encoding: gzip', 'Transfer-Encoding : chunked', 'Transfer_Encoding: chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 'Content-Length: 3\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 3', 'Transfer-Encoding:\r\n chunked', 'Transfer-Encoding:'],
  12
)
const BODY = fc.oneof(
  DATA.map(data => ({ line: '', bytes: data })),
  fc.constant({ line: '', bytes: '' }),
  fc.record({ name: LENGTH, data: DATA, off: fc.oneof({ weight: 14, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1, 5)) })
    .map(({ name, data, off }) => ({ line: `${name}${Math.max(0, data.length + off)}`, bytes: data })),
  fc.record({ line: CODING, bytes: CHUNKED })
)
const BEHIND = usually([''], ['x', '\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond'])

const ANSWER = fc.record({ interim: INTERIM, status: STATUS, eol: EOL, fields: FIELDS, body: BODY, framingFirst: fc.boolean(), eols: fc.array(EOL, { minLength: 5, maxLength: 5 }), end: EOL, behind: BEHIND })
  .map(({ interim, status, eol, fields, body, framingFirst, eols, end, behind }) => {
    const framing = body.line === '' ? [] : [body.line]
    const lines = framingFirst ? [...framing, ...fields] : [...fields, ...framing]
    return `${interim}${status}${eol}${lines.map((line, i) => line + (eols[i] ?? '\r\n')).join('')}${end}${body.bytes}${behind}`
  })

const SEEDS = ANSWERS.map(({ pieces }) => pieces.join('')).filter(bytes => bytes.length < 1000).map(bytes => Buffer.from(bytes, 'latin1'))
const TOKENS = ['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', ':', '\0', '0', 'ffff', ';', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 3\r\n', 'HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n']

/** Never empty. */
export function answerStreams (): fc.Arbitrary<Buffer> {
  return fc.oneof({ weight: 3, arbitrary: ANSWER.map(text => Buffer.from(text, 'latin1')) }, { weight: 1, arbitrary: damaged(SEEDS, TOKENS, 3) }).filter(bytes => bytes.length > 0)
}
