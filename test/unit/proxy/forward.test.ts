import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { freePorts } from '../../../src/demo/router-process.ts'
import { MemoryBudget } from '../../../src/proxy/memory-budget.ts'
import { answers, startBackend, type Answer } from '../../helpers/backends.ts'
import { openConnection, post } from '../../helpers/client.ts'
import { eventually, openSocket, untilEnd } from '../../helpers/listener.ts'
import { startProxy, temporaryFolder } from '../../helpers/proxy.ts'

const MEBIBYTE = 1024 * 1024
const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'
const CLOSING = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

/** A promise in a test's own hands. */
function later (): { promise: Promise<void>, settle: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, settle: resolve }
}

const drop: Answer = (_request, socket) => { socket.destroy() }
const raw = (bytes: string, end = false): Answer => (_request, socket) => { if (end) socket.end(bytes, 'latin1'); else socket.write(bytes, 'latin1') }

test('the client is answered when the copy is durable, and not before', async t => {
  const durable = later()
  const backend = await startBackend(t)
  const proxy = await startProxy(t, { servers: [backend.port], keepCopy: () => durable.promise })
  const client = await openConnection(t, proxy.port)

  await client.send(post('/x', 'abc'))
  await backend.received(1)
  let answered = false
  const answer = client.answer().then(answer => { answered = true; return answer })
  await new Promise(resolve => { setTimeout(resolve, 50) })
  t.notOk(answered)
  durable.settle()

  t.equal((await answer).status, 200)
  t.equal(proxy.budget.used, 0)
})

test('while the copy is not durable an upstream is read no further', async t => {
  const durable = later()
  const body = Buffer.alloc(50 * MEBIBYTE)
  const upstreams: Socket[] = []
  const backend = await startBackend(t, (_request, socket) => {
    upstreams.push(socket)
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
    socket.write(body)
  })
  const proxy = await startProxy(t, { servers: [backend.port], keepCopy: () => durable.promise })
  const client = await openConnection(t, proxy.port)

  await client.send(post('/x', 'abc'))
  await backend.received(1)
  const waiting = (): number => upstreams[0]?.writableLength ?? 0
  await new Promise(resolve => { setTimeout(resolve, 100) })
  t.ok(waiting() > 30 * MEBIBYTE, `${waiting()} bytes wait at the upstream`)
  durable.settle()

  t.equal((await client.answer()).body.length, body.length)
})

test('a response that breaks off before the copy is durable reaches the client as far as it came', async t => {
  for (const [bytes, wanted] of [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', ''],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'ab']
  ] as const) {
    const durable = later()
    const backend = await startBackend(t, raw(bytes, true))
    const proxy = await startProxy(t, { servers: [backend.port], keepCopy: () => durable.promise })
    const client = await openSocket(t, proxy.port)

    const seen = untilEnd(client)
    client.write(GET)
    await eventually(() => proxy.upstreamErrors.length === 1, 'the end of the response')
    durable.settle()

    const { text } = await seen
    t.match(text, /^HTTP\/1\.1 200 OK/)
    t.equal(text.split('\r\n\r\n')[1], wanted)
    t.match(proxy.settled, [{ status: 200 }])
  }
})

test('an upstream that fails before the copy is durable is a 502 afterwards', async t => {
  const durable = later()
  const backend = await startBackend(t, drop)
  const proxy = await startProxy(t, { servers: [backend.port], keepCopy: () => durable.promise })
  const client = await openConnection(t, proxy.port)

  await client.send(post('/x', 'abc'))
  await eventually(() => proxy.upstreamErrors.length === 1, 'the failure')
  t.equal(proxy.settled.length, 0)
  durable.settle()

  t.equal((await client.answer()).status, 502)
  t.equal(proxy.budget.used, 0)
})

