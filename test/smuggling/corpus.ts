/**
 * The published ways to make two parsers disagree about where a request ends, one
 * named case each, and what the router must make of it. Sources: "HTTP Desync
 * Attacks" and its sequels (CL.0, TE.0, 0.CL, Expect), "Funky chunks", the trophy
 * list of the HTTP Garden, the mutations of the smuggler and HTTP Request Smuggler
 * tools, and the advisories of llhttp, Go's net/http and their peers.
 *
 * `§` in the bytes is the case's own mark: every request the client could mean has it.
 */
import { CHUNK_CASES } from './corpus-chunks.ts'
import { FUZZ_FINDINGS } from './corpus-findings.ts'
import { ENVELOPE, HOST, lengthOf, post, refused, SMUGGLED, taken, type SmugglingCase } from './corpus-parts.ts'
import { TARGET_CASES } from './corpus-targets.ts'

const CHUNKED_NOTHING = '0\r\n\r\n'

export const CORPUS: readonly SmugglingCase[] = [
  ...bothFramings(),
  ...obfuscatedCodings(),
  ...impliedLengths(),
  ...lengths(),
  ...CHUNK_CASES,
  ...lineEnds(),
  ...names(),
  ...expectations(),
  ...TARGET_CASES,
  ...hopByHop(),
  ...versions(),
  ...pipelines(),
  ...FUZZ_FINDINGS
]

function bothFramings (): SmugglingCase[] {
  const lengthThenCoding = ['Content-Length: 6', 'Transfer-Encoding: chunked']
  return [
    refused('CL.TE', 'a body by length that ends a chunked one early', post(lengthThenCoding, '0\r\n\r\nG') + SMUGGLED),
    refused('CL.TE', 'a whole request behind the last chunk', post([`Content-Length: ${5 + lengthOf(SMUGGLED)}`, 'Transfer-Encoding: chunked'], CHUNKED_NOTHING + SMUGGLED)),
    refused('CL.TE', 'with Connection: close', post([...lengthThenCoding, 'Connection: close'], '0\r\n\r\nG') + SMUGGLED),
    refused('CL.TE', 'with Content-Length: 0', post(['Content-Length: 0', 'Transfer-Encoding: chunked'], '5\r\nabcde\r\n0\r\n\r\n') + SMUGGLED),
    refused('TE.CL', 'a length that ends within the first chunk', post(['Transfer-Encoding: chunked', 'Content-Length: 4'], `${lengthOf(SMUGGLED).toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`)),
    refused('TE.CL', 'in lower case', post(['transfer-encoding: chunked', 'content-length: 4'], `5c\r\n${SMUGGLED}\r\n0\r\n\r\n`)),
    refused('TE.CL', 'on a GET', `GET ${ENVELOPE} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${SMUGGLED}`),
    refused('TE.CL', 'nominated in Connection', post(['Connection: Content-Length', 'Transfer-Encoding: chunked', 'Content-Length: 3'], `0\r\n\r\n${SMUGGLED}`)),
    refused('TE.CL', 'on HTTP/1.0', `POST ${ENVELOPE} HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${SMUGGLED}`)
  ]
}

