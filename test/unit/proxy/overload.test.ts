/** Requests that there is no room for: refused at once, and counted; what is given back is there for the next. */
import type { Socket } from 'node:net'
import { test } from 'tap'
import { ByteBudget } from '../../../src/proxy/byte-budget.ts'
import { answers, startBackend } from '../../helpers/backends.ts'
import { openConnection, post } from '../../helpers/client.ts'
import { eventually, openSocket, untilEnd } from '../../helpers/listener.ts'
import { startProxy } from '../../helpers/proxy.ts'

const MEBIBYTE = 1024 * 1024
const GET = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n'

test('requests whose clients have left still count: above three quarters of the limit others for the same upstream get a 503 at once, and none waits', async t => {
  const backend = await startBackend(t, answers.never())
  const proxy = await startProxy(t, { servers: [backend.port], maxRequests: 4 })
  for (let i = 0; i < 3; i++) {
    const client = await openSocket(t, proxy.port)
    client.write(post('/x', 'abc'))
    await backend.received(i + 1)
    client.resetAndDestroy()
  }

  const client = await openSocket(t, proxy.port)
  client.write(GET)
  const { text, end } = await untilEnd(client)

  t.match(text, /^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n.*\r\nConnection: close\r\n/s)
  t.equal(end, 'fin')
  t.strictSame(proxy.refused, ['requests'])
  t.equal(backend.requests.length, 3, 'no upstream was asked')
  t.equal(proxy.settled.at(-1)?.status, 503)
})

test('clients that are still sending hold no place; who finds none with a complete body is refused then', async t => {
  const held: Socket[] = []
  const backend = await startBackend(t, (_request, socket) => { held.push(socket) })
  const proxy = await startProxy(t, { servers: [backend.port], maxRequests: 2 })
  const slow = await Promise.all(Array.from({ length: 5 }, () => openSocket(t, proxy.port)))
  for (const client of slow) client.write(post('/x', Buffer.alloc(2 * MEBIBYTE)).subarray(0, -1))
  await eventually(() => proxy.space.used === 5 * (2 * MEBIBYTE - 1), 'all but the last bytes')
  t.strictSame(proxy.refused, [])

  const ends = slow.map(async client => await untilEnd(client))
  for (const client of slow) client.write('x')
  await eventually(() => proxy.refused.length === 4, 'the refusals')
  await backend.received(1)
  t.equal(backend.requests.length, 1)
  held[0]?.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  await eventually(() => proxy.space.used === 0, 'the room to be given back')
  for (const client of slow) client.end()
  const statuses = (await Promise.all(ends)).map(({ text }) => text.slice(9, 12))

  t.strictSame(statuses.toSorted(), ['200', '503', '503', '503', '503'])
  t.strictSame(await proxy.files(), [])
})

test('a request that ends makes room, however it ends', async t => {
  const backend = await startBackend(t)
  const proxy = await startProxy(t, { servers: [backend.port], maxRequests: 1 })

  const cut = await openSocket(t, proxy.port)
  cut.write(post('/x', 'abcdef').subarray(0, -1))
  await new Promise(resolve => { setTimeout(resolve, 20) })
  cut.resetAndDestroy()
  await eventually(() => proxy.settled.length === 1, 'the one that left')
  const malformed = await openSocket(t, proxy.port)
  malformed.write('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')
  await untilEnd(malformed)
  backend.answerWith(answers.reset())
  const client = await openConnection(t, proxy.port)
  await client.send(GET)
  t.equal((await client.answer()).status, 502)
  backend.answerWith(answers.status('200 OK', 'ok'))
  for (let i = 0; i < 3; i++) {
    await client.send(GET)
    t.equal((await client.answer()).status, 200)
  }

  t.strictSame(proxy.refused, [])
})

test('a body that finds no room is refused before its first byte, and before a 100', async t => {
  const held: Socket[] = []
  const backend = await startBackend(t, (_request, socket) => { held.push(socket) })
  const proxy = await startProxy(t, { servers: [backend.port], space: new ByteBudget(() => 3 * MEBIBYTE) })
  const first = await openSocket(t, proxy.port)
  first.write(post('/x', Buffer.alloc(2 * MEBIBYTE)))
  await backend.received(1)
  t.equal(proxy.space.used, 2 * MEBIBYTE)

  const client = await openSocket(t, proxy.port)
  client.write(`POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${2 * MEBIBYTE}\r\n\r\n`)
  const { text } = await untilEnd(client)

  t.match(text, /^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n/s)
  t.strictSame(proxy.refused, ['bodies'])
  t.equal((await proxy.files()).length, 1)
  held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  await eventually(() => proxy.space.used === 0, 'the room to be given back')
})

test('a body that does not say its length is refused where the room ends; its room is there for others', async t => {
  const backend = await startBackend(t)
  const proxy = await startProxy(t, { servers: [backend.port], space: new ByteBudget(() => 3 * MEBIBYTE) })

  const client = await openSocket(t, proxy.port)
  client.write('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  client.write(`${(4 * MEBIBYTE).toString(16)}\r\n`)
  client.write(Buffer.alloc(4 * MEBIBYTE))
  const { text } = await untilEnd(client)
  t.match(text, /^HTTP\/1\.1 503 /)
  t.strictSame(proxy.refused, ['bodies'])
  t.equal(proxy.space.used, 0)

  for (let i = 0; i < 3; i++) {
    const next = await openConnection(t, proxy.port)
    await next.send(post('/x', Buffer.alloc(3 * MEBIBYTE)))
    t.equal((await next.answer()).status, 200)
  }
  await eventually(() => proxy.space.used === 0, 'all room is given back')
  client.destroy()
})

test('small bodies take none of the room of files', async t => {
  const backend = await startBackend(t, answers.never())
  const proxy = await startProxy(t, { servers: [backend.port], space: new ByteBudget(() => 0) })

  const client = await openSocket(t, proxy.port)
  client.write(post('/x', Buffer.alloc(MEBIBYTE)))
  await backend.received(1)

  t.equal(proxy.space.used, 0)
  t.strictSame(proxy.refused, [])
})
