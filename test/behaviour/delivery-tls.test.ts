/** An https endpoint is verified: whom it is, against what is configured. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer, type Server as TlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { test, type Test } from 'tap'
import type { MirrorConfig } from '../../src/config/config.ts'
import { fileBody, memoryBody, startMirror } from '../helpers/copies.ts'

const FIXTURES = new URL('../fixtures/tls/', import.meta.url)
const [key = '', certificate = '', expired = '', notYetValid = '', issued = '', authority = ''] = await Promise.all(
  ['key', 'certificate', 'expired', 'not-yet-valid', 'issued', 'authority'].map(name => readFile(new URL(`${name}.pem`, FIXTURES), 'utf8'))
)

interface TlsEndpoint { readonly url: URL, readonly names: string[], readonly received: () => number, readonly resumed: () => number, readonly server: TlsServer }

/** Answers 200 to whatever has come 20 ms after the last byte. */
async function startTlsEndpoint (t: Test, options: TlsOptions = {}): Promise<TlsEndpoint> {
  const names: string[] = []
  let received = 0
  let resumed = 0
  const server = createServer({ key, cert: certificate, ...options }, (socket: TLSSocket) => {
    if (socket.isSessionReused()) resumed++
    names.push((socket as TLSSocket & { servername?: string | false }).servername || 'none')
    let timer: NodeJS.Timeout | undefined
    socket.on('data', chunk => {
      received += chunk.length
      clearTimeout(timer)
      timer = setTimeout(() => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') }, 20)
    })
  })
  return { url: await listen(t, server), names, received: () => received, resumed: () => resumed, server }
}

async function listen (t: Test, server: Server): Promise<URL> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket: Socket) => { socket.on('error', () => {}) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const NEVER_AGAIN = { initialMs: 60_000, maxMs: 60_000 }

for (const [what, options, endpointOptions] of [
  ['a certificate nobody vouches for', {}, {}],
  ['a certificate of an authority that is not known', { cert: issued }, {}],
  ['a certificate of another authority than the one in ca', { cert: issued }, { ca: certificate }],
  ['a certificate that has expired', { cert: expired }, { ca: expired }],
  ['a certificate that is not valid yet', { cert: notYetValid }, { ca: notYetValid }],
  ['a certificate for another name', { cert: issued }, { ca: authority, host: 'other.example.test' }],
  ['a certificate for another address', { cert: issued }, { ca: authority, host: '127.0.0.2' }],
  ['TLS 1.1', { cert: issued, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }, { ca: authority }]
] as const satisfies readonly (readonly [string, TlsOptions, Partial<MirrorConfig>])[]) {
  test(`${what} is refused: counted as tls, nothing is sent, and the copy waits`, async t => {
    const endpoint = await startTlsEndpoint(t, options)
    const { keep, attempts, spool, unaccounted } = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url, ...endpointOptions }, retry: NEVER_AGAIN })

    keep()
    await attempts.atLeast(1)

    t.strictSame(attempts.all, ['tls'])
    t.equal(endpoint.received(), 0)
    t.equal(spool.stats().pending, 1)
    t.equal(unaccounted(), 0)
  })
}

test('with its authority in ca it is accepted, by the name in Host, whatever address is dialled', async t => {
  const endpoint = await startTlsEndpoint(t)
  const { keep, ended } = startMirror(t, { port: 0, concurrency: 1, endpoint: { endpoint: endpoint.url, ca: certificate, host: 'endpoint.example.test:8443' } })
  const file = `${t.testdir({ body: 'x'.repeat(500_000) })}/body`

  keep({ body: memoryBody(Buffer.alloc(400_000)) })
  keep({ body: fileBody(file, 500_000) })
  await ended.atLeast(2)

  t.strictSame(ended.all, ['delivered', 'delivered'])
  t.ok(endpoint.received() > 900_000)
  t.strictSame(endpoint.names, ['endpoint.example.test'], 'one connection, with the name and not the port')
})

for (const [host, name] of [['endpoint.example.test', 'endpoint.example.test'], ['127.0.0.1:8443', 'none'], ['[::1]:8443', 'none'], ['[::1]', 'none']] as const) {
  test(`an authority in ca vouches for ${host}, and the name that is asked for is ${name}`, async t => {
    const endpoint = await startTlsEndpoint(t, { cert: issued })
    const { keep, ended, attempts } = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url, ca: authority, host } })

    keep()
    await ended.atLeast(1)

    t.strictSame(attempts.all, ['200'])
    t.strictSame(endpoint.names, [name], 'RFC 6066 section 3: an address is no name')
  })
}