function obfuscatedCodings (): SmugglingCase[] {
  const body = `0\r\n\r\n${SMUGGLED}`
  const withLength = (line: string): string => post([`Content-Length: ${lengthOf(body)}`, line], body)
  // Read as no framing at all: the length alone counts, and everything behind the head is its body.
  const ignored = [
    'Transfer_Encoding: chunked', 'Transfer-Encoding\x80: chunked', 'Transfer-Encoding\x85: chunked', 'Transfer-Encoding\xa0: chunked', 'Transf\x82r-Encoding: chunked', 'Transfer-%45ncoding: chunked', 'Transfer\\Encoding: chunked', '"Transfer-Encoding": chunked',
    'Content-Encoding: chunked', 'X-Transfer-Encoding: chunked', 'Transfer-Encodings: chunked', 'TransferEncoding: chunked', 'Transfer.Encoding: chunked', 'Transfer-Encoding;: chunked', '\xffTransfer-Encoding: chunked', 'X: X Transfer-Encoding: chunked', 'TE: chunked', 'Trailer: Transfer-Encoding', 'X: \\r\\nTransfer-Encoding: chunked'
  ]
  // Each of them is `chunked` to somebody, or a fault of its own.
  const strange = [
    'chunked, identity', 'identity, chunked', 'identity', 'cow', 'chunked, cow', 'cow, chunked', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'chunked,', ',chunked', ', chunked', 'cow chunked bar', 'identity, chunked, identity', '"chunked"', "'chunked'", 'chunk', 'chunke', 'xchunked', 'chunkedx', 'x-chunked', 'chunked;q=1', 'chunked; ext=val', 'chunked;', 'ch\x96nked', 'chun\x6b\x65d\x00', '',
    '\x85chunked', '\xa0chunked\xa0', '\xffchunked\xff', '\xef\xbb\xbfchunked', 'chunKED\x0b', '[chunked]', '(chunked)', 'chunked#', 'chunked\\', 'chunked chunked', '\tchunked', 'chunked\t', ' \tchunked'
  ]
  const controls = Array.from({ length: 32 }, (_, byte) => String.fromCharCode(byte)).filter(char => char !== ' ').concat('\x7f')
  const malformed = [
    ' Transfer-Encoding: chunked', '\tTransfer-Encoding: chunked', 'Transfer-Encoding : chunked', 'Transfer-Encoding\t: chunked', 'Transfer-Encoding\t:\tchunked', 'Transfer Encoding: chunked', 'Transfer Encoding:chunked', 'Transfer-Encoding x: chunked', 'Transfer-Encoding chunked', 'Transfer-Encoding', 'Transfer-\r\nEncoding: chunked', 'Transfer-Encoding:\r\n chunked', 'Transfer-Encoding:\r\n\tchunked',
    'Transfer-Encoding:\n chunked', 'Transfer-Encoding\n : chunked', 'Transfer-Encoding\r\n : chunked', 'Foo: bar\r\n Transfer-Encoding: chunked', 'Foo: bar\r\n\tTransfer-Encoding: chunked', 'Foo: bar\rTransfer-Encoding: chunked', 'Foo: bar\nTransfer-Encoding: chunked', 'Foo: bar\r\n\rTransfer-Encoding: chunked', 'Tra\rnsfer-Encoding: chunked', 'Transfer-Encoding: \n\x0bchunked', 'X:X\rTransfer-Encoding: chunked',
    'Foo: barn\n\nTransfer-Encoding: chunked', 'Foo: bar\r\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r', 'Transfer-Encoding: chunked\n', 'Foo: a\0\r\nTransfer-Encoding_: chunked', ': x\r\nTransfer-Encoding_: chunked', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', 'Transfer-Encoding: chunked\r\nTransfer-encoding: cow', 'Transfer-Encoding:\r\nTransfer-Encoding: chunked'
  ]
  return [
    ...ignored.map(line => taken('TE.TE', `${JSON.stringify(line)} is no coding`, withLength(line), [['POST', ENVELOPE, body]])),
    ...strange.map(value => refused('TE.TE', `value ${JSON.stringify(value)}`, withLength(`Transfer-Encoding: ${value}`))),
    ...strange.map(value => refused('TE.TE', `value ${JSON.stringify(value)} without a length`, post([`Transfer-Encoding: ${value}`], body))),
    ...controls.flatMap(char => [
      refused('TE.TE', `${JSON.stringify(char)} before the value`, withLength(`Transfer-Encoding:${char}chunked`)),
      refused('TE.TE', `${JSON.stringify(char)} behind the value`, withLength(`Transfer-Encoding: chunked${char}`)),
      refused('TE.TE', `${JSON.stringify(char)} before the name`, withLength(`${char}Transfer-Encoding: chunked`)),
      refused('TE.TE', `${JSON.stringify(char)} behind the name`, withLength(`Transfer-Encoding${char}: chunked`))
    ]),
    ...malformed.map(line => refused('TE.TE', `line ${JSON.stringify(line)}`, withLength(line))),
    ...['Transfer-Encoding:chunked', 'Transfer-Encoding:  chunked', 'TRANSFER-ENCODING: CHUNKED', 'TrAnSFer-EnCODinG: cHuNkeD', 'tRANSFER-ENCODING: chunked  '].map(line => taken('TE.TE', `${JSON.stringify(line)} is chunked`, post([line], '3\r\nabc\r\n0\r\n\r\n'), [['POST', ENVELOPE, 'abc']])),
    ...['Transfer-Encoding:chunked', 'Transfer-Encoding:  chunked', 'TRANSFER-ENCODING: CHUNKED'].map(line => refused('TE.TE', `${JSON.stringify(line)} with a length`, withLength(line))),
    refused('TE.TE', 'on HTTP/1.0', `POST ${ENVELOPE} HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`),
    refused('TE.TE', 'on HTTP/1.00', `POST ${ENVELOPE} HTTP/1.00\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`),
    refused('TE.TE', 'a wrapped line as the first', `POST ${ENVELOPE} HTTP/1.1\r\n Transfer-Encoding: chunked\r\n${HOST}X-Blah-Ignore: chunked\r\n\r\n${body}`)
  ]
}

