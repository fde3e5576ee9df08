/**
 * Answers of a server that are broken, or meant to be taken for two: what the client
 * gets of each, and whether the connection may serve another request.
 */
export interface AnswerCase {
  readonly name: string
  /** Latin1; pieces are sent some time apart. */
  readonly pieces: readonly string[]
  /** What the server does behind them. */
  readonly after: 'waits' | 'closes' | 'resets'
  readonly method: 'GET' | 'HEAD'
  /** What the client gets: a status, and the body it came with; `cut` when it ends before its framing says so. */
  readonly status: number
  readonly body: string
  readonly cut: boolean
  /** Whether the next request may travel on the same connection. */
  readonly reused: boolean
}

type Options = Partial<Omit<AnswerCase, 'name' | 'pieces'>>

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`
const SECOND = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond'
const HELLO = 'Content-Length: 5\r\n\r\nhello'

export const ANSWERS: readonly AnswerCase[] = [...heads(), ...lengths(), ...chunks(), ...bodyless(), ...interim(), ...ends()]

function passed (name: string, pieces: string | readonly string[], options: Options = {}): AnswerCase {
  return { name, pieces: typeof pieces === 'string' ? [pieces] : pieces, after: 'waits', method: 'GET', status: 200, body: 'hello', cut: false, reused: true, ...options }
}

function faulty (name: string, pieces: string | readonly string[], options: Options = {}): AnswerCase {
  return { ...passed(name, pieces, { reused: false, ...options }), status: 502, body: '' }
}

function once (name: string, pieces: string | readonly string[], options: Options = {}): AnswerCase {
  return passed(name, pieces, { reused: false, ...options })
}

function heads (): AnswerCase[] {
  const lines = [
    'X: a\rSet-Cookie: b', 'X: a\r\r', 'X: a\0b', '\0: a', ' X: a', '\tX: a', 'X : a', ': a', 'X\x01: a', 'X: a\r\n b', 'X: a\r\n\tb', 'X a: b', 'HTTP/1.1 200 OK', 'Content-Length : 5', 'Transfer-Encoding : chunked', 'X\r: a', '\rX: a', 'Transfer-Encoding\t: chunked', 'X\x7f: a'
  ]
  const garbage = ['x', 'hello', '<html>', '\0', '\r\n\r\n', 'HTTP/2.0 200 OK\r\n\r\n', 'HTTP/0.9 200 OK\r\n\r\n', 'HTTP/1.1 20 OK\r\n\r\n', 'HTTP/1.1 2000 OK\r\n\r\n', 'HTTP/1.1 200OK\r\n\r\n', 'HTTP/1.1 099 OK\r\n\r\n', 'http/1.1 200 OK\r\n\r\n', ' HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 O\rK\r\n\r\n', 'HTTP/1.1 200 O\0K\r\n\r\n', 'HTTP/1.1 -200 OK\r\n\r\n', '\x16\x03\x01\x02\x00\x01', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'ICY 200 OK\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n']
  return [
    ...lines.map(line => faulty(`line ${JSON.stringify(line)}`, `${OK}${line}\r\n${HELLO}`)),
    ...lines.map(line => faulty(`line ${JSON.stringify(line)} behind the others`, `${OK}Content-Length: 5\r\n${line}\r\n\r\nhello`)),
    ...garbage.map(bytes => faulty(`garbage ${JSON.stringify(bytes)}`, bytes)),
    passed('lines that end in LF', `HTTP/1.1 200 OK\nX: a\n${HELLO.replaceAll('\r\n', '\n')}`),
    passed('a split that is none: %0d%0a in a value', `${OK}X: a%0d%0aSet-Cookie: b\r\n${HELLO}`),
    faulty('a line without an end', [`${OK}X: `, ...Array<string>(9).fill('a'.repeat(16 * 1024))]),
    faulty('fields without an end', [OK, ...Array<string>(9).fill('X: a\r\n'.repeat(4000))]),
    faulty('a status line without an end', ['HTTP/1.1 200 ', ...Array<string>(9).fill('a'.repeat(16 * 1024))])
  ]
}

function lengths (): AnswerCase[] {
  const bad = ['+5', '-5', '5,5', '5, 5', '0x5', '5 5', 'x', '', '5_0', '5\t', '\t5', '1e1', '99999999999999999999', '5;', '"5"']
  return [
    ...bad.map(value => faulty(`Content-Length ${JSON.stringify(value)}`, `${OK}Content-Length: ${value}\r\n\r\nhello`)),
    passed('a length', `${OK}${HELLO}`),
    passed('two equal lengths', `${OK}Content-Length: 5\r\n${HELLO}`),
    faulty('two different lengths', `${OK}Content-Length: 3\r\n${HELLO}`),
    once('a body longer than its length', `${OK}${HELLO}beyond`),
    once('a whole answer behind the body', `${OK}${HELLO}${SECOND}`),
    once('a whole answer behind the body, later', [`${OK}${HELLO}`, SECOND]),
    once('a byte behind the body, later', [`${OK}${HELLO}`, 'x']),
    once('CRLF behind the body', `${OK}${HELLO}\r\n`),
    once('length and chunked', `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    once('chunked and length', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    once('a coding that is not chunked, and a length', `${OK}Transfer-Encoding: gzip\r\n${HELLO}`),
    once('chunked on HTTP/1.0 with keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'),
    once('two lines of chunked', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    once('obfuscated chunked', `${OK}Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    once('close', `${OK}Connection: close\r\n${HELLO}`),
    once('close among others', `${OK}Connection: keep-alive, Close\r\n${HELLO}`),
    once('HTTP/1.0', `HTTP/1.0 200 OK\r\n${HELLO}`),
    once('no framing', `${OK}\r\nhello`, { after: 'closes' }),
    once('no framing, and what looks like a second answer', `${OK}\r\nhello${SECOND}`, { after: 'closes', body: `hello${SECOND}` }),
    once('no framing, for keep-alive said', `${OK}Connection: keep-alive\r\n\r\nhello`, { after: 'closes' })
  ]
}

function chunks (): AnswerCase[] {
  const bad = ['x\r\n', '-5\r\nhello', '+5\r\nhello', '0x5\r\nhello', '5_\r\nhello', ' 5\r\nhello', '\r\n', '5 x\r\nhello', '5\nhello', '5\rhello', 'ffffffffffffffff\r\nhello', '10000000000000005\r\nhello', '5;\n\r\nhello', '5;\0\r\nhello', `5;${'a'.repeat(9000)}\r\nhello`, `${'0'.repeat(9000)}5\r\nhello`]
  const within = ['hello!', 'hello\n0\r\n\r\n', 'hello\r0\r\n\r\n', 'helloXX0\r\n\r\n', 'hello\r\nx\r\n', 'hello\r\n0\r\n: a\r\n\r\n', 'hello\r\n0\r\nX\r\n\r\n', 'hello\r\n0\r\n X: a\r\n\r\n', 'hello\r\n0\r\n\n', `hello\r\n0\r\nX: ${'a'.repeat(9000)}\r\n\r\n`, `hello\r\n0\r\n${SECOND}`]
  return [
    ...bad.map(body => passed(`chunk ${JSON.stringify(body.slice(0, 20))}`, CHUNKED + body, { body: '', cut: true, reused: false })),
    ...within.map(body => passed(`behind a chunk ${JSON.stringify(body.slice(0, 20))}`, `${CHUNKED}5\r\n${body}`, { cut: true, reused: false })),
    passed('chunks', `${CHUNKED}2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Trailer: Content-Length: 5\r\n\r\n`),
    once('an answer behind the last chunk', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n${SECOND}`),
    once('an answer behind the last chunk, later', [`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, SECOND]),
    once('an extra CRLF behind the last chunk', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n\r\n`)
  ]
}

function bodyless (): AnswerCase[] {
  const none = { body: '' } as const
  return [
    passed('HEAD with a length', `${OK}Content-Length: 5\r\n\r\n`, { ...none, method: 'HEAD' }),
    passed('HEAD with chunked', CHUNKED, { ...none, method: 'HEAD' }),
    once('HEAD with a body', `${OK}${HELLO}`, { ...none, method: 'HEAD' }),
    once('HEAD with a body, later', [`${OK}Content-Length: 5\r\n\r\n`, 'hello'], { ...none, method: 'HEAD' }),
    once('HEAD with an answer for a body', `${OK}Content-Length: ${SECOND.length}\r\n\r\n${SECOND}`, { ...none, method: 'HEAD' }),
    passed('204', 'HTTP/1.1 204 No Content\r\n\r\n', { ...none, status: 204 }),
    once('204 with a body', 'HTTP/1.1 204 No Content\r\n\r\nhello', { ...none, status: 204 }),
    once('204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', { ...none, status: 204 }),
    once('204 with a length and an answer for a body', `HTTP/1.1 204 No Content\r\nContent-Length: ${SECOND.length}\r\n\r\n${SECOND}`, { ...none, status: 204 }),
    once('204 chunked', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', { ...none, status: 204 }),
    passed('304 with the length of what it spares', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', { ...none, status: 304 }),
    once('304 with a body', `HTTP/1.1 304 Not Modified\r\n${HELLO}`, { ...none, status: 304 }),
    passed('205 with length 0', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', { ...none, status: 205 })
  ]
}

function interim (): AnswerCase[] {
  const flood = 'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n'
  return [
    passed('100 before it', `HTTP/1.1 100 Continue\r\n\r\n${OK}${HELLO}`),
    passed('103 and 102 before it, in pieces', ['HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 Proc', 'essing\r\n\r\n', `${OK}${HELLO}`]),
    passed('a length in a 1xx is nothing', `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n${OK}${HELLO}`),
    passed('as many 1xx as may be', flood.repeat(32) + OK + HELLO),
    faulty('a flood of 1xx', flood.repeat(33) + OK + HELLO),
    faulty('a flood of 1xx without an end', Array<string>(5).fill(flood.repeat(20))),
    faulty('101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
    faulty('101 and an answer behind it', `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}${HELLO}`),
    faulty('a bad 1xx', `HTTP/1.1 100 Continue\r\n X: a\r\n\r\n${OK}${HELLO}`),
    faulty('a 1xx and nothing', 'HTTP/1.1 100 Continue\r\n\r\n', { after: 'closes' })
  ]
}

function ends (): AnswerCase[] {
  const whole = `${OK}${HELLO}`
  return [
    ...[1, 9, 16, 17, 18, 30, 36].map(length => faulty(`closed after ${length} bytes`, whole.slice(0, length), { after: 'closes' })),
    ...[1, 17, 36].map(length => faulty(`reset after ${length} bytes`, whole.slice(0, length), { after: 'resets' })),
    once('a body shorter than its length', `${OK}Content-Length: 9\r\n\r\nhello`, { after: 'closes', cut: true }),
    once('a body shorter than its length, reset', [`${OK}Content-Length: 9\r\n\r\nhello`, ''], { after: 'resets', cut: true }),
    once('chunks that end without the last', `${CHUNKED}5\r\nhello\r\n`, { after: 'closes', cut: true }),
    once('chunks that end within one', `${CHUNKED}9\r\nhello`, { after: 'closes', cut: true }),
    once('the last chunk without its last line', `${CHUNKED}5\r\nhello\r\n0\r\n`, { after: 'closes', cut: true }),
    once('closed behind the body', whole, { after: 'closes' })
  ]
}
