/**
 * CPU per copy on its way through keep, memory spool, delivery and endpoint, in
 * microseconds: the median of several rounds. The endpoint is another process, whose
 * CPU does not count.
 *
 *     node bench/mirror.ts [--copies 20000] [--rounds 7] [--outstanding 16] [--way mirror]
 *
 * `sockets` is the floor: the same bytes over the same number of connections, written
 * and read with node:net alone. `send` adds the HTTP/1 engine and the endpoint's part.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { Deadlines } from '../src/http1/deadlines.ts'
import type { RequestHead } from '../src/http1/message.ts'
import { createMetrics } from '../src/admin/metrics.ts'
import { createDelivery } from '../src/mirror/delivery.ts'
import { createEndpoint, type Endpoint } from '../src/mirror/endpoint.ts'
import { createKeepCopy } from '../src/mirror/keep.ts'
import { MemoryBudget } from '../src/proxy/memory-budget.ts'
import { MemoryBody } from '../src/proxy/request-body.ts'
import { createMemorySpool } from '../src/spool/memory-spool.ts'
import type { Copy } from '../src/spool/types.ts'

const BODY = Buffer.alloc(2048, 'x')
const ANSWER = 'HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
const HEAD: RequestHead = {
  method: 'POST',
  target: '/api/1/envelope/?sentry_key=0123456789abcdef0123456789abcdef&sentry_version=7',
  minorVersion: 1,
  received: null,
  headers: [
    'Host', 'sentry.example.test', 'Content-Length', String(BODY.length), 'Content-Type', 'application/x-sentry-envelope',
    'User-Agent', 'sentry.javascript.node/11.12.0', 'X-Sentry-Auth', 'Sentry sentry_version=7, sentry_key=0123456789abcdef0123456789abcdef',
    'Accept', '*/*', 'Connection', 'keep-alive'
  ],
  host: 'sentry.example.test',
  framing: 'length',
  contentLength: BODY.length,
  keepAlive: true,
  hostPort: '',
  expectContinue: false
}

const { values } = parseArgs({
  options: { copies: { type: 'string', default: '20000' }, rounds: { type: 'string', default: '7' }, outstanding: { type: 'string', default: '16' }, way: { type: 'string' } }
})
const copies = Number(values.copies)
const rounds = Number(values.rounds)
const outstanding = Number(values.outstanding)

/** The endpoint: answers 200 to each request, by its Content-Length. */
function standIn (): void {
  const server = createServer({ noDelay: true }, socket => {
    let received: Buffer = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      received = received.length === 0 ? data : Buffer.concat([received, data])
      for (let head = received.indexOf('\r\n\r\n'); head !== -1; head = received.indexOf('\r\n\r\n')) {
        const length = Number(/content-length: (\d+)/i.exec(received.toString('latin1', 0, head))?.[1])
        if (received.length < head + 4 + length) return
        received = received.subarray(head + 4 + length)
        socket.write(ANSWER)
      }
    })
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

/** Runs `copies` of `one`, so many at a time, each begun in a turn of its own. @returns µs of CPU per copy. */
async function measure (one: (done: () => void) => void): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let begun = 0
  let ended = 0
  const begin = (): void => { one(done) }
  function done (): void {
    ended++
    if (ended === copies) resolve()
    if (begun < copies) {
      begun++
      setImmediate(begin)
    }
  }

  const before = process.cpuUsage()
  for (; begun < outstanding; begun++) setImmediate(begin)
  await promise
  const { user, system } = process.cpuUsage(before)
  return (user + system) / copies
}

function throughSockets (port: number): (done: () => void) => void {
  const idle: Socket[] = []
  const waiting = new Map<Socket, () => void>()
  const request = copyHead() + BODY.toString('latin1')

  function open (): Socket {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('data', () => {
      const done = waiting.get(socket)
      idle.push(socket)
      done?.()
    })
    return socket
  }
  return done => {
    const socket = idle.pop() ?? open()
    waiting.set(socket, done)
    socket.write(request, 'latin1')
  }
}