/** One side takes the body for none, or none for a body. What travels on says its length itself. */
function impliedLengths (): SmugglingCase[] {
  const methods = ['POST', 'PUT', 'GET', 'DELETE', 'OPTIONS', 'PATCH']
  return [
    ...methods.map(method => taken('CL.0', `${method} with a request as its body`, `${method} ${ENVELOPE} HTTP/1.1\r\n${HOST}Content-Length: ${lengthOf(SMUGGLED)}\r\n\r\n${SMUGGLED}`, [[method, ENVELOPE, SMUGGLED]])),
    ...methods.map(method => taken('TE.0', `${method} with a request as its chunk`, `${method} ${ENVELOPE} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${lengthOf(SMUGGLED).toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`, [[method, ENVELOPE, SMUGGLED]])),
    ...methods.map(method => taken('0.CL', `${method} without a framing, and a request behind it`, `${method} ${ENVELOPE} HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`, [[method, ENVELOPE, ''], ['GET', '/smuggled?§', '']])),
    taken('0.CL', 'Content-Length: 0 and a request behind it', post(['Content-Length: 0'], SMUGGLED), [['POST', ENVELOPE, ''], ['GET', '/smuggled?§', '']]),
    ...['Content-Length : 7', 'Content-Length\t: 7', ' Content-Length: 7', 'Foo: bar\r\n Content-Length: 7', 'Content-Length:\r\n 7', 'Foo: bar\rContent-Length: 7', 'Foo: bar\nContent-Length: 7', 'Content-Length 7', 'Content-\r\nLength: 7', '\0Content-Length: 7'].map(line => refused('0.CL', `hidden by ${JSON.stringify(line)}`, post([line], SMUGGLED))),
    ...['Content_Length: 7', 'Content-Length\x85: 7', 'Content-Length\xa0: 7', 'Content.Length: 7', 'X-Content-Length: 7'].map(line => taken('0.CL', `${JSON.stringify(line)} is no length`, post([line], SMUGGLED), [['POST', ENVELOPE, ''], ['GET', '/smuggled?§', '']])),
    taken('CL.0', 'to a path that a server redirects', `POST /api/1/envelope?§ HTTP/1.1\r\n${HOST}Content-Length: ${lengthOf(SMUGGLED)}\r\n\r\n${SMUGGLED}`, [['POST', '/api/1/envelope?§', SMUGGLED]]),
    taken('CL.0', 'with Connection: Content-Length', post(['Connection: Content-Length', `Content-Length: ${lengthOf(SMUGGLED)}`], SMUGGLED), [['POST', ENVELOPE, SMUGGLED]])
  ]
}

