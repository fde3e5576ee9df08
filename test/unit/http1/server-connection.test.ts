import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import type { BodyFault, Exchange } from '../../../src/http1/exchange.ts'
import { ServerConnection, type RequestListener } from '../../../src/http1/server-connection.ts'
import { answerText, eventually, openSocket, startListener, untilEnd } from '../../helpers/listener.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
/** More than the kernel takes for a client that does not read. */
const LARGE = 12 * 1024 * 1024

function listenerOf (onRequest: (exchange: Exchange) => void): RequestListener {
  return {
    onRequest,
    onMalformed: (exchange, code) => {
      exchange.keepAlive = false
      answerText(exchange, 400, code)
    },
    onHeadAborted: () => {}
  }
}

/** Reads the body and says how long it was. */
function answerLength (exchange: Exchange, faults: BodyFault[] = []): void {
  let length = 0
  exchange.connection.readBody({
    onData: piece => { length += piece.length },
    onEnd: () => { answerText(exchange, 200, `${exchange.head?.target}:${length};`) },
    onFault: code => {
      faults.push(code)
      exchange.keepAlive = false
      if (code === 'BAD_REQUEST' || code === 'BODY_TOO_LARGE') answerText(exchange, 400, code)
      else exchange.connection.cut()
    }
  }, 1_000_000)
}

/** Sends `bytes` of body as fast as the client takes them, and reports the most that was ever waiting. */
function answerLarge (exchange: Exchange, bytes: number, onWaiting: (waiting: number) => void): void {
  const piece = Buffer.alloc(64 * 1024, 'x')
  let left = bytes
  const more = (): void => {
    while (left > 0) {
      left -= piece.length
      const taken = exchange.write(piece)
      onWaiting(exchange.connection.socket.writableLength)
      if (!taken) return
    }
    exchange.onDrain = null
    exchange.end()
  }
  exchange.start({ status: 200, reason: 'OK', block: '', length: bytes })
  exchange.onDrain = more
  more()
}

test('pipelined requests are answered in order, whoever is ready first', async t => {
  const waiting: Exchange[] = []
  const { port } = await startListener(t, listenerOf(exchange => { waiting.push(exchange) }))
  const client = await openSocket(t, port)

  client.write(GET.replace('/', '/a') + GET.replace('/', '/b') + LAST)
  await eventually(() => waiting.length === 1, 'the first request')
  await new Promise(resolve => { setImmediate(resolve) })
  t.equal(waiting.length, 1, 'the second is not begun before the first is answered')
  const seen = untilEnd(client)
  for (let i = 0; i < 3; i++) {
    await eventually(() => waiting.length === i + 1, `request ${i}`)
    const exchange = waiting[i] as Exchange
    answerText(exchange, 200, exchange.head?.target ?? '')
  }

  const { text, end } = await seen
  t.strictSame([...text.matchAll(/\r\n\r\n(\/[a-z]+)/g)].map(match => match[1]), ['/a', '/b', '/last'])
  t.equal(end, 'fin')
})

test('a client that floods the connection with requests while one is answered is not read on', async t => {
  const waiting: Exchange[] = []
  const { port } = await startListener(t, listenerOf(exchange => { waiting.push(exchange) }))
  const client = await openSocket(t, port)
  const flood = Buffer.from(GET.repeat(1000))

  client.write(GET)
  await eventually(() => waiting.length === 1, 'the first request')
  let sent = 0
  while (client.writableLength < 4 * 1024 * 1024 && sent < 64 * 1024 * 1024) {
    client.write(flood)
    sent += flood.length
    await new Promise(resolve => { setImmediate(resolve) })
  }

  t.ok(waiting[0]?.connection.socket.isPaused(), 'it is not read')
  t.ok(client.writableLength > 0, 'and has to wait')
})

test('a body that nobody reads is read over, and the next request is served', async t => {
  const { port } = await startListener(t, listenerOf(exchange => { answerText(exchange, 404, exchange.head?.target ?? '') }))
  const client = await openSocket(t, port)

  const seen = untilEnd(client)
  client.write('POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n')
  client.write(Buffer.alloc(200_000))
  client.write('POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n')
  client.write(LAST)

  const { text } = await seen
  t.strictSame([...text.matchAll(/\r\n\r\n(\/[a-z]+)/g)].map(match => match[1]), ['/length', '/chunked', '/last'])
})