test('every connection is verified anew: a certificate that became bad is found out by the next one', async t => {
  const endpoint = await startTlsEndpoint(t)
  const { keep, ended, attempts } = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url, ca: `${certificate}${expired}` }, retry: NEVER_AGAIN })
  const open: Socket[] = []
  endpoint.server.on('secureConnection', (socket: Socket) => { open.push(socket) })
  const closeAll = async (): Promise<void> => {
    await Promise.all(open.splice(0).map(socket => {
      const closed = once(socket, 'close')
      socket.end()
      return closed
    }))
  }
  for (let i = 1; i <= 2; i++) {
    keep()
    await ended.atLeast(i)
    await closeAll()
  }

  endpoint.server.setSecureContext({ key, cert: expired })
  keep()
  await attempts.atLeast(3)

  t.strictSame(attempts.all, ['200', '200', 'tls'])
  t.equal(endpoint.resumed(), 0)
})

/** The first bytes of a handshake record that does not go on. */
const HALF_HELLO = Buffer.from([0x16, 0x03, 0x03, 0x00, 0x7a, 0x02])

for (const [what, code, misbehave] of [
  ['closes in the handshake', 'reset', socket => { socket.once('data', () => { socket.end() }) }],
  ['resets in the handshake', 'reset', socket => { socket.once('data', () => { socket.resetAndDestroy() }) }],
  ['closes before the handshake', 'reset', socket => { socket.end() }],
  ['stops in the middle of the handshake', 'timeout', socket => { socket.once('data', () => { socket.write(HALF_HELLO) }) }],
  ['answers in plain text', 'tls', socket => { socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }],
  ['answers with an alert', 'tls', socket => { socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])) }]
] as const satisfies readonly (readonly [string, string, (socket: Socket) => void])[]) {
  test(`an endpoint that ${what}: counted as ${code}, tried again, delivered once`, async t => {
    const endpoint = await startTlsEndpoint(t, { cert: issued })
    let isFirst = true
    // In front of the endpoint, so that one connection meets the fault and the next does not.
    const url = await listen(t, createTcpServer(socket => {
      if (isFirst) {
        isFirst = false
        misbehave(socket)
        return
      }
      const inner = connect(Number(endpoint.url.port), '127.0.0.1')
      inner.on('error', () => {})
      socket.pipe(inner).pipe(socket)
    }))
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port: 0, endpoint: { endpoint: url, ca: authority, connectTimeoutMs: 500 } })

    keep()
    await ended.atLeast(1)

    t.strictSame(attempts.all, [code, '200'])
    t.equal(unaccounted(), 0)
  })
}

for (const [what, leave] of [['closes', (socket: Socket) => { socket.end() }], ['resets', (socket: Socket) => { socket.destroy() }]] as const) {
  test(`an endpoint that ${what} after the handshake: counted as reset, tried again`, async t => {
    const endpoint = await startTlsEndpoint(t, { cert: issued })
    endpoint.server.once('secureConnection', leave)
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url, ca: authority } })

    keep()
    await ended.atLeast(1)

    t.strictSame(attempts.all, ['reset', '200'])
    t.equal(unaccounted(), 0)
  })
}

test('a refusal that comes before the body is there is read over TLS as well, though the endpoint leaves at once', async t => {
  const endpoint = await startTlsEndpoint(t, { cert: issued })
  endpoint.server.removeAllListeners('secureConnection')
  endpoint.server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.pause()
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge', () => { socket.destroy() })
    })
  })
  const { keep, ended, attempts, unaccounted } = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url, ca: authority }, maxBytes: 256 * 1024 * 1024, concurrency: 2 })
  const file = `${t.testdir({ body: 'x'.repeat(4 * 1024 * 1024) })}/body`

  for (let i = 0; i < 10; i++) keep({ body: fileBody(file, 4 * 1024 * 1024) })
  await ended.atLeast(10)

  t.strictSame(attempts.all, Array(10).fill('413'))
  t.equal(unaccounted(), 0)
})

test('a handshake that hangs is a timeout of connecting', async t => {
  const url = await listen(t, createTcpServer(() => {}))
  const { keep, attempts } = startMirror(t, { port: 0, endpoint: { endpoint: url, connectTimeoutMs: 200 }, retry: NEVER_AGAIN })

  keep()
  await attempts.atLeast(1)

  t.strictSame(attempts.all, ['timeout'])
})

test('no variable of the environment turns verification off', async t => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  const endpoint = await startTlsEndpoint(t)
  const unknown = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url }, retry: NEVER_AGAIN })
  const another = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url, ca: certificate ?? null, host: 'other.example.test' }, retry: NEVER_AGAIN })

  unknown.keep()
  another.keep()
  await Promise.all([unknown.attempts.atLeast(1), another.attempts.atLeast(1)])

  t.strictSame([...unknown.attempts.all, ...another.attempts.all], ['tls', 'tls'])
  t.equal(endpoint.received(), 0)
})