function lengths (): SmugglingCase[] {
  const values = ['+3', '-3', '-0', '3 3', '3\t', '\t3', '3,3', '3, 3', '3, 3, 3', '3, 4', '3;', '0x3', '0X3', '0o3', '0b11', '3_0', '3.0', '3e0', '1e1', '"3"', "'3'", '3\0', '3\x0b', '3\x0c', '\x0b3', '3\x85', '\xa03', '', ' ', 'abc', 'Z3', '3Z', '18446744073709551619', '18446744073709551616', '9223372036854775808', '-9223372036854775808', '4294967299x', '99999999999999999999999999', 'chunked', '3,', ',3', '3 ,3', 'NaN', 'Infinity']
  const pairs: [string, string][] = [['3', '3'], ['3', '4'], ['4', '3'], ['0', '3'], ['3', '0'], ['', '3'], ['3', ''], ['3', ' 3'], ['3', 'chunked']]
  return [
    ...values.map(value => refused('length', `Content-Length ${JSON.stringify(value)}`, post([`Content-Length: ${value}`], `abc${SMUGGLED}`))),
    ...pairs.map(([one, other]) => refused('length', `two, ${JSON.stringify(one)} and ${JSON.stringify(other)}`, post([`Content-Length: ${one}`, `content-length: ${other}`], `abc${SMUGGLED}`))),
    ...['4294967296', '4294967299', '9223372036854775807', '104857601'].map(value => refused('length', `a length of ${value} is refused before its body`, post([`Content-Length: ${value}`], `abc${SMUGGLED}`))),
    ...['03', '003', '00000000000000000003', '3  ', '  3'].map(value => taken('length', `Content-Length ${JSON.stringify(value)} is written anew`, post([`Content-Length: ${value}`], `abc${SMUGGLED}`), [['POST', ENVELOPE, 'abc'], ['GET', '/smuggled?§', '']])),
    taken('length', 'Content-Length 010 is ten and not eight', post(['Content-Length: 010'], `01234567GE${SMUGGLED}`), [['POST', ENVELOPE, '01234567GE'], ['GET', '/smuggled?§', '']])
  ]
}

