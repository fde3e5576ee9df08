import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { test, type Test } from 'tap'
import { ClientConnection } from '../../../src/http1/client-connection.ts'
import { Deadlines } from '../../../src/http1/deadlines.ts'
import { dialTcp } from '../../../src/http1/dial.ts'
import { Attempt, type AttemptResult } from '../../../src/mirror/attempt.ts'

const REQUEST = { method: 'POST', head: 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n', chunks: [], readBody: null }

/** A connection to an endpoint that does with its socket what the test says. */
async function connectTo (t: Test, serve: (socket: Socket) => void): Promise<ClientConnection> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const { port } = server.address() as AddressInfo
  const dial = dialTcp({ port, host: '127.0.0.1', connectTimeoutMs: 5000 })
  const connection = new ClientConnection(dial, { connectTimeoutMs: 5000, sendTimeoutMs: 5000, readTimeoutMs: 5000 }, new Deadlines(), { onIdle () {}, onClosed () {} })
  t.teardown(() => { connection.destroy() })
  return connection
}

/** What an attempt makes of the bytes an endpoint answers with. */
async function attempt (t: Test, answer: (socket: Socket) => void): Promise<AttemptResult> {
  const connection = await connectTo(t, socket => { socket.once('data', () => { answer(socket) }) })
  return new Promise(resolve => { connection.send(REQUEST, new Attempt(connection, resolve)) })
}

test('a dead letter keeps 512 bytes of the answer', async t => {
  const result = await attempt(t, socket => { socket.write(`HTTP/1.1 400 Bad\r\nContent-Length: 2000\r\n\r\n${'a'.repeat(600)}${'b'.repeat(1400)}`) })

  t.same(result, { kind: 'status', status: 400, retryAfter: undefined, answer: 'a'.repeat(512) })
})

test('an answer is read for 64 KiB and no further', async t => {
  const result = await attempt(t, socket => { socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'a'.repeat(70_000)}`) })

  t.match(result, { kind: 'status', status: 200 })
})

test('once the head is in, the status counts, however the answer ends', async t => {
  const result = await attempt(t, socket => { socket.write('HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\nabc', () => { socket.resetAndDestroy() }) })

  t.match(result, { kind: 'status', status: 503, retryAfter: '7' })
})

test('what is not HTTP is a reset, and so is an end without an answer', async t => {
  t.same(await attempt(t, socket => { socket.write('SSH-2.0-OpenSSH\r\n') }), { kind: 'failure', code: 'reset' })
  t.same(await attempt(t, socket => { socket.end() }), { kind: 'failure', code: 'reset' })
})

test('an endpoint that answers before it has the body still gets all of it', async t => {
  const body = Buffer.alloc(4 * 1024 * 1024, 'x')
  const all = Promise.withResolvers<void>()
  let received = 0
  const connection = await connectTo(t, socket => {
    socket.once('data', () => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') })
    socket.on('data', data => {
      received += data.length
      if (received >= body.length) all.resolve()
    })
  })
  const head = `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`

  const result = await new Promise<AttemptResult>(resolve => {
    connection.send({ method: 'POST', head, chunks: [], readBody: async function * () { for (let i = 0; i < 64; i++) yield body.subarray(i * 65536, (i + 1) * 65536) } }, new Attempt(connection, resolve))
  })
  await all.promise

  t.match(result, { kind: 'status', status: 200 })
  t.equal(received, head.length + body.length)
})
