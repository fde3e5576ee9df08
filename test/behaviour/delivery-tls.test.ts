/** An https endpoint is verified: whom it is, against what is configured. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { test, type Test } from 'tap'
import { fileBody, memoryBody, startMirror } from '../helpers/copies.ts'

const FIXTURES = new URL('../fixtures/tls/', import.meta.url)
const [key, certificate] = await Promise.all(['key.pem', 'certificate.pem'].map(name => readFile(new URL(name, FIXTURES), 'utf8')))

interface TlsEndpoint { readonly url: URL, readonly names: string[], readonly received: () => number }

/** Answers 200 to whatever has come 20 ms after the last byte. */
async function startTlsEndpoint (t: Test): Promise<TlsEndpoint> {
  const names: string[] = []
  let received = 0
  const server = createServer({ key, cert: certificate }, (socket: TLSSocket) => {
    names.push((socket as TLSSocket & { servername?: string | false }).servername || 'none')
    let timer: NodeJS.Timeout | undefined
    socket.on('data', chunk => {
      received += chunk.length
      clearTimeout(timer)
      timer = setTimeout(() => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') }, 20)
    })
  })
  return { url: await listen(t, server), names, received: () => received }
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

test('a certificate nobody vouches for is refused: counted as tls, and the copy waits', async t => {
  const endpoint = await startTlsEndpoint(t)
  const { keep, attempts, spool, unaccounted } = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url }, retry: NEVER_AGAIN })

  keep()
  await attempts.atLeast(1)

  t.strictSame(attempts.all, ['tls'])
  t.equal(endpoint.received(), 0)
  t.equal(spool.stats().pending, 1)
  t.equal(unaccounted(), 0)
})

test('with its authority in ca it is accepted, by the name in Host, whatever address is dialled', async t => {
  const endpoint = await startTlsEndpoint(t)
  const { keep, ended } = startMirror(t, { port: 0, concurrency: 1, endpoint: { endpoint: endpoint.url, ca: certificate ?? null, host: 'endpoint.example.test:8443' } })
  const file = `${t.testdir({ body: 'x'.repeat(500_000) })}/body`

  keep({ body: memoryBody(Buffer.alloc(400_000)) })
  keep({ body: fileBody(file, 500_000) })
  await ended.atLeast(2)

  t.strictSame(ended.all, ['delivered', 'delivered'])
  t.ok(endpoint.received() > 900_000)
  t.strictSame(endpoint.names, ['endpoint.example.test'], 'one connection, with the name and not the port')
})

test('a certificate for another name is refused', async t => {
  const endpoint = await startTlsEndpoint(t)
  const { keep, attempts } = startMirror(t, { port: 0, endpoint: { endpoint: endpoint.url, ca: certificate ?? null, host: 'other.example.test' }, retry: NEVER_AGAIN })

  keep()
  await attempts.atLeast(1)

  t.strictSame(attempts.all, ['tls'])
  t.equal(endpoint.received(), 0)
})

test('a handshake that hangs is a timeout of connecting', async t => {
  const url = await listen(t, createTcpServer(() => {}))
  const { keep, attempts } = startMirror(t, { port: 0, endpoint: { endpoint: url, connectTimeoutMs: 200 }, retry: NEVER_AGAIN })

  keep()
  await attempts.atLeast(1)

  t.strictSame(attempts.all, ['timeout'])
})

test('an endpoint that speaks no TLS is counted as tls', async t => {
  const url = await listen(t, createTcpServer(socket => { socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }))
  const { keep, attempts } = startMirror(t, { port: 0, endpoint: { endpoint: url }, retry: NEVER_AGAIN })

  keep()
  await attempts.atLeast(1)

  t.strictSame(attempts.all, ['tls'])
})