test('a client that leaves after its body is complete does not keep the upstream from getting the request', async t => {
  for (const leave of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.resetAndDestroy()]) {
    const asked = later()
    const backend = await startBackend(t, (request, socket) => { void asked.promise.then(() => { answers.status('200 OK', 'ok')(request, socket) }) })
    const proxy = await startProxy(t, { servers: [backend.port] })
    const client = await openSocket(t, proxy.port)

    client.write(post('/x', 'abc'))
    await backend.received(1)
    leave(client)
    asked.settle()

    await eventually(() => proxy.settled.length === 1, 'the end of the request')
    t.equal(backend.requests[0]?.body.toString(), 'abc')
    t.equal(proxy.budget.used, 0)
  }
})

test('a client that leaves while the copy is not yet durable leaves nothing behind', async t => {
  const durable = later()
  const backend = await startBackend(t)
  const proxy = await startProxy(t, { servers: [backend.port], keepCopy: () => durable.promise })
  const client = await openSocket(t, proxy.port)

  client.write(post('/x', Buffer.alloc(2 * MEBIBYTE)))
  await backend.received(1)
  client.resetAndDestroy()
  await eventually(() => proxy.aborts.length === 1, 'the abort')
  durable.settle()

  t.match(proxy.settled, [{ status: 499 }])
  await new Promise(resolve => { setImmediate(resolve) })
  t.equal(proxy.settled.length, 1)
  t.equal(proxy.budget.used, 0)
  await noFiles(t, proxy.files)
})

test('a client that leaves in the middle of the response cuts the upstream off', async t => {
  const closed = later()
  const backend = await startBackend(t, (_request, socket) => {
    socket.once('close', () => { closed.settle() })
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab')
  })
  const proxy = await startProxy(t, { servers: [backend.port] })
  const client = await openSocket(t, proxy.port)

  client.write(GET)
  await once(client, 'data')
  client.resetAndDestroy()

  await closed.promise
  await eventually(() => proxy.settled.length === 1, 'the end of the request')
  t.match(proxy.settled, [{ status: 499 }])
})

