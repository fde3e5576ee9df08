import { test } from 'tap'
import type { RequestHead, ResponseHead } from '../../../src/http1/message.ts'
import { clientResponseBlock, isForwardedFor, isReplaced, upstreamRequestHead } from '../../../src/proxy/headers.ts'

function requestHead (headers: readonly string[], more: Partial<RequestHead> = {}): RequestHead {
  return { method: 'POST', target: '/as/sent', minorVersion: 1, headers, received: null, host: 'a.test', hostPort: ':9000', framing: 'length', contentLength: 3, keepAlive: true, expectContinue: false, ...more }
}

function forwarded (headers: readonly string[], more: Partial<RequestHead> = {}): string {
  return upstreamRequestHead({ head: requestHead(headers, more), target: '/as/forwarded', clientAddress: '1.2.3.4', requestId: 'id', bodyLength: 7 })
}

function answered (headers: readonly string[], hidden: readonly string[] = []): string {
  const head: ResponseHead = { status: 200, reason: 'OK', minorVersion: 1, headers, framing: 'length', contentLength: 0, keepAlive: true, keepAliveTimeoutMs: null }
  return clientResponseBlock(head, hidden)
}

test('an upstream gets our five fields, then the client\'s in their order, case and number', async t => {
  t.equal(
    forwarded(['X-b', '1', 'A', '2', 'x-B', '3', 'Empty', '']),
    'POST /as/forwarded HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: http\r\nX-Request-Id: id\r\nContent-Length: 7\r\nX-b: 1\r\nA: 2\r\nx-B: 3\r\nEmpty: \r\n\r\n'
  )
})

test('what a client says of its connection, its framing and its way does not reach an upstream, in any case', async t => {
  const names = ['Host', 'Connection', 'Keep-Alive', 'TE', 'Expect', 'Upgrade', 'Transfer-Encoding', 'Content-Length', 'X-Request-Id', 'X-Forwarded-Proto', 'X-Forwarded-For']
  const ours = forwarded([])

  for (const name of names) {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) t.equal(forwarded([written, 'x']), ours, written)
  }
})

test('what only resembles these fields passes', async t => {
  const names = ['Hos', 'Hosts', 'T', 'TEE', 'Expec', 'X-Request-Ix', 'X-Forwarded-Host', 'X-Forwarded-Fo', 'X-Forwarded-Port', 'Content-Lengti', 'Proxy-Connection', 'Trailer', 'Via', 'X-Real-Ip', 'Connectioz', 'Keep-Alivf', 'Upgradf', 'Transfer-Encodinh', 'Cookie', 'Authorization']

  for (const name of names) {
    t.match(forwarded([name, 'x']), `\r\n${name}: x\r\n`, name)
    t.notOk(isReplaced(name) || isForwardedFor(name), name)
  }
})

test('a length is named only if the client framed a body; Host only if it named one', async t => {
  t.match(forwarded([], { framing: 'chunked' }), 'Content-Length: 7')
  t.notMatch(forwarded([], { framing: 'none' }), 'Content-Length')
  t.notMatch(forwarded([], { host: null }), /^Host:/m)
})

test('a client gets an upstream\'s fields without those that are the router\'s own', async t => {
  const names = ['Date', 'Server', 'Connection', 'Keep-Alive', 'Content-Length', 'Transfer-Encoding', 'X-Pad', 'X-Accel-Expires', 'X-Accel-Redirect', 'X-Accel-Limit-Rate', 'X-Accel-Buffering', 'X-Accel-Charset']
  for (const name of names) {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) t.equal(answered([written, 'x']), '', written)
  }
  for (const name of ['X-Accel-Foo', 'X-Accel-Foobars', 'Dat', 'Servers', 'X-Pads', 'Proxy-Connection', 'Trailer', 'A_b', 'Set-Cookie']) t.equal(answered([name, 'x']), `${name}: x\r\n`, name)
  t.equal(answered(['Set-Cookie', 'a', 'Vary', 'b', 'set-cookie', 'c']), 'Set-Cookie: a\r\nVary: b\r\nset-cookie: c\r\n')
})

test('a route hides what it names', async t => {
  t.equal(answered(['Content-Disposition', 'x', 'A', 'b', 'CONTENT-DISPOSITION', 'y'], ['content-disposition']), 'A: b\r\n')
})

test('of several Content-Type the last is passed on, and an empty one not at all', async t => {
  t.equal(answered(['Content-Type', 'a/b', 'A', 'b', 'content-type', 'c/d']), 'A: b\r\ncontent-type: c/d\r\n')
  t.equal(answered(['Content-Type', '']), '')
  t.equal(answered(['Content-Typf', '']), 'Content-Typf: \r\n')
})
