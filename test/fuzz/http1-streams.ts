/** Request streams for the fuzzers: each part is right most of the time, and else one of the ways to get it wrong. */
import * as fc from 'fast-check'
import { CORPUS } from '../smuggling/corpus.ts'
import { marked } from '../smuggling/corpus-parts.ts'
import { damaged } from '../helpers/fuzz.ts'

export const EOL = usually(['\r\n'], ['\n', '\r', '\r\r\n', '\n\r', '\r\n ', '', '\r\n\r\n', '\0\r\n'], 60)
const SPACES = usually([' '], ['', '  ', '\t', '\x0b', '\r', '\n', '\xa0'], 60)

/** One of `right`, and once in `oneIn` one of `wrong`. */
export function usually (right: readonly string[], wrong: readonly string[], oneIn = 15): fc.Arbitrary<string> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) })
}

const METHOD = usually(['GET', 'POST', 'PUT', 'OPTIONS', 'DELETE'], ['get', 'G T', 'TRACE', 'CONNECT', 'SMUGGLE', 'GET\0', '', 'PRI', 'M-SEARCH', 'G_T'])
const TARGET = usually(
  ['/', '/a?b=c', '/api/1/envelope/?x', '/x/%41/..//y', '/%0d%0aX:%201?y', 'http://b.test/z', '/é'],
  ['*', 'b.test:80', 'http://', 'http://u@b.test/', '/%00', '/%zz', '/../', '/a b', '/a\tb', '/\x7f', '//', 'http://b.test?q', 'x+y://b.test/', '/#x', '/%', '']
)
const VERSION = usually(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'], ['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', 'HTTP/1', '', 'HTTP/1.01'])
const HOST = usually(['Host: a', 'host:a', 'Host: a:80', 'Host:  a  '], ['Host: a b', 'Host : a', 'Host:', 'Host: a\r\nHost: b', 'X: y', 'Host: a/b', 'Host: [::1', 'Host: u@a', ' Host: a', 'Host: a\0'], 25)
const OTHERS = fc.array(usually(
  ['X: y', 'X:', 'X: a:b', 'Cookie: a=b', 'Accept: */*', 'X-Forwarded-For: 1.2.3.4', 'Connection: keep-alive', 'TE: trailers', 'X: \xe4', 'X_Y: z'],
  ['Connection: close', 'Connection: Content-Length', 'Upgrade: h2c', 'Connection: Upgrade', 'Expect: 100-continue', 'Expect: x', 'X : y', ': y', 'X', ' X: y', 'X: a\rb', 'X: a\0b', 'X: a\x01b', 'X\x01: y', 'X(: y', '\xff: y', 'X: y\n', 'Trailer: x', 'X: y\t', 'Range: bytes=0-1', 'Transfer-Encoding_: chunked', 'Content-Length\xa0: 3'],
  8
), { maxLength: 3 })

const LENGTH_NAME = usually(['Content-Length: ', 'content-length:', 'Content-Length:  '], ['Content-Length : ', 'Content_Length: ', 'Content-Length:\t', 'Content-Length:\r\n ', ' Content-Length: ', 'Content-Length: 0\r\nContent-Length: '], 25)
const CODING = usually(
  ['Transfer-Encoding: chunked', 'transfer-encoding:Chunked', 'Transfer-Encoding:  chunked '],
  ['Transfer-Encoding: chunked, identity', 'Transfer-Encoding: identity, chunked', 'Transfer-Encoding:\tchunked', 'Transfer-Encoding : chunked', 'Transfer_Encoding: chunked', 'Transfer-Encoding: xchunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 3', 'Content-Length: 3\r\nTransfer-Encoding: chunked', 'Transfer-Encoding:\r\n chunked', 'Transfer-Encoding:', 'Transfer-Encoding: "chunked"', 'X: y\nTransfer-Encoding: chunked', 'Transfer-Encoding\0: chunked'],
  15
)
export const DATA = fc.oneof(fc.constantFrom('', 'abc', 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n', '0\r\n\r\n', '\r\n\r\n', '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'), fc.uint8Array({ maxLength: 30 }).map(bytes => Buffer.from(bytes).toString('latin1')))
const EXTENSION = usually(['', '', '', ';a', ';a=b', ';a="b;c"', ' ', ' ;a'], [';\n', ';a\r', '\n', '\t', ';\0', ' x', ';a="\r\n"', ';\x7f', ';\xff', ','], 20)
const SIZE = usually(['right', 'right', 'right', 'capitals', 'zeros'], ['more', 'less', '0x', '+', '-', '_', 'overflow', 'none', 'space'], 40)
const TRAILERS = usually(['', '', '', 'X: y\r\n', 'Content-Length: 5\r\n', 'X:\r\n'], ['X\r\n', ' X: y\r\n', ': y\r\n', 'X: a\nb\r\n', 'GET / HTTP/1.1\r\n', 'X: \0\r\n', 'X\x01: y\r\n', '\n'], 15)

function sizeLine (size: number, how: string): string {
  const hex = size.toString(16)
  switch (how) {
    case 'capitals': return hex.toUpperCase()
    case 'zeros': return `000${hex}`
    case 'more': return (size + 1).toString(16)
    case 'less': return Math.max(0, size - 1).toString(16)
    case 'overflow': return `1000000000000000${hex}`
    case 'none': return ''
    case 'space': return ` ${hex}`
    case 'right': return hex
    default: return how + hex
  }
}

const CHUNK = fc.record({ data: DATA.filter(data => data !== ''), how: SIZE, extension: EXTENSION, eol: EOL, end: EOL })
export const CHUNKED = fc.record({ chunks: fc.array(CHUNK, { maxLength: 3 }), last: usually(['0'], ['00', '', '0x0', '-0', '0 0'], 30), extension: EXTENSION, eol: EOL, trailers: TRAILERS, end: EOL })
  .map(({ chunks, last, extension, eol, trailers, end }) =>
    chunks.map(chunk => sizeLine(chunk.data.length, chunk.how) + chunk.extension + chunk.eol + chunk.data + chunk.end).join('') + last + extension + eol + trailers + end)

const BODY = fc.oneof(
  fc.constant({ line: '', bytes: '' }),
  fc.record({ name: LENGTH_NAME, data: DATA, off: fc.oneof({ weight: 14, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1, 5)), value: usually(['', '', '0'], ['+', '-', '0x', ' 1', '1,', '\t'], 25) })
    .map(({ name, data, off, value }) => ({ line: `${name}${value}${Math.max(0, data.length + off)}`, bytes: data })),
  fc.record({ line: CODING, bytes: CHUNKED })
)

const REQUEST = fc.record({ method: METHOD, one: SPACES, target: TARGET, two: SPACES, version: VERSION, eol: EOL, host: HOST, others: OTHERS, body: BODY, framingFirst: fc.boolean(), eols: fc.array(EOL, { minLength: 5, maxLength: 5 }), end: EOL })
  .map(({ method, one, target, two, version, eol, host, others, body, framingFirst, eols, end }) => {
    const framing = body.line === '' ? [] : [body.line]
    const lines = framingFirst ? [...framing, host, ...others] : [host, ...others, ...framing]
    return `${method}${one}${target}${two}${version}${eol}${lines.map((line, i) => line + (eols[i] ?? '\r\n')).join('')}${end}${body.bytes}`
  })

const SEEDS = CORPUS.filter(({ bytes }) => bytes.length < 1000).map(({ bytes }) => Buffer.from(marked(bytes, 7), 'latin1'))
const TOKENS = ['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', ':', '\0', '0', 'ffff', ';', ',', 'chunked', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 3\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', '%0d%0a']

/** Never empty. */
export function requestStreams (): fc.Arbitrary<Buffer> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.array(REQUEST, { minLength: 1, maxLength: 3 }).map(parts => Buffer.from(parts.join(''), 'latin1')) },
    { weight: 1, arbitrary: damaged(SEEDS, TOKENS, 3) }
  ).filter(bytes => bytes.length > 0)
}