test('a stream that begins after its client has left is not read', async t => {
  const begin = later()
  const closed = later()
  const backend = await startBackend(t, (_request, socket) => {
    socket.once('close', () => { closed.settle() })
    void begin.promise.then(() => { socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n') })
  })
  const proxy = await startProxy(t, { servers: [backend.port] })
  const client = await openSocket(t, proxy.port)

  client.write(GET)
  await backend.received(1)
  client.resetAndDestroy()
  // The router sees the reset before the head: both take one way over loopback, and the reset goes first.
  await new Promise(resolve => { setTimeout(resolve, 50) })
  begin.settle()

  await closed.promise
  t.match(proxy.settled, [{ status: 499 }])
})

test('the connection behind a short answer is used again, though its client has left', async t => {
  const begin = later()
  const backend = await startBackend(t, (request, socket) => {
    if (request.target === '/first') void begin.promise.then(() => { answers.status('200 OK', 'ok')(request, socket) })
    else answers.status('200 OK', 'ok')(request, socket)
  })
  const proxy = await startProxy(t, { servers: [backend.port] })
  const [leaving, staying] = await Promise.all([openSocket(t, proxy.port), openConnection(t, proxy.port)])

  leaving.write(GET.replace('/x', '/first'))
  await backend.received(1)
  leaving.destroy()
  begin.settle()
  await eventually(() => proxy.settled.length === 1, 'the end of the request')
  await staying.send(GET)

  t.equal((await staying.answer()).status, 200)
  t.equal(backend.connections(), 1)
})

const failures: ReadonlyArray<readonly [name: string, answer: Answer, status: number, reason: string]> = [
  ['closes after the request', drop, 502, 'reset'],
  ['resets after the request', answers.reset(), 502, 'reset'],
  ['closes within the head', raw('HTTP/1.1 200 OK\r\nA: ', true), 502, 'reset'],
  ['resets within the head', (_request, socket) => { socket.write('HTTP/1.1 200', () => { socket.resetAndDestroy() }) }, 502, 'reset'],
  ['answers garbage', raw('garbage\r\n\r\n'), 502, 'invalid_response'],
  ['answers a head that is no head', raw('HTTP/1.1 200 OK\r\n: x\r\n\r\n'), 502, 'invalid_response'],
  ['switches protocols', raw('HTTP/1.1 101 Switching Protocols\r\n\r\n'), 502, 'invalid_response'],
  ['says nothing', answers.never(), 504, 'timeout'],
  ['stops within the head', raw('HTTP/1.1 200 OK\r\nA:'), 504, 'timeout']
]

for (const [name, answer, status, reason] of failures) {
  test(`an upstream that ${name} is a ${status}, tried once, and the connection goes on`, async t => {
    const backend = await startBackend(t, answer)
    const proxy = await startProxy(t, { servers: [backend.port], upstream: 'read_timeout: 100ms' })
    const client = await openConnection(t, proxy.port)

    await client.send(post('/x', Buffer.alloc(2 * MEBIBYTE)))
    t.equal((await client.answer()).status, status)
    await client.send(post('/x', 'abc'))
    t.equal((await client.answer()).status, status)

    t.strictSame(proxy.upstreamErrors, [reason, reason])
    t.equal(backend.requests.length, 2)
    t.equal(proxy.budget.used, 0)
    await noFiles(t, proxy.files)
  })
}

test('an upstream that refuses is a 502', async t => {
  const [port = 0] = await freePorts(1)
  const proxy = await startProxy(t, { servers: [port] })
  const client = await openConnection(t, proxy.port)

  await client.send(post('/x', 'abc'))

  t.equal((await client.answer()).status, 502)
  t.strictSame(proxy.upstreamErrors, ['refused'])
  t.equal(proxy.budget.used, 0)
})

test('an upstream that stops within its body leads to a cut, with what there was of it', async t => {
  for (const answer of [raw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'), raw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', true), raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nx')]) {
    const backend = await startBackend(t, answer)
    const proxy = await startProxy(t, { servers: [backend.port], upstream: 'read_timeout: 100ms' })
    const client = await openSocket(t, proxy.port)

    const seen = untilEnd(client)
    client.write(GET)

    const { text } = await seen
    t.match(text, /^HTTP\/1\.1 200 OK[^]*ab/)
    t.notMatch(text, /\r\n0\r\n\r\n$/, 'no last chunk')
    t.match(proxy.settled, [{ status: 200 }])
  }
})

test('an answer that comes before the whole request was taken is the answer', async t => {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.pause()
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const address = server.address()
  const proxy = await startProxy(t, { servers: [typeof address === 'object' && address !== null ? address.port : 0] })
  const client = await openConnection(t, proxy.port)

  await client.send(post('/x', Buffer.alloc(20 * MEBIBYTE)))

  const answer = await client.answer()
  t.equal(answer.status, 413)
  t.equal(answer.body.toString(), 'no')
  t.equal(proxy.budget.used, 0)
  await noFiles(t, proxy.files)
})

test('an answer that comes before the whole request was taken is the answer also when the upstream closes at once, a body in a file or not', async t => {
  const answer = 'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'
  for (const leave of [(socket: Socket) => { socket.destroy() }, (socket: Socket) => { socket.resetAndDestroy() }]) {
    for (const bytes of [MEBIBYTE / 2, 4 * MEBIBYTE]) {
      const server = createServer(socket => {
        socket.on('error', () => {})
        socket.once('data', () => {
          socket.pause()
          socket.write(answer, () => { leave(socket) })
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.teardown(() => { server.close() })
      const address = server.address()
      const proxy = await startProxy(t, { servers: [typeof address === 'object' && address !== null ? address.port : 0] })
      const client = await openConnection(t, proxy.port)
      const statuses: number[] = []

      for (let i = 0; i < 10; i++) {
        await client.send(post('/x', Buffer.alloc(bytes)))
        statuses.push((await client.answer()).status)
      }

      t.strictSame(statuses, Array(10).fill(413), `${bytes} bytes`)
      t.strictSame(proxy.upstreamErrors, [])
      t.equal(proxy.budget.used, 0)
      await noFiles(t, proxy.files)
    }
  }
})

test('a pooled connection that died is replaced without a word, for a body in a file too', async t => {
  for (const body of ['abc', Buffer.alloc(3 * MEBIBYTE, 'b')]) {
    let served = 0
    const backend = await startBackend(t, (request, socket) => {
      // The second request on a connection finds it dead.
      if (++served === 2) socket.resetAndDestroy()
      else answers.status('200 OK', 'ok')(request, socket)
    })
    const proxy = await startProxy(t, { servers: [backend.port] })
    const client = await openConnection(t, proxy.port)

    for (let i = 0; i < 2; i++) {
      await client.send(post('/x', body))
      t.equal((await client.answer()).status, 200)
    }

    t.equal(backend.requests.length, 3)
    t.equal(backend.requests[2]?.body.length, body.length)
    t.equal(backend.connections(), 2)
    t.strictSame(proxy.upstreamErrors, [])
    t.equal(proxy.budget.used, 0)
    await noFiles(t, proxy.files)
  }
})

test('a fresh connection that dies is not tried again', async t => {
  const backend = await startBackend(t, drop)
  const proxy = await startProxy(t, { servers: [backend.port] })
  const client = await openConnection(t, proxy.port)

  await client.send(post('/x', 'abc'))

  t.equal((await client.answer()).status, 502)
  t.equal(backend.connections(), 1)
})

test('of two servers the one that fails is passed over for a while', async t => {
  const failing = await startBackend(t, answers.status('503 Service Unavailable', 'no'))
  const good = await startBackend(t)
  const proxy = await startProxy(t, { servers: [failing.port, good.port] })
  const client = await openConnection(t, proxy.port)

  for (let i = 0; i < 6; i++) {
    await client.send(post('/x', Buffer.alloc(i * MEBIBYTE)))
    t.equal((await client.answer()).status, 200)
  }

  t.equal(failing.requests.length, 1)
  t.equal(good.requests.length, 6)
  t.equal(proxy.budget.used, 0)
  await noFiles(t, proxy.files)
})

test('when both servers fail the last answer is the answer, and resting servers are asked nevertheless', async t => {
  const [first, second] = await Promise.all([startBackend(t, answers.status('503 Service Unavailable', 'one')), startBackend(t, answers.status('502 Bad Gateway', 'two'))])
  const proxy = await startProxy(t, { servers: [first.port, second.port] })
  const client = await openConnection(t, proxy.port)

  await client.send(GET)
  const answer = await client.answer()
  t.equal(answer.body.toString(), 'two')
  await client.send(GET)
  t.ok([502, 503].includes((await client.answer()).status))

  t.ok(first.requests.length + second.requests.length >= 3)
})

test('large bodies leave no open files behind', async t => {
  const bodyFolder = await temporaryFolder(t)
  const backend = await startBackend(t)
  const proxy = await startProxy(t, { servers: [backend.port], bodyFolder })
  const client = await openConnection(t, proxy.port)

  for (let i = 0; i < 3; i++) {
    await client.send(post('/x', Buffer.alloc(2 * MEBIBYTE)))
    t.equal((await client.answer()).status, 200)
  }

  await eventually(() => openFilesBelow(bodyFolder) === 0, 'the files to be closed')
  t.equal(openFilesBelow(bodyFolder), 0)
})

test('a disk that takes nothing sends bodies back to memory; without memory only that request is refused', async t => {
  const folder = await temporaryFolder(t)
  for (const bodyFolder of ['/dev/null/no-folder', join(folder, 'missing')]) {
    const backend = await startBackend(t)
    const budget = new MemoryBudget(2 * MEBIBYTE, 4 * MEBIBYTE)
    const proxy = await startProxy(t, { servers: [backend.port], bodyFolder, budget })
    const [small, large] = await Promise.all([openConnection(t, proxy.port), openSocket(t, proxy.port)])

    await small.send(post('/kept', Buffer.alloc(3 * MEBIBYTE, 'k')))
    t.equal((await small.answer()).status, 200)
    t.equal(backend.requests[0]?.body.length, 3 * MEBIBYTE)

    const seen = untilEnd(large)
    large.write(post('/refused', Buffer.alloc(6 * MEBIBYTE)))
    t.match((await seen).text, /^HTTP\/1\.1 503/)
    await small.send(post('/after', 'abc'))
    t.equal((await small.answer()).status, 200)

    t.strictSame(backend.requests.map(request => request.target), ['/kept', '/after'])
    t.equal(budget.used, 0)
  }
})

test('many bodies at once leave the budget as it was, however each of them ends', async t => {
  const backend = await startBackend(t)
  const budget = new MemoryBudget(3 * MEBIBYTE, 8 * MEBIBYTE)
  const proxy = await startProxy(t, { servers: [backend.port], budget })

  await Promise.all(Array.from({ length: 24 }, async (_, i) => {
    const client = await openSocket(t, proxy.port)
    const bytes = post('/x', Buffer.alloc((i + 1) * 100_000, 'x'))
    const seen = untilEnd(client)
    if (i % 3 === 0) {
      await new Promise<void>(resolve => { client.write(bytes.subarray(0, bytes.length - 1), () => { resolve() }) })
      client.destroy()
    } else {
      client.write(bytes)
      client.write(CLOSING)
    }
    await seen
  }))

  await eventually(() => proxy.settled.length === 40, 'the end of all requests')
  t.equal(budget.used, 0)
  await noFiles(t, proxy.files)
})

test('a 50 MiB response to a slow client is held back at the upstream', async t => {
  const size = 50 * MEBIBYTE
  let left = size
  const backend = await startBackend(t, (_request, socket) => {
    const piece = Buffer.alloc(256 * 1024)
    const more = (): void => {
      while (left > 0) {
        left -= piece.length
        if (!socket.write(piece)) return
      }
    }
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
    socket.on('drain', more)
    more()
  })
  const proxy = await startProxy(t, { servers: [backend.port] })
  const client = await openSocket(t, proxy.port)

  client.pause()
  client.write(CLOSING)
  await eventually(() => left < size, 'the first bytes')
  await new Promise(resolve => { setTimeout(resolve, 300) })
  t.ok(left > size / 3, `${left} bytes are still at the upstream; the rest is in the buffers of the kernel`)
  const seen = untilEnd(client)
  client.resume()

  const { text } = await seen
  t.equal(text.length - text.indexOf('\r\n\r\n') - 4, size)
})

test('a 1 MiB body of one-byte chunks reaches the upstream whole', async t => {
  const backend = await startBackend(t)
  const proxy = await startProxy(t, { servers: [backend.port] })
  const client = await openConnection(t, proxy.port)

  await client.send(`POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(MEBIBYTE)}0\r\n\r\n`)

  t.equal((await client.answer()).status, 200)
  t.equal(backend.requests[0]?.body.toString(), 'a'.repeat(MEBIBYTE))
  t.equal(proxy.budget.used, 0)
})

function openFilesBelow (folder: string): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
    } catch {
      // Closed since the folder was read.
      return false
    }
  }).length
}

async function noFiles (t: Test, files: () => Promise<string[]>): Promise<void> {
  for (let i = 0; i < 200 && (await files()).length > 0; i++) await new Promise(resolve => { setTimeout(resolve, 10) })
  t.strictSame(await files(), [], 'no body file is left')
}
