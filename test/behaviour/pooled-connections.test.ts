/** A connection to an upstream that was used before: when it is used again, when it is replaced, and when that would be wrong. */
import t, { test } from 'tap'
import { answers, startBackend, type Answer } from '../helpers/backends.ts'
import { get, openConnection, post } from '../helpers/client.ts'
import { startProxy } from '../helpers/proxy.ts'

t.setTimeout(60_000)

const ok = answers.status('200 OK', 'ok')

/** Serves the first request, and does this to the second, which comes on the same connection. */
function onReuse (answer: Answer): Answer {
  let served = 0
  return (request, socket) => { (++served === 2 ? answer : ok)(request, socket) }
}

for (const [what, answer] of [
  ['closed', (_request, socket) => { socket.end() }],
  ['reset', answers.reset()]
] as const satisfies readonly (readonly [string, Answer])[]) {
  for (const method of ['GET', 'POST', 'PATCH']) {
    test(`a pooled connection that is ${what} at the moment of its use is replaced once, under a ${method} too`, async t => {
      const backend = await startBackend(t, onReuse(answer))
      const proxy = await startProxy(t, { servers: [backend.port], upstream: 'next_upstream: off' })
      const client = await openConnection(t, proxy.port)
      const statuses: number[] = []

      for (let i = 0; i < 2; i++) {
        await client.send(method === 'GET' ? get('/x') : Buffer.from(post('/x', 'abc').toString().replace('POST', method)))
        statuses.push((await client.answer()).status)
      }

      t.strictSame(statuses, [200, 200])
      t.strictSame(backend.requests.map(({ connection }) => connection), [1, 1, 2])
      t.strictSame(proxy.upstreamErrors, [])
    })
  }
}

test('a connection that replaced a pooled one and dies as well is a failure', async t => {
  let served = 0
  const backend = await startBackend(t, (request, socket) => {
    if (++served === 1) ok(request, socket)
    else socket.end()
  })
  const proxy = await startProxy(t, { servers: [backend.port] })
  const client = await openConnection(t, proxy.port)
  const statuses: number[] = []

  for (let i = 0; i < 2; i++) {
    await client.send(post('/x', 'abc'))
    statuses.push((await client.answer()).status)
  }

  t.strictSame(statuses, [200, 502])
  t.equal(backend.requests.length, 3)
})

for (const [what, bytes] of [['a byte of its answer', 'H'], ['an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n']] as const) {
  test(`a pooled connection that dies after ${what} is not replaced: the server has seen the request`, async t => {
    const backend = await startBackend(t, onReuse((_request, socket) => { socket.end(bytes) }))
    const proxy = await startProxy(t, { servers: [backend.port] })
    const client = await openConnection(t, proxy.port)
    const statuses: number[] = []

    for (let i = 0; i < 3; i++) {
      await client.send(post('/x', 'abc'))
      statuses.push((await client.answer()).status)
    }

    t.strictSame(statuses, [200, 502, 200])
    t.equal(backend.requests.length, 3)
  })
}

test('a pooled connection that hangs is not replaced', async t => {
  const backend = await startBackend(t, onReuse(answers.never()))
  const proxy = await startProxy(t, { servers: [backend.port], upstream: 'read_timeout: 200ms' })
  const client = await openConnection(t, proxy.port)
  const statuses: number[] = []

  for (let i = 0; i < 3; i++) {
    await client.send(post('/x', 'abc'))
    statuses.push((await client.answer()).status)
  }

  t.strictSame(statuses, [200, 504, 200])
})

for (const [what, leave] of [['closes', (_request, socket) => { socket.end() }], ['resets', answers.reset()]] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`an upstream that ${what} after every answer without saying so costs no request, however soon the next one comes`, async t => {
    const backend = await startBackend(t, (request, socket) => {
      ok(request, socket)
      // At once, in the next turn, or a little later: before, at and after the moment of reuse.
      const moment = backend.requests.length % 3
      if (moment === 0) leave(request, socket)
      else if (moment === 1) setImmediate(() => { leave(request, socket) })
      else setTimeout(() => { leave(request, socket) }, 1)
    })
    const proxy = await startProxy(t, { servers: [backend.port] })
    const client = await openConnection(t, proxy.port)
    const statuses = new Set<number>()

    for (let i = 0; i < 300; i++) {
      await client.send(post('/x', 'abc'))
      statuses.add((await client.answer()).status)
      if (i % 7 === 0) await new Promise(resolve => { setTimeout(resolve, 2) })
    }

    t.strictSame([...statuses], [200])
    t.strictSame(proxy.upstreamErrors, [])
  })
}

for (const [lines, connections] of [
  [['Keep-Alive: timeout=60'], 1],
  [['Keep-Alive: timeout=5, max=100'], 1],
  [['Keep-Alive: soon'], 1],
  [['Keep-Alive: timeout=1'], 3],
  [['Keep-Alive: timeout=0'], 3],
  [['Connection: close'], 3],
  [['Connection: Keep-Alive, Close'], 3]
] as const) {
  test(`behind ${lines.join()} three requests take ${connections} ${connections === 1 ? 'connection' : 'connections'}`, async t => {
    const backend = await startBackend(t, answers.status('200 OK', 'ok', lines))
    const proxy = await startProxy(t, { servers: [backend.port] })
    const client = await openConnection(t, proxy.port)

    for (let i = 0; i < 3; i++) {
      await client.send(get('/x'))
      t.equal((await client.answer()).status, 200)
    }

    t.equal(backend.connections(), connections)
  })
}
