import type { Socket } from 'node:net'
import { test, type Test } from 'tap'
import { Admission, type ConnectionLimits, type Occupant, type Place } from '../../../src/http1/admission.ts'
import type { Exchange } from '../../../src/http1/exchange.ts'
import type { RequestListener } from '../../../src/http1/server-connection.ts'
import { answerText, eventually, openSocket, startListener, untilEnd, type StartedListener } from '../../helpers/listener.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A connection of which nothing is known but how idle or slow it is, in milliseconds. */
function occupant ({ idle = 0, slow = 0 }: { idle?: number, slow?: number } = {}): Occupant & { gone: boolean } {
  const one = { gone: false, idleMs: () => idle, slowMs: () => slow, giveWay: () => { one.gone = true } }
  return one
}

/** A full house. */
function admissionOf (connections: readonly Occupant[], limits: Partial<ConnectionLimits> = {}): { admission: Admission, reclaimed: string[], places: Place[] } {
  const reclaimed: string[] = []
  const admission = new Admission({
    limits: () => ({ maxConnections: connections.length, maxConnectionsPerAddress: Infinity, ...limits }),
    addressKey: peer => peer.startsWith('10.') ? null : peer,
    onReclaimed: state => { reclaimed.push(state) }
  })
  const places = connections.map(connection => admission.enter(connection, '192.0.2.1'))
  return { admission, reclaimed, places }
}

test('a newcomer takes the place of the connection that has been idle longest, before any slow one', async t => {
  const house = [occupant(), occupant({ slow: 90_000 }), occupant({ idle: 5000 }), occupant({ idle: 6000 }), occupant()]
  const { admission, reclaimed } = admissionOf(house)

  t.equal(admission.refuses('192.0.2.2'), null)

  t.strictSame(house.map(({ gone }) => gone), [false, false, false, true, false])
  t.strictSame(reclaimed, ['idle'])
  t.equal(admission.open, 4)
})

test('without an idle connection the slowest client makes room, and an ordinary one never', async t => {
  const house = [occupant(), occupant({ slow: 6000 }), occupant({ slow: 90_000 }), occupant({ slow: 4900 }), occupant({ idle: 900 })]
  const { admission, reclaimed } = admissionOf(house)

  t.equal(admission.refuses('192.0.2.2'), null)
  admission.enter(occupant(), '192.0.2.2')
  t.equal(admission.refuses('192.0.2.2'), null)
  admission.enter(occupant(), '192.0.2.2')
  t.equal(admission.refuses('192.0.2.2'), 'connections')

  t.strictSame(house.map(({ gone }) => gone), [false, true, true, false, false])
  t.strictSame(reclaimed, ['slow', 'slow'])
})

test('among thousands a connection that can be spared is found by a few newcomers, at a bounded cost for each', async t => {
  let looks = 0
  const house = Array.from({ length: 5000 }, (_, i) => ({ ...occupant({ idle: i === 4000 ? 5000 : 0 }), idleMs: () => { looks++; return i === 4000 ? 5000 : 0 } }))
  const { admission } = admissionOf(house)

  const asked = Array.from({ length: 70 }, () => {
    looks = 0
    return { refused: admission.refuses('192.0.2.2'), looks }
  })

  t.equal(asked.filter(({ refused }) => refused === null).length > 0, true)
  t.equal(Math.max(...asked.map(({ looks }) => looks)), 64)
})

test('one address has no more connections than it may, others are not concerned, and a proxy is not limited', async t => {
  const { admission } = admissionOf([occupant(), occupant({ idle: 400 })], { maxConnections: 100, maxConnectionsPerAddress: 2 })

  t.equal(admission.refuses('192.0.2.1'), 'connections_per_address')
  t.equal(admission.refuses('192.0.2.2'), null)
  for (let i = 0; i < 5; i++) {
    t.equal(admission.refuses('10.0.0.1'), null)
    admission.enter(occupant(), '10.0.0.1')
  }
})

test('an address at its limit makes room by its own idle connections only', async t => {
  const other = occupant({ idle: 60_000 })
  const own = occupant({ idle: 2000 })
  const { admission } = admissionOf([own, occupant()], { maxConnections: 100, maxConnectionsPerAddress: 2 })
  admission.enter(other, '192.0.2.9')

  t.equal(admission.refuses('192.0.2.1'), null)

  t.equal(own.gone, true)
  t.equal(other.gone, false)
})