test('a malformed body that nobody reads ends the connection after the answer', async t => {
  const { port } = await startListener(t, listenerOf(exchange => { answerText(exchange, 404, 'no') }))
  const client = await openSocket(t, port)

  client.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n${GET}`)

  const { text, end } = await untilEnd(client)
  t.equal(text.match(/HTTP\/1\.1/g)?.length, 1)
  t.equal(end, 'fin')
})

test('one-byte chunks of a 64 KiB body arrive whole', async t => {
  const { port } = await startListener(t, listenerOf(answerLength))
  const client = await openSocket(t, port)

  client.write(`POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(65_536)}0\r\n\r\n${LAST}`)

  t.match((await untilEnd(client)).text, '/small:65536;')
})

test('a client that stops within a body is reset', async t => {
  const faults: BodyFault[] = []
  const { port } = await startListener(t, listenerOf(exchange => { answerLength(exchange, faults) }), { bodyTimeoutMs: 50 })
  const client = await openSocket(t, port)

  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab')

  t.strictSame(await untilEnd(client), { text: '', end: 'reset' })
  t.strictSame(faults, ['CLIENT_TIMEOUT'])
})

test('a client that stops within a head is reset, one that says nothing gets a FIN', async t => {
  const { port } = await startListener(t, listenerOf(answerLength), { headerTimeoutMs: 50, keepaliveTimeoutMs: 50 })
  const [silent, halting, kept] = await Promise.all([openSocket(t, port), openSocket(t, port), openSocket(t, port)])

  const seen = Promise.all([untilEnd(silent), untilEnd(halting), untilEnd(kept)])
  halting.write('GET / HT')
  kept.write(GET)

  const [fromSilent, fromHalting, fromKept] = await seen
  t.strictSame(fromSilent, { text: '', end: 'fin' })
  t.strictSame(fromHalting, { text: '', end: 'reset' })
  t.equal(fromKept.end, 'fin')
})

test('a client that leaves within a body is told apart from one that is silent', async t => {
  const faults: BodyFault[] = []
  const { port } = await startListener(t, listenerOf(exchange => { answerLength(exchange, faults) }))
  const ways = [(socket: Socket) => socket.end(), (socket: Socket) => socket.destroy(), (socket: Socket) => socket.resetAndDestroy()]

  for (const [index, leave] of ways.entries()) {
    const client = await openSocket(t, port)
    await new Promise<void>(resolve => { client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab', () => { resolve() }) })
    leave(client)
    await eventually(() => faults.length === index + 1, 'the fault')
  }

  t.strictSame(faults, ['CLIENT_ABORTED', 'CLIENT_ABORTED', 'CLIENT_ABORTED'])
})

test('a client that closes its sending half gets the answers to what it sent', async t => {
  const waiting: Exchange[] = []
  const { port } = await startListener(t, listenerOf(exchange => { waiting.push(exchange) }))
  const client = await openSocket(t, port)

  client.end(GET + GET)
  const seen = untilEnd(client)
  for (let i = 0; i < 2; i++) {
    await eventually(() => waiting.length === i + 1, `request ${i}`)
    answerText(waiting[i] as Exchange, 200, 'late')
  }

  const { text, end } = await seen
  t.equal(text.match(/late/g)?.length, 2)
  t.equal(end, 'fin')
})

test('a client that does not read its answer holds back the answer, and is reset in the end', async t => {
  let most = 0
  let gone = false
  const { port } = await startListener(t, listenerOf(exchange => {
    exchange.onGone = () => { gone = true }
    answerLarge(exchange, LARGE * 4, waiting => { most = Math.max(most, waiting) })
  }), { sendTimeoutMs: 300 })
  const client = await openSocket(t, port)

  client.pause()
  client.write(GET)

  await eventually(() => gone, 'the end of its patience')
  t.ok(most < 256 * 1024, `${most} bytes were waiting at most`)
})

test('a slow client gets all of a large answer', async t => {
  let most = 0
  const { port } = await startListener(t, listenerOf(exchange => { answerLarge(exchange, LARGE, waiting => { most = Math.max(most, waiting) }) }))
  const client = await openSocket(t, port)

  client.write(LAST)
  let received = 0
  client.on('data', (piece: Buffer) => {
    received += piece.length
    client.pause()
    setImmediate(() => { client.resume() })
  })
  await once(client, 'end')

  t.ok(received > LARGE, `${received} bytes`)
  t.ok(most < 256 * 1024, `${most} bytes were waiting at most`)
})

test('an answer that waits for more is not cut off while the client has taken all of it', async t => {
  const { port } = await startListener(t, listenerOf(exchange => {
    const piece = Buffer.alloc(40 * 1024, 'x')
    exchange.start({ status: 200, reason: 'OK', block: '', length: null })
    // Until the kernel takes no more; the buffer then drains without a 'drain': it was never full.
    while (exchange.connection.socket.writableLength === 0) exchange.write(piece)
    setTimeout(() => {
      exchange.write(Buffer.from('the end'))
      exchange.end()
    }, 700)
  }), { sendTimeoutMs: 250 })
  const client = await openSocket(t, port)

  client.write(LAST)

  t.match((await untilEnd(client)).text.slice(-30), /the end\r\n0\r\n\r\n$/)
})

test('a client that takes nothing of its last answer does not hold the connection for ever', async t => {
  const { listener, port } = await startListener(t, listenerOf(exchange => { answerText(exchange, 200, 'x'.repeat(LARGE)) }), { sendTimeoutMs: 200, keepaliveTimeoutMs: 200 })
  const [kept, closed, half] = await Promise.all([openSocket(t, port), openSocket(t, port), openSocket(t, port)])
  for (const client of [kept, closed, half]) client.pause()

  kept.write(GET)
  closed.write(LAST)
  half.end(GET)

  await eventually(() => listener.connectionCount === 0, 'the end of the connections')
  t.pass('all are gone')
})

test('a client that sent more than was read has its send timeout for the answer, then 5 s to stop', async t => {
  const connections: ServerConnection[] = []
  const { port } = await startListener(t, listenerOf(exchange => {
    if (exchange.connection instanceof ServerConnection) connections.push(exchange.connection)
    answerText(exchange, 200, 'x'.repeat(LARGE))
  }))
  const client = await openSocket(t, port)
  client.pause()
  const patience = (): number => ((connections[0]?.deadline ?? 0) - performance.now()) / 1000

  client.write(`${LAST}more`)
  await eventually(() => connections.length === 1, 'the request')
  t.ok(patience() > 30, `${patience()} s for the answer`)
  const seen = untilEnd(client)
  client.resume()

  t.equal((await seen).text.split('\r\n\r\n')[1]?.length, LARGE)
  t.ok(patience() < 6, `${patience()} s to stop`)
})

test('what was sent of an answer reaches the client before the connection is cut', async t => {
  const { port } = await startListener(t, listenerOf(exchange => {
    exchange.start({ status: 200, reason: 'OK', block: '', length: LARGE + 1 })
    exchange.write(Buffer.alloc(LARGE, 'x'))
    exchange.connection.cut()
  }))
  const client = await openSocket(t, port)

  client.write(GET)

  const { text } = await untilEnd(client)
  t.equal(text.split('\r\n\r\n')[1]?.length, LARGE)
})

test('a request that is on its way when the server ends the connection costs the client no answer', async t => {
  let answered = 0
  const { port } = await startListener(t, listenerOf(exchange => {
    exchange.keepAlive = false
    answered++
    answerText(exchange, 200, 'done')
  }))
  const client = await openSocket(t, port)
  // The answer waits in the kernel, unread, while the next request goes out.
  client.pause()
  client.write(GET)
  await eventually(() => answered === 1, 'the answer')
  await sleep(50)
  client.write(GET)
  await sleep(50)
  client.write(GET)
  await sleep(50)

  client.resume()

  const { text, end } = await untilEnd(client)
  t.match(text, /Connection: close[^]*done$/)
  t.equal(end, 'fin')
  t.equal(answered, 1)
})

test('a drain closes idle connections at once and busy ones after their answer', async t => {
  const waiting: Exchange[] = []
  const { listener, port } = await startListener(t, listenerOf(exchange => { waiting.push(exchange) }))
  const [idle, busy, receiving] = await Promise.all([openSocket(t, port), openSocket(t, port), openSocket(t, port)])
  // A client that closes when the server has done so: nobody lingers.
  for (const client of [idle, busy, receiving]) client.once('end', () => { client.end() })
  busy.write(GET + GET)
  receiving.write('GET / HTTP')
  await eventually(() => waiting.length === 1 && listener.connectionCount === 3, 'the request')

  const drained = listener.drain()
  const seen = Promise.all([untilEnd(idle), untilEnd(busy), untilEnd(receiving)])
  receiving.write('/1.1\r\nHost: a\r\n\r\n')
  await eventually(() => waiting.length === 2, 'the request that was under way')
  for (const exchange of waiting) answerText(exchange, 200, 'done')

  const [fromIdle, fromBusy, fromReceiving] = await seen
  await drained
  t.equal(fromIdle.text, '')
  t.equal(fromBusy.text.match(/done/g)?.length, 1, 'the pipelined one is not served')
  t.match(fromReceiving.text, /Connection: close[^]*done/)
})

test('the answer to a body that is refused early arrives, though the client goes on sending', async t => {
  const { port } = await startListener(t, listenerOf(answerLength))
  const client = await openSocket(t, port)

  const seen = untilEnd(client)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n')
  for (let i = 0; i < 50; i++) client.write(Buffer.alloc(100_000))

  const { text } = await seen
  t.match(text, 'BODY_TOO_LARGE')
})

test('a client that leaves is seen, also when its body was paused at the last byte', async t => {
  const seen: string[] = []
  const { port } = await startListener(t, listenerOf(exchange => {
    const { connection } = exchange
    exchange.onGone = () => { seen.push('gone') }
    connection.readBody({
      onData: () => { connection.pauseBody() },
      onEnd: () => {
        seen.push('end')
        setImmediate(() => { connection.resumeBody() })
      },
      onFault: () => {}
    }, 100)
  }))
  const client = await openSocket(t, port)

  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')
  await eventually(() => seen.length === 1, 'the body')
  client.resetAndDestroy()

  await eventually(() => seen.length === 2, 'the end of the client')
  t.strictSame(seen, ['end', 'gone'])
})
