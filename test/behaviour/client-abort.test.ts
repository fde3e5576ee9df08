/** Once the body is complete the client may leave; before that, nobody else is troubled. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { test } from 'tap'
import { answers, header } from '../helpers/backends.ts'
import { openConnection, post } from '../helpers/client.ts'
import { startAll } from '../helpers/router.ts'

const TARGET = '/api/1/envelope/?sentry_key=abc'
const TIMES = 50

t.setTimeout(60_000)

test('a client that closes right after its last byte is heard at both ends, every time', async t => {
  const { relay, endpoint, router } = await startAll(t)

  for (let i = 0; i < TIMES; i++) {
    const socket = connect(router.port80, '127.0.0.1')
    socket.on('error', () => {})
    socket.end(post(TARGET, `{"n":${i}}\n`), () => { socket.destroy() })
    await once(socket, 'close')
  }

  const bodies = Array.from({ length: TIMES }, (_, i) => `{"n":${i}}\n`).sort()
  t.strictSame((await relay.received(TIMES)).map(({ body }) => body.toString()).sort(), bodies, 'at relay')
  t.strictSame((await endpoint.received(TIMES)).map(({ body }) => body.toString()).sort(), bodies, 'at the endpoint')
})

test('a client that closes right after the last byte of 2 MiB is heard at both ends, every time', async t => {
  const { relay, endpoint, router } = await startAll(t)
  const body = randomBytes(2 * 1024 * 1024)

  for (let i = 0; i < 10; i++) {
    const socket = connect(router.port80, '127.0.0.1')
    socket.on('error', () => {})
    socket.end(post(TARGET, body), () => { socket.destroy() })
    await once(socket, 'close')
  }

  for (const backend of [relay, endpoint]) {
    const arrived = await backend.received(10)
    t.equal(arrived.filter(request => request.body.equals(body)).length, 10)
  }
})

test('a client that leaves while relay thinks does not cut relay or the copy short', async t => {
  const { relay, endpoint, router } = await startAll(t)
  relay.answerWith(answers.after(300, answers.status('200 OK', '{}')))
  endpoint.answerWith(answers.after(100, answers.status('200 OK', '{}')))
  const connection = await openConnection(t, router.port80)

  await connection.send(post(TARGET, '{}\n'))
  await relay.received(1)
  connection.socket.resetAndDestroy()

  const [copy] = await endpoint.received(1)
  t.equal(copy?.body.toString(), '{}\n')
  await router.metricIs(1, 'mirror_delivered_total', { project: '1' })
  await router.metricIs(1, 'router_client_aborts_total', { phase: 'response' })
  t.equal(relay.requests.length, 1)
})

test('a client that half-closes after its request still gets the answer', async t => {
  const { relay, endpoint, router } = await startAll(t)
  relay.answerWith(answers.after(50, answers.status('200 OK', '{"id":"1"}')))
  const connection = await openConnection(t, router.port80)

  const answered = connection.answer()
  connection.socket.end(post(TARGET, '{}\n'))
  const answer = await answered

  t.equal(answer.status, 200)
  t.equal(answer.body.toString(), '{"id":"1"}')
  const [copy] = await endpoint.received(1)
  t.equal(copy && header(copy, 'x-request-id'), relay.requests[0] && header(relay.requests[0], 'x-request-id'))
})

test('a client that leaves in mid-body reaches nobody, and is counted', async t => {
  const { relay, web, webRum, endpoint, router } = await startAll(t)
  const connection = await openConnection(t, router.port80)

  await connection.send(`POST ${TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(500)}`)
  connection.socket.destroy()

  await router.metricIs(1, 'router_client_aborts_total', { phase: 'body' })
  t.strictSame([relay, web, webRum, endpoint].map(backend => backend.connections()), [0, 0, 0, 0])
  t.equal(await router.metric('mirror_accepted_total'), 0)
})