test('what has left is counted no more', async t => {
  const house = [occupant(), occupant()]
  const { admission, places } = admissionOf(house, { maxConnectionsPerAddress: 2 })

  t.equal(admission.refuses('192.0.2.1'), 'connections_per_address')
  for (const one of places) {
    admission.leave(one)
    admission.leave(one)
  }

  t.equal(admission.open, 0)
  t.equal(admission.refuses('192.0.2.1'), null)
})

/** Fills a listener with connections in the state that `bytes` leave them in, and lets the clock run to `ms` later. */
async function full (t: Test, bytes: string, ms: number, onRequest: (exchange: Exchange) => void, count = 2, reads = true): Promise<StartedListener & { clients: Socket[] }> {
  const requests: RequestListener = { onRequest, onMalformed: exchange => { exchange.connection.cut() }, onHeadAborted: () => {} }
  const started = await startListener(t, requests, {}, { maxConnections: count })
  const clients: Socket[] = []
  for (let i = 0; i < count; i++) {
    const client = await openSocket(t, started.port)
    if (reads) client.resume()
    if (bytes !== '') client.write(bytes)
    clients.push(client)
  }
  await eventually(() => started.listener.connectionCount === count, 'all connections')
  await new Promise(resolve => { setTimeout(resolve, 50) })
  const now = performance.now.bind(performance)
  t.intercept(performance, 'now', { value: () => now() + ms })
  return { ...started, clients }
}

const ok = (exchange: Exchange): void => { answerText(exchange, 200, 'ok') }
const readBody = (exchange: Exchange): void => {
  exchange.connection.readBody({ onData: () => {}, onEnd: () => { answerText(exchange, 200, 'ok') }, onFault: () => { exchange.connection.cut() } }, 1_000_000)
}

for (const [name, bytes, ms, reclaimed, onRequest] of [
  ['has never sent a byte', '', 2000, 'idle', ok],
  ['waits for its next request', GET, 2000, 'idle', ok],
  ['drips its head', GET.slice(0, 20), 7_000, 'slow', ok],
  ['drips its body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nfew', 7_000, 'slow', readBody]
] as const) {
  test(`at the limit a connection that ${name} makes room for an ordinary client`, async t => {
    const { port, reclaimed: made, refused, clients } = await full(t, bytes, ms, onRequest)

    const client = await openSocket(t, port)
    client.write(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    const { text } = await untilEnd(client)

    t.match(text, /^HTTP\/1\.1 200 /)
    t.strictSame(made, [reclaimed])
    t.strictSame(refused, [])
    await eventually(() => clients.some(client => client.destroyed || client.readableEnded), 'one is ended')
  })
}

for (const [name, bytes, ms, onRequest] of [
  ['have just come', '', 0, ok],
  ['wait for their answers', GET, 60_000, () => {}],
  ['send their bodies at a fair pace', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(30_000)}`, 7_000, readBody]
] as const) {
  test(`connections that ${name} are not ended for others: these get a 503 at once`, async t => {
    const { port, reclaimed, refused, clients } = await full(t, bytes, ms, onRequest)

    const client = await openSocket(t, port)
    client.write(GET)
    const { text, end } = await untilEnd(client)

    t.match(text, /^HTTP\/1\.1 503 /)
    t.equal(end, 'fin')
    t.strictSame(refused, ['connections'])
    t.strictSame(reclaimed, [])
    t.equal(clients.some(client => client.destroyed || client.readableEnded), false)
  })
}

test('a client that takes nothing of its answer makes room too', async t => {
  const large = Buffer.alloc(16 * 1024 * 1024)
  const { port, reclaimed, refused } = await full(t, GET, 7_000, exchange => {
    if (exchange.head?.target === '/small') return answerText(exchange, 200, 'ok')
    exchange.start({ status: 200, reason: 'OK', block: '', length: large.length })
    exchange.write(large)
  }, 2, false)

  const client = await openSocket(t, port)
  client.write('GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const { text } = await untilEnd(client)

  t.match(text, /^HTTP\/1\.1 200 /)
  t.strictSame(reclaimed, ['slow'])
  t.strictSame(refused, [])
})

test('in a flood as many are answered as may be refused at once, and the others reset', async t => {
  const { port, refused } = await full(t, GET, 0, () => {})
  const ends = await Promise.all(Array.from({ length: 100 }, async () => (await untilEnd(await openSocket(t, port)))))

  t.equal(refused.length, 100)
  t.equal(ends.every(({ text, end }) => end === 'reset' ? text === '' : text.startsWith('HTTP/1.1 503 ')), true)
  t.equal(ends.filter(({ end }) => end === 'fin').length >= 64, true)
})