function copyHead (): string {
  let head = `POST /rum/sentry/w/s${HEAD.target} HTTP/1.1\r\nHost: rum.example.test\r\nContent-Length: ${BODY.length}\r\n`
  for (let i = 4; i < HEAD.headers.length; i += 2) head += `${HEAD.headers[i]}: ${HEAD.headers[i + 1]}\r\n`
  return head + '\r\n'
}

function throughSend (endpoint: Endpoint): (done: () => void) => void {
  let fields = ''
  for (let i = 4; i < HEAD.headers.length; i += 2) fields += `${HEAD.headers[i]}: ${HEAD.headers[i + 1]}\r\n`
  const copy: Copy = {
    id: '0'.repeat(32), project: '1', takenAt: 0, method: 'POST', target: `/rum/sentry/w/s${HEAD.target}`, fields, framed: true,
    body: new MemoryBody([BODY], BODY.length, new MemoryBudget(0, 0))
  }
  return done => { endpoint.send(copy, done) }
}

function throughMirror (endpoint: Endpoint): (done: () => void) => void {
  const waiting: (() => void)[] = []
  const now = Date.now
  const { mirror: counts } = createMetrics({ now, accessLogDroppedLines: () => 0 })
  const observer = {
    ...counts,
    delivered (project: string, ms: number) {
      counts.delivered(project, ms)
      waiting.pop()?.()
    }
  }
  const spool = createMemorySpool({ maxBytes: 64 * 1024 * 1024, whenFull: 'drop_oldest', onDrop: () => { throw new Error('dropped') }, now })
  const delivery = createDelivery({
    spool, endpoint, observer, onOutage () {}, concurrency: 64, retry: { initialMs: 1000, maxMs: 300_000, maxAgeMs: 86_400_000 }, now
  })
  const keep = createKeepCopy({
    mirror: { default: '/rum/sentry/w/s', projects: new Map([['1', '/rum/sentry/w/s']]), endpoints: ['envelope'], methods: ['POST'], dropHeaders: ['cookie'] },
    spool,
    observer,
    commitTimeoutMs: 50,
    now
  })
  let ids = 0
  delivery.start()
  return done => {
    waiting.push(done)
    const requestId = (ids++).toString(16).padStart(32, '0')
    void keep({ head: HEAD, path: '/api/1/envelope/', body: new MemoryBody([BODY], BODY.length, new MemoryBudget(0, 0)), clientAddress: '192.0.2.1', requestId })
  }
}

async function startStandIn (): Promise<{ child: ChildProcess, port: number }> {
  const child = fork(import.meta.filename, { env: { ...process.env, BENCH_STAND_IN: '1' }, execArgv: [] })
  const [port] = await once(child, 'message') as [number]
  return { child, port }
}

function median (numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number
}

async function main (): Promise<void> {
  const { child, port } = await startStandIn()
  const timeouts = { connectTimeoutMs: 5000, sendTimeoutMs: 5000, readTimeoutMs: 5000 }
  const endpoint = createEndpoint({ endpoint: new URL(`http://127.0.0.1:${port}`), host: 'rum.example.test', ca: null, ...timeouts, deadlines: new Deadlines() })
  const ways = { sockets: throughSockets(port), send: throughSend(endpoint), mirror: throughMirror(endpoint) }

  for (const [name, one] of Object.entries(ways)) {
    if (values.way !== undefined && values.way !== name) continue
    await measure(one)
    const results: number[] = []
    for (let round = 0; round < rounds; round++) results.push(await measure(one))
    console.log(`${name.padEnd(8)} ${median(results).toFixed(1)} µs of CPU per copy (${Math.min(...results).toFixed(1)} to ${Math.max(...results).toFixed(1)})`)
  }
  child.kill()
  process.exit(0)
}

if (process.env['BENCH_STAND_IN'] === undefined) await main()
else standIn()
