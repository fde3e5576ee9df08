/** Upstreams come and go without a reload: the first complaint about nginx in self-hosted Sentry. */
import t, { test } from 'tap'
import { request } from 'undici'
import { answers, startBackend } from '../helpers/backends.ts'
import { routerConfig, startRouter } from '../helpers/router.ts'

t.setTimeout(60_000)

test('a router whose upstreams do not resolve starts, and answers 502', async t => {
  const router = await startRouter(t, {
    upstreams: {
      relay: { servers: ['relay.invalid:3000'] },
      web: { servers: ['web.invalid:9000'] },
      'web-rum': { servers: ['web-rum.invalid:9000'] }
    },
    mirror: { endpoint: 'http://rum.invalid', default: 'off' }
  })

  const answers = await Promise.all([
    request(`${router.url80}/`),
    request(`${router.url81}/`),
    request(`${router.url80}/api/1/envelope/?sentry_key=a`, { method: 'POST', body: '{}' })
  ])

  for (const answer of answers) {
    t.equal(answer.statusCode, 502)
    await answer.body.dump()
  }
  t.equal(await router.metric('router_upstream_errors_total', { upstream: 'web', reason: 'dns' }), 1)
  t.equal(await router.metric('router_upstream_errors_total', { upstream: 'relay', reason: 'dns' }), 1)
})

test('a server that went away and came back is served again at once, pooled connections or not', async t => {
  const [first, web, webRum, endpoint] = await Promise.all([startBackend(t), startBackend(t), startBackend(t), startBackend(t)])
  const router = await startRouter(t, routerConfig({ relay: first.port, web: web.port, webRum: webRum.port, endpoint: endpoint.port }))
  const send = async (): Promise<number> => {
    const answer = await request(`${router.url80}/api/1/envelope/?sentry_key=a`, { method: 'POST', body: '{}' })
    await answer.body.dump()
    return answer.statusCode
  }
  // Leaves a connection in the pool that is about to die.
  t.equal(await send(), 200)

  await first.stop()
  const whileGone = [await send(), await send(), await send()]
  const second = await startBackend(t, answers.status('200 OK', '{}'), first.port)
  const afterwards = [await send(), await send()]

  t.strictSame(whileGone, [502, 502, 502])
  t.strictSame(afterwards, [200, 200])
  t.equal(second.requests.length, 2)
  t.equal((await endpoint.received(6)).length, 6, 'a copy is kept whatever relay answers')
})

test('a server restarted between two requests costs no request', async t => {
  const [first, web, webRum, endpoint] = await Promise.all([startBackend(t), startBackend(t), startBackend(t), startBackend(t)])
  const router = await startRouter(t, routerConfig({ relay: first.port, web: web.port, webRum: webRum.port, endpoint: endpoint.port }))
  const statuses: number[] = []

  let current = first
  for (let i = 0; i < 10; i++) {
    const answer = await request(`${router.url80}/api/1/envelope/?sentry_key=a`, { method: 'POST', body: '{}' })
    await answer.body.dump()
    statuses.push(answer.statusCode)
    await current.stop()
    current = await startBackend(t, answers.status('200 OK', '{}'), first.port)
  }

  t.strictSame(statuses, Array.from({ length: 10 }, () => 200))
  t.equal(current.requests.length, 0)
})

test('a pooled connection that dies under a request is replaced without the client noticing', async t => {
  const [relay, web, webRum, endpoint] = await Promise.all([startBackend(t), startBackend(t), startBackend(t), startBackend(t)])
  const router = await startRouter(t, routerConfig({ relay: relay.port, web: web.port, webRum: webRum.port, endpoint: endpoint.port }))
  await (await request(`${router.url80}/api/2/envelope/?sentry_key=a`, { method: 'POST', body: 'first' })).body.dump()
  relay.answerWith((request, socket) => {
    if (request.connection === 1) socket.destroy()
    else answers.status('200 OK', 'second connection')(request, socket)
  })

  const answer = await request(`${router.url80}/api/2/envelope/?sentry_key=a`, { method: 'POST', body: 'second' })

  t.equal(answer.statusCode, 200)
  t.equal(await answer.body.text(), 'second connection')
  t.strictSame(relay.requests.map(({ connection, body }) => [connection, body.toString()]), [[1, 'first'], [1, 'second'], [2, 'second']])
})
