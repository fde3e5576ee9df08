/** Every broken answer of a server, seen by its client and by the next one. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { test, type Test } from 'tap'
import { startProxy } from '../helpers/proxy.ts'
import { probe } from '../helpers/probe.ts'
import { openSocket } from '../helpers/listener.ts'
import { ANSWERS, type AnswerCase } from './responses.ts'

t.setTimeout(120_000)

/** Long enough for the router to have read the piece before, short enough for many of them. */
const BETWEEN_PIECES_MS = 10
/** Each case has a server and a proxy of its own. */
const WIDTH = 6
const MEBIBYTE = 1024 * 1024

interface Server {
  readonly port: number
  /** Of the connections that requests came over, in the order of the requests. */
  readonly connections: readonly number[]
}

/** Answers `/case` with the bytes of the case, everything else with its target. */
async function startServer (t: Test, { pieces, after }: AnswerCase): Promise<Server> {
  const connections: number[] = []
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    const connection = open.size
    open.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      connections.push(connection)
      const target = data.toString('latin1').split(' ')[1] ?? ''
      if (target === '/case') void answer(socket)
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`)
    })
  })
  const answer = async (socket: Socket): Promise<void> => {
    for (const piece of pieces) {
      if (socket.destroyed) return
      socket.write(piece, 'latin1')
      await sleep(BETWEEN_PIECES_MS)
    }
    if (after === 'closes') socket.end()
    else if (after === 'resets') socket.resetAndDestroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, connections }
}

test('a broken answer is a 502 or what there is of it, and the next client gets its own', async t => {
  const cases = ANSWERS.values()
  const run = async (): Promise<void> => {
    for (const item of cases) await t.test(item.name, t => judge(t, item))
  }
  t.jobs = WIDTH
  await Promise.all(Array.from({ length: WIDTH }, run))
})

async function judge (t: Test, item: AnswerCase): Promise<void> {
  const server = await startServer(t, item)
  const proxy = await startProxy(t, { servers: [server.port], upstream: 'read_timeout: 10s' })

  // What comes late must find the connection idle: what a server sends unasked behind the next request is its answer.
  const late = item.pieces.length > 1 || item.after !== 'waits'
  const answer = await probe(proxy.port, `${item.method} /case HTTP/1.1\r\nHost: a\r\n${late ? 'Connection: close\r\n' : ''}\r\n`, item.method)
  if (late) await sleep(BETWEEN_PIECES_MS * (item.pieces.length + 2))
  const next = await probe(proxy.port, 'GET /next HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n')

  t.equal(answer.status, item.status)
  if (item.status !== 502) t.equal(answer.body, item.body)
  t.equal(answer.complete, !item.cut, 'whole, or seen to be cut')
  t.equal(answer.open, !item.cut && !late, 'the connection of the client goes on unless it was cut')
  t.equal(answer.headers.filter(line => /^(?:set-cookie|x-trailer):/i.test(line)).length, 0, 'no line of a value became a field')
  t.strictSame([next.status, next.body], [200, '/next'], 'the next client gets its own answer')
  const [first, ...others] = server.connections
  t.equal(others.includes(first ?? -1), item.reused, 'whether the connection was used again')
}

test('a server that answers before it has the request is not asked again on that connection', async t => {
  const heads: string[] = []
  const server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => {})
    let first = true
    socket.on('data', (data: Buffer) => {
      if (first) heads.push(data.toString('latin1').split('\r\n')[0] ?? '')
      // Taken in full: a server that reads over the rest, and one that would take it for a request, look the same from here.
      if (first) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly')
      first = false
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const proxy = await startProxy(t, { servers: [(server.address() as AddressInfo).port] })
  const body = Buffer.alloc(20 * MEBIBYTE, 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')

  const client = await openSocket(t, proxy.port)
  client.write(`POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`)
  client.write(body)
  const received: Buffer[] = []
  client.on('data', (data: Buffer) => { received.push(data) })
  await once(client, 'end')
  client.destroy()
  const next = await probe(proxy.port, 'GET /next HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n')

  t.match(Buffer.concat(received).toString('latin1'), /^HTTP\/1\.1 200 [^]*early$/)
  t.strictSame([next.status, next.body], [200, 'early'])
  t.strictSame(heads, ['POST /large HTTP/1.1', 'GET /next HTTP/1.1'], 'each on a connection of its own')
})
