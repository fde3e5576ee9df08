/**
 * What an endpoint can do wrong, done to it on a socket. Each time: how the attempt is
 * counted, what becomes of the copy, and that no copy is unaccounted for.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t, { test, type Test } from 'tap'
import { answers, startBackend, type Answer } from '../helpers/backends.ts'
import { fileBody, memoryBody, startMirror } from '../helpers/copies.ts'

t.setTimeout(60_000)

/** Answers the n-th request with the n-th answer, and all further ones with 200. */
function inTurn (...script: Answer[]): Answer {
  const ok = answers.status('200 OK', 'ok')
  return (request, socket) => { (script.shift() ?? ok)(request, socket) }
}

const raw = (text: string): Answer => (_request, socket) => { socket.write(text, 'latin1') }
const rawThenClose = (text: string): Answer => (_request, socket) => { socket.end(text, 'latin1') }

/** A port that nobody listens on. */
async function closedPort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A TCP server that does `script` with each connection. */
async function rawServer (t: Test, script: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    open.add(socket)
    socket.on('error', () => {})
    script(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('an endpoint that refuses is tried again, and gets every copy in the end', async t => {
  const port = await closedPort()
  const { keep, attempts, ended, ledger, unaccounted } = startMirror(t, { port })
  for (let i = 0; i < 3; i++) keep()
  await attempts.atLeast(4)

  await startBackend(t, answers.status('200 OK'), port)
  await ended.atLeast(3)

  t.equal(ledger.delivered, 3)
  t.ok((ledger.attempts['refused'] ?? 0) >= 4)
  t.equal(unaccounted(), 0)
})

for (const [what, code, answer] of [
  ['a reset before the answer', 'reset', answers.reset()],
  ['a close before the answer', 'reset', rawThenClose('')],
  ['half a head', 'reset', rawThenClose('HTTP/1.1 200 OK\r\nContent-')],
  ['garbage', 'reset', raw('garbage\r\n\r\n')],
  ['garbage without an end', 'reset', raw('220 smtp ready')],
  ['a switch of protocols', 'reset', raw('HTTP/1.1 101 Switching Protocols\r\n\r\n')],
  ['two lengths', 'reset', raw('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')],
  ['a head without end', 'reset', raw(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(140_000)}`)],
  ['no answer', 'timeout', answers.never()],
  ['a head that stops', 'timeout', raw('HTTP/1.1 200 OK\r\n')],
  ['status 503', '503', answers.status('503 Unavailable', 'later')],
  ['status 500', '500', answers.status('500 Oops')],
  ['status 403, which a full quota answers', '403', answers.status('403 Forbidden', 'Inflow Quota Exceed')],
  ['status 408', '408', answers.status('408 Request Timeout', '', ['Connection: close'])],
  ['status 425', '425', answers.status('425 Too Early')],
  ['status 429', '429', answers.status('429 Too Many Requests')]
] as const) {
  test(`${what}: counted as ${code}, then tried again with the same bytes`, async t => {
    const endpoint = await startBackend(t, inTurn(answer))
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port, endpoint: { readTimeoutMs: 200 } })

    const copy = keep()
    await ended.atLeast(1)

    t.strictSame(attempts.all, [code, '200'])
    t.strictSame(ended.all, ['delivered'])
    t.equal(endpoint.requests.length, 2)
    t.ok(endpoint.requests[0]?.head.equals(endpoint.requests[1]?.head ?? Buffer.alloc(0)))
    t.equal((copy.body as ReturnType<typeof memoryBody>).holders(), 0, 'the body was let go')
    t.equal(unaccounted(), 0)
  })
}

for (const [status, body] of [['301 Moved', ''], ['400 Bad', 'bad envelope'], ['401 Who', ''], ['404 Gone', ''], ['413 Large', 'x'.repeat(2000)]] as const) {
  test(`status ${status}: final, a dead letter with the beginning of the answer; no redirect is followed`, async t => {
    const elsewhere = await startBackend(t)
    const endpoint = await startBackend(t, answers.status(status, body, [`Location: http://127.0.0.1:${elsewhere.port}/`]))
    const { keep, ended, spool, unaccounted } = startMirror(t, { port: endpoint.port })

    const copy = keep()
    await ended.atLeast(1)

    const letter = spool.deadLetters.get(copy.id)
    t.strictSame(ended.all, [`dead ${status.slice(0, 3)}`])
    t.equal(letter?.copy.id, copy.id)
    t.equal(letter?.answer, body.slice(0, 512))
    t.equal(endpoint.requests.length, 1)
    t.equal(elsewhere.connections(), 0)
    t.equal(unaccounted(), 0)
  })
}

for (const [what, answer] of [
  ['an answer that is cut short', rawThenClose('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')],
  ['an answer shorter than its length, on a connection left open', raw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')],
  ['an answer longer than its length', raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more')],
  ['a chunked answer that breaks', raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')],
  ['an answer that ends with the connection', rawThenClose('HTTP/1.0 200 OK\r\n\r\nok')],
  ['a huge answer', (_request, socket) => { socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5242880\r\n\r\n`); socket.write(Buffer.alloc(5_242_880)) }],
  ['interim answers before the final one', raw('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')]
] as [string, Answer][]) {
  test(`${what} is delivered all the same: the status decides; the next copy is not disturbed`, async t => {
    const endpoint = await startBackend(t, inTurn(answer))
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port, endpoint: { readTimeoutMs: 200 } })

    keep()
    await ended.atLeast(1)
    keep()
    await ended.atLeast(2)

    t.strictSame(attempts.all, ['200', '200'])
    t.equal(endpoint.requests.length, 2)
    t.equal(unaccounted(), 0)
  })
}

test('an endpoint that drips its answer holds a copy for two read timeouts at most', async t => {
  const port = await rawServer(t, socket => {
    const answer = 'HTTP/1.1 200 OK\r\n' + 'X: y\r\n'.repeat(1000)
    let at = 0
    const timer = setInterval(() => { socket.write(answer.charAt(at++)) }, 20)
    socket.once('close', () => { clearInterval(timer) })
    socket.resume()
  })
  const { keep, attempts, close, unaccounted } = startMirror(t, { port, endpoint: { readTimeoutMs: 150 }, retry: { initialMs: 60_000, maxMs: 60_000 } })

  keep()
  await attempts.atLeast(1, 5000)

  t.strictSame(attempts.all, ['timeout'])
  await close()
  t.equal(unaccounted(), 0)
})

test('an endpoint that begins its answer before it has the body, and drips it, holds a copy no longer', async t => {
  const port = await rawServer(t, socket => {
    const answer = 'HTTP/1.1 200 OK\r\n' + 'X: y\r\n'.repeat(1000)
    let at = 0
    const timer = setInterval(() => { socket.write(answer.charAt(at++)) }, 20)
    socket.once('close', () => { clearInterval(timer) })
    // The answer has begun when the request is read.
    socket.pause()
    setTimeout(() => { socket.resume() }, 100)
  })
  const { keep, attempts, close, unaccounted } = startMirror(t, { port, endpoint: { readTimeoutMs: 150 }, retry: { initialMs: 60_000, maxMs: 60_000 } })
  const file = `${t.testdir({ body: 'x'.repeat(16 * 1024 * 1024) })}/body`

  keep({ body: fileBody(file, 16 * 1024 * 1024) })
  await attempts.atLeast(1, 5000)

  t.strictSame(attempts.all, ['timeout'])
  await close()
  t.equal(unaccounted(), 0)
})

for (const [how, leave] of [['closes', (socket: Socket) => { socket.destroy() }], ['resets', (socket: Socket) => { socket.resetAndDestroy() }]] as const) {
  test(`an endpoint that refuses a body before it has it, and ${how} at once, has refused the copy`, async t => {
    const port = await rawServer(t, socket => {
      socket.once('data', () => {
        socket.pause()
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge', () => { leave(socket) })
      })
    })
    const file = `${t.testdir({ body: 'x'.repeat(8 * 1024 * 1024) })}/body`
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port, concurrency: 2, maxBytes: 256 * 1024 * 1024 })

    for (let i = 0; i < 10; i++) keep({ body: i % 2 === 0 ? fileBody(file, 8 * 1024 * 1024) : memoryBody(Buffer.alloc(8 * 1024 * 1024)) })
    await ended.atLeast(10)

    t.strictSame(attempts.all, Array(10).fill('413'))
    t.strictSame(ended.all, Array(10).fill('dead 413'))
    t.equal(unaccounted(), 0)
  })
}

test('an answer that comes before the body is read counts, and the connection is not used again', async t => {
  let connections = 0
  const port = await rawServer(t, socket => {
    connections++
    socket.once('data', () => {
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge')
      socket.pause()
    })
  })
  const { keep, ended, unaccounted } = startMirror(t, { port, concurrency: 1 })

  keep({ body: memoryBody(Buffer.alloc(8 * 1024 * 1024)) })
  keep({ body: memoryBody(Buffer.alloc(8 * 1024 * 1024)) })
  await ended.atLeast(2)

  t.strictSame(ended.all, ['dead 413', 'dead 413'])
  t.equal(connections, 2)
  t.equal(unaccounted(), 0)
})

test('an endpoint that stops reading is a timeout of sending', async t => {
  const port = await rawServer(t, socket => { socket.pause() })
  const { keep, attempts, unaccounted } = startMirror(t, {
    port, endpoint: { sendTimeoutMs: 200, readTimeoutMs: 60_000 }, retry: { initialMs: 60_000, maxMs: 60_000 }, random: () => 0.9
  })
  const file = `${t.testdir({ body: 'x'.repeat(16 * 1024 * 1024) })}/body`

  keep({ body: memoryBody(Buffer.alloc(16 * 1024 * 1024)) })
  keep({ body: fileBody(file, 16 * 1024 * 1024) })
  await attempts.atLeast(2)

  t.strictSame(attempts.all, ['timeout', 'timeout'])
  t.equal(unaccounted(), 0)
})

test('a reset in the middle of a large body is a failure, from memory and from a file', async t => {
  let resets = 2
  const port = await rawServer(t, socket => {
    let read = 0
    socket.on('data', chunk => {
      read += chunk.length
      if (resets > 0 && read > 300_000) {
        resets--
        socket.resetAndDestroy()
      } else if (read > 3_000_000) {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      }
    })
  })
  const file = `${t.testdir({ body: 'x'.repeat(3_000_000) })}/body`
  const { keep, ended, ledger, unaccounted } = startMirror(t, { port })

  keep({ body: memoryBody(Buffer.alloc(3_000_000)) })
  keep({ body: fileBody(file, 3_000_000) })
  await ended.atLeast(2)

  t.strictSame(ledger.attempts, { reset: 2, 200: 2 })
  t.equal(unaccounted(), 0)
})

test('a connection that died while it lay idle costs nothing: the copy goes out again at once', async t => {
  const endpoint = await startBackend(t, inTurn(answers.status('200 OK', ''), rawThenClose('')))
  const { keep, ended, attempts } = startMirror(t, { port: endpoint.port, retry: { initialMs: 3_600_000, maxMs: 3_600_000 } })
  keep()
  await ended.atLeast(1)

  keep()
  await ended.atLeast(2)

  t.strictSame(attempts.all, ['200', '200'])
  t.strictSame(endpoint.requests.map(request => request.connection), [1, 1, 2])
})

test('a new connection that dies the same way is a failure', async t => {
  const endpoint = await startBackend(t, inTurn(answers.status('200 OK', ''), rawThenClose(''), rawThenClose('')))
  const { keep, ended, attempts } = startMirror(t, { port: endpoint.port })
  keep()
  await ended.atLeast(1)

  keep()
  await ended.atLeast(2)

  t.strictSame(attempts.all, ['200', 'reset', '200'])
})

test('a body file that is gone, or is shorter than it was, is a dead letter', async t => {
  const endpoint = await startBackend(t)
  const folder = t.testdir({ short: 'x'.repeat(200_000) })
  const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port })

  keep({ body: fileBody(`${folder}/none`, 10) })
  keep({ body: fileBody(`${folder}/short`, 300_000) })
  await ended.atLeast(2)

  t.strictSame(ended.all, ['dead body_lost', 'dead body_lost'])
  t.strictSame(attempts.all, [])
  t.equal(endpoint.requests.length, 0)
  t.equal(unaccounted(), 0)
})

test('a name that does not resolve is counted as dns', async t => {
  const { keep, attempts } = startMirror(t, { port: 0, endpoint: { endpoint: new URL('http://nobody.invalid:1') }, retry: { initialMs: 60_000, maxMs: 60_000 } })

  keep()
  await attempts.atLeast(1, 20_000)

  t.strictSame(attempts.all, ['dns'])
})

test('an idle connection is closed before the endpoint would close it', async t => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const endpoint = await startBackend(t, (_request, socket) => {
    socket.once('end', () => { resolve() })
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=2\r\n\r\n')
  })
  const { keep, ended } = startMirror(t, { port: endpoint.port })
  keep()
  await ended.atLeast(1)
  const at = performance.now()

  await closed

  t.ok(performance.now() - at < 1900)
})

test('whatever the endpoint does, every copy is accounted for and every body let go', async t => {
  const faults: Answer[] = [
    ...Array<Answer>(6).fill(answers.status('200 OK', 'ok')), answers.status('503 Busy'), answers.status('403 Quota'), answers.status('400 Bad', 'bad'),
    answers.status('429 Slow', '', ['Retry-After: 0']), answers.reset(), rawThenClose(''), raw('garbage'), rawThenClose('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    raw('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore'), answers.status('200 OK', 'x'.repeat(100_000)), answers.never(), answers.status('204 No', '', ['Connection: close'])
  ]
  // A generator with a fixed seed: a failure comes again.
  let seed = 7
  const draw = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor(seed / 65_536) % below
  }
  const endpoint = await startBackend(t, (request, socket) => { (faults[draw(faults.length)] as Answer)(request, socket) })
  const { keep, ended, ledger, spool, unaccounted } = startMirror(t, { port: endpoint.port, concurrency: 16, retry: { initialMs: 1, maxMs: 5 }, endpoint: { readTimeoutMs: 60 } })
  const file = `${t.testdir({ body: 'x'.repeat(20_000) })}/body`
  const bodies = Array.from({ length: 600 }, () => draw(3) === 0 ? fileBody(file, 20_000) : memoryBody('x'.repeat(draw(30_000))))

  for (const body of bodies) keep({ body })
  await ended.atLeast(bodies.length, 50_000)

  t.equal(ledger.accepted, 600)
  t.equal(ledger.delivered + (ledger.dead['400'] ?? 0), 600)
  t.equal(spool.stats().pending, 0)
  t.equal(unaccounted(), 0)
  t.equal(bodies.filter(body => body.holders() > 0).length, ledger.dead['400'], 'dead letters keep theirs')
})