function lineEnds (): SmugglingCase[] {
  const line = `POST ${ENVELOPE} HTTP/1.1`
  const bad: [string, string][] = [
    ['every line ends in LF', `${line}\nHost: a\nContent-Length: 0\n\n${SMUGGLED}`],
    ['the request line ends in LF', `${line}\n${HOST}Content-Length: 0\r\n\r\n${SMUGGLED}`],
    ['the request line ends in CR', `${line}\r${HOST}Content-Length: 0\r\n\r\n${SMUGGLED}`],
    ['a header line ends in LF', `${line}\r\nHost: a\nContent-Length: 0\r\n\r\n${SMUGGLED}`],
    ['a header line ends in CR', `${line}\r\nHost: a\rContent-Length: 0\r\n\r\n${SMUGGLED}`],
    ['the head ends in LF LF', `${line}\r\nHost: a\r\nContent-Length: 0\n\n${SMUGGLED}`],
    ['the head ends in CRLF LF', `${line}\r\nHost: a\r\nContent-Length: 0\r\n\n${SMUGGLED}`],
    ['the head ends in LF CRLF', `${line}\r\nHost: a\r\nContent-Length: 0\n\r\n${SMUGGLED}`],
    ['the head ends in CRLF CR', `${line}\r\nHost: a\r\nContent-Length: 0\r\n\rZ${SMUGGLED}`],
    ['the head ends in CR CR', `${line}\r\nHost: a\r\nContent-Length: 0\r\r${SMUGGLED}`],
    ['CR CR LF', `${line}\r\nHost: a\r\r\nContent-Length: 0\r\n\r\n${SMUGGLED}`],
    ['an empty line of a space', `${line}\r\nHost: a\r\n \r\nContent-Length: 0\r\n\r\n${SMUGGLED}`],
    ['a CR in a value', `${line}\r\nHost: a\r\nX: a\rb\r\n\r\n${SMUGGLED}`],
    ['a request behind a CR in a value', `${line}\r\nHost: a\r\nX: a\r\rGET /smuggled?§ HTTP/1.1\rHost: a\r\r\r\n\r\n`],
    ['a request behind LF LF in a value', `${line}\r\nHost: a\r\nUseless:\n\nGET /smuggled?§ HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['a NUL and a CR in a value', `${line}\r\nHost: a\r\nX: v\0\ralue\r\n\r\n${SMUGGLED}`],
    ['a NUL in a value', `${line}\r\nHost: a\r\nX: a\0b\r\n\r\n${SMUGGLED}`],
    ['a folded value', `${line}\r\nHost: a\r\nX: a\r\n b\r\n\r\n${SMUGGLED}`],
    ['a value folded by TAB', `${line}\r\nHost: a\r\nX: a\r\n\tContent-Length: 5\r\n\r\n${SMUGGLED}`],
    ['a value folded by LF', `${line}\r\nHost: a\r\nX: a\n b\r\n\r\n${SMUGGLED}`],
    ['a folded request line', `${line}\r\n ${HOST}\r\n${SMUGGLED}`],
    ['a folded Host', `${line}\r\nHost:\r\n a\r\n\r\n${SMUGGLED}`],
    ['a folded Content-Length', `${line}\r\nHost: a\r\nContent-Length: 1\r\n 0\r\n\r\n0123456789${SMUGGLED}`],
    ['LF between the parts of the request line', `POST ${ENVELOPE}\nHTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['two spaces in the request line', `POST  ${ENVELOPE} HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['a space behind the version', `${line} \r\n${HOST}\r\n${SMUGGLED}`],
    ['a TAB in the request line', `POST\t${ENVELOPE}\tHTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['a VT in the request line', `POST\x0b${ENVELOPE} HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`]
  ]
  const values = ['a\x01b', 'a\x7fb', 'a\x0bb', 'a\x0cb', 'a\x1fb', 'a\tb', '\ta', 'a\t', 'a\x80', 'a\x85GET', 'a\u00ff']
  return [
    ...bad.map(([name, bytes]) => refused('line ends', name, bytes)),
    ...values.map(value => taken('line ends', `value ${JSON.stringify(value)} is a value`, post([`X: ${value}`, 'Content-Length: 3'], 'abc'), [['POST', ENVELOPE, 'abc']], { strictRefuses: /[^\t\x20-\x7e\x80-\xff]/.test(value) })),
    taken('line ends', 'empty lines before the request', `\r\n\r\n${post(['Content-Length: 3'], 'abc')}`, [['POST', ENVELOPE, 'abc']]),
    taken('line ends', 'empty lines between requests', `${post(['Content-Length: 3'], 'abc')}\r\n\r\n${SMUGGLED}`, [['POST', ENVELOPE, 'abc'], ['GET', '/smuggled?§', '']])
  ]
}

function names (): SmugglingCase[] {
  const bad = [':', ': a', ':\r\nI: am cut', ' X: a', 'X : a', 'X\t: a', 'X', 'X a', 'X a: b', '\x01X: a', 'X\x01: a', 'X\0: a', 'X\x7f: a', 'X\x0b: a', 'X\r: a', '\rX: a', 'GET /smuggled?§ HTTP/1.1', 'Content-Length', 'Content-Length:3 \0', '\x1bHost: b']
  const dropped = ['X_Y: a', 'X.Y: a', 'X(Y): a', '"X": a', 'X@: a', '{X}: a', 'X\x80: a', '\xefX: a', 'Host_: b', 'host\xa0: b', 'Content-Length[]: 9', 'X\\: a', 'X/Y: a', 'X,Y: a', 'X;Y: a', 'X=Y: a', 'X<: a', 'X?: a', '!: a', '~: a']
  return [
    ...bad.map(line => refused('names', `line ${JSON.stringify(line)}`, post([line, 'Content-Length: 3'], `abc${SMUGGLED}`))),
    ...dropped.map(line => taken('names', `${JSON.stringify(line)} goes no further`, post([line, 'Content-Length: 3'], 'abc'), [['POST', ENVELOPE, 'abc']], { absent: line.slice(0, line.indexOf(':') + 1) })),
    refused('names', 'two of Host', `POST ${ENVELOPE} HTTP/1.1\r\n${HOST}Host: b\r\n\r\n${SMUGGLED}`),
    refused('names', 'no Host', `POST ${ENVELOPE} HTTP/1.1\r\n\r\n${SMUGGLED}`)
  ]
}

function expectations (): SmugglingCase[] {
  const length = `Content-Length: ${lengthOf(SMUGGLED)}`
  return [
    taken('Expect', 'with its body at once', post(['Expect: 100-continue', length], SMUGGLED), [['POST', ENVELOPE, SMUGGLED]], { absent: 'Expect:' }),
    taken('Expect', 'with chunks at once', post(['Expect: 100-continue', 'Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'), [['POST', ENVELOPE, 'abc']], { absent: 'Expect:' }),
    taken('Expect', 'without a body, and a request behind it', `GET ${ENVELOPE} HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n\r\n${SMUGGLED}`, [['GET', ENVELOPE, ''], ['GET', '/smuggled?§', '']], { absent: 'Expect:' }),
    taken('Expect', 'with a body that never comes', post(['Expect: 100-continue', 'Content-Length: 9'], ''), [], { incomplete: true }),
    taken('Expect', 'with half a body', post(['Expect: 100-continue', 'Content-Length: 9'], 'abc'), [], { incomplete: true }),
    ...['100-continuE', 'x 100-continue', '100-continue, x', 'x', '', '100-continue\t', '\t100-continue', 'y 100-continue', '200-ok', '100'].map(value => taken('Expect', `value ${JSON.stringify(value)} goes no further`, post([`Expect: ${value}`, length], SMUGGLED), [['POST', ENVELOPE, SMUGGLED]], { absent: 'Expect:' })),
    refused('Expect', 'two of them', post(['Expect: 100-continue', 'Expect: 100-continue', length], SMUGGLED)),
    refused('Expect', 'two different ones', post(['Expect: x', 'expect: 100-continue', length], SMUGGLED)),
    refused('Expect', 'obfuscated by a line', post(['Expect:\r\n 100-continue', length], SMUGGLED)),
    refused('Expect', 'with both framings', post(['Expect: 100-continue', length, 'Transfer-Encoding: chunked'], SMUGGLED)),
    refused('Expect', 'too large a body, and a request in its place', post(['Expect: 100-continue', 'Content-Length: 104857601'], SMUGGLED)),
    refused('Expect', 'answered without its body, which a client may now leave out', `POST /gone?§ HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n${length}\r\n\r\n${SMUGGLED}`),
    taken('Expect', 'on HTTP/1.0', `POST ${ENVELOPE} HTTP/1.0\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc${SMUGGLED}`, [['POST', ENVELOPE, 'abc']], { absent: 'Expect:' })
  ]
}

function hopByHop (): SmugglingCase[] {
  const kept: [string, string][] = [['Content-Length', ''], ['X-Sentry-Auth', 'X-Sentry-Auth: Sentry §'], ['Host', ''], ['Cookie', 'Cookie: a=§'], ['X-Forwarded-For', ''], ['Authorization', 'Authorization: §'], ['Content-Type', 'Content-Type: a/b']]
  return [
    ...kept.map(([name, line]) => taken('hop-by-hop', `Connection: ${name} takes nothing away`, post([`Connection: close, ${name}`, ...(line === '' ? [] : [line]), 'Content-Length: 3'], `abc${SMUGGLED}`), [['POST', ENVELOPE, 'abc']], { present: line === '' ? name : line, absent: 'Connection:' })),
    taken('hop-by-hop', 'Connection: Transfer-Encoding', post(['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n'), [['POST', ENVELOPE, 'abc']], { absent: 'Transfer-Encoding' }),
    taken('hop-by-hop', 'Connection: close ends what follows', post(['Connection: close', 'Content-Length: 3'], `abc${SMUGGLED}`), [['POST', ENVELOPE, 'abc']]),
    taken('hop-by-hop', 'close beside keep-alive ends it, too', post(['Connection: keep-alive, close', 'Content-Length: 3'], `abc${SMUGGLED}`), [['POST', ENVELOPE, 'abc']]),
    taken('hop-by-hop', 'Keep-Alive, TE, Upgrade and Trailer', post(['Connection: keep-alive, TE, Upgrade', 'Keep-Alive: timeout=9', 'TE: trailers, chunked', 'Upgrade: x', 'Content-Length: 3'], 'abc'), [['POST', ENVELOPE, 'abc']], { absent: 'Upgrade:' }),
    taken('upgrade', 'h2c', post(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA', 'Content-Length: 0'], SMUGGLED), [['POST', ENVELOPE, ''], ['GET', '/smuggled?§', '']], { absent: 'Upgrade:' }),
    taken('upgrade', 'a WebSocket', `GET ${ENVELOPE} HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n${SMUGGLED}`, [['GET', ENVELOPE, ''], ['GET', '/smuggled?§', '']], { absent: 'Upgrade:' }),
    refused('upgrade', 'HTTP/2 with prior knowledge', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SMUGGLED}`),
    taken('method', 'an override is a field like others', post(['X-HTTP-Method-Override: DELETE', 'X-Method-Override: PUT', 'X-HTTP-Method: GET', 'Content-Length: 3'], 'abc'), [['POST', ENVELOPE, 'abc']])
  ]
}

function versions (): SmugglingCase[] {
  return [
    refused('version', 'HTTP/0.9', `GET ${ENVELOPE}\r\n${SMUGGLED}`),
    refused('version', 'HTTP/0.9, spelt out', `GET ${ENVELOPE} HTTP/0.9\r\n${HOST}\r\n${SMUGGLED}`),
    ...['HTTP/2.0', 'HTTP/1', 'HTTP/1.', 'HTTP/1.1x', 'http/1.1', 'HTTP/01.1', 'HTTP/\r\r1.1', 'HTTP/1.1\0', 'HTTP/-1.1', 'HTTP/4294967297.1', 'HTTP/1.4294967297', 'HTTP /1.1', 'HTTP/1,1', 'XHTTP/1.1'].map(version => refused('version', JSON.stringify(version), `GET ${ENVELOPE} ${version}\r\n${HOST}\r\n${SMUGGLED}`)),
    ...['get', 'Get', 'G@T', 'G\0T', 'GET\x0b', '"GET"', 'GET:', '\xc7ET', 'G=":<>(e),[T];?"'].map(method => refused('method', JSON.stringify(method), `${method} ${ENVELOPE} HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`)),
    refused('method', 'TRACE', `TRACE ${ENVELOPE} HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`),
    refused('method', 'CONNECT', `CONNECT b.test:80 HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`),
    refused('method', 'CONNECT to a path', `CONNECT ${ENVELOPE} HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`),
    taken('method', 'one that nobody knows', `SMUGGLE ${ENVELOPE} HTTP/1.1\r\n${HOST}Content-Length: ${lengthOf(SMUGGLED)}\r\n\r\n${SMUGGLED}`, [['SMUGGLE', ENVELOPE, SMUGGLED]], { strictRefuses: true })
  ]
}

/** Whatever follows a request that cannot be read is not read. */
function pipelines (): SmugglingCase[] {
  const first = post(['Content-Length: 3'], 'abc')
  const faults: [string, string][] = [
    ['a bad request line', `GET /smuggled?§ HTTP/1.1 x\r\n${HOST}\r\n${SMUGGLED}`],
    ['a bad header line', `GET /smuggled?§ HTTP/1.1\r\n${HOST}X\r\n\r\n${SMUGGLED}`],
    ['a bad path', `GET /smuggled/%zz?§ HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['an unknown coding', `POST /smuggled?§ HTTP/1.1\r\n${HOST}Transfer-Encoding: x\r\n\r\n${SMUGGLED}`],
    ['a bad chunk', `POST /smuggled?§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nINVALID\r\n${SMUGGLED}`],
    ['a bad chunk behind a good one', `POST /smuggled?§ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nx\r\n${SMUGGLED}`],
    ['too large a body', `POST /smuggled?§ HTTP/1.1\r\n${HOST}Content-Length: 104857601\r\n\r\n${SMUGGLED}`],
    ['too long a line', `GET /smuggled?§${'a'.repeat(9000)} HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['too large a head', `GET /smuggled?§ HTTP/1.1\r\n${HOST}${`A: ${'b'.repeat(1000)}\r\n`.repeat(40)}\r\n${SMUGGLED}`],
    ['TRACE', `TRACE /smuggled?§ HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['garbage', `\x16\x03\x01\x02\x00${SMUGGLED}`]
  ]
  return [
    ...faults.map(([name, bytes]) => taken('pipeline', `${name} behind a request`, first + bytes, [['POST', ENVELOPE, 'abc']], { refusal: true })),
    taken('pipeline', 'three requests', first + SMUGGLED + first, [['POST', ENVELOPE, 'abc'], ['GET', '/smuggled?§', ''], ['POST', ENVELOPE, 'abc']]),
    taken('pipeline', 'half a request behind one', `${first}GET /smuggled?§ HTTP/1.1\r\nHost:`, [['POST', ENVELOPE, 'abc']]),
    taken('pipeline', 'half a body behind a request', `${first}POST /smuggled?§ HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nabc`, [['POST', ENVELOPE, 'abc']])
  ]
}
