/**
 * What a client gets when an upstream misbehaves, within which time, and whether it can
 * go on; its copy is delivered once, whatever the upstream did.
 */
import t, { test } from 'tap'
import { FAULTS, TIMEOUT_MS } from '../fixtures/faults.ts'
import { startBackend } from '../helpers/backends.ts'
import { post } from '../helpers/client.ts'
import { startFaultyServer } from '../helpers/faulty-server.ts'
import { probe } from '../helpers/probe.ts'
import { routerConfig, startRouter } from '../helpers/router.ts'

/** For the timeout, for the dripping faults, and for a machine that is busy. */
const PATIENCE_MS = 6 * TIMEOUT_MS

t.setTimeout(120_000)
const [upstream, endpoint] = await Promise.all([startFaultyServer(t), startBackend(t)])
const config = routerConfig({ relay: upstream.port, web: upstream.port, webRum: upstream.port, endpoint: endpoint.port })
const timeouts = { connect_timeout: `${TIMEOUT_MS}ms`, send_timeout: `${TIMEOUT_MS}ms`, read_timeout: `${TIMEOUT_MS}ms` }
const servers = [`127.0.0.1:${upstream.port}`]
const router = await startRouter(t, { ...config, upstreams: { relay: { servers, ...timeouts }, web: { servers, ...timeouts }, 'web-rum': { servers } } })

for (const [index, fault] of FAULTS.entries()) {
  const { name, client, bodyBytes = 10 } = fault
  test(`an upstream that ${name}: ${client === 'cut' ? 'the client gets what there was, and is cut' : `the client gets ${client}`}, and its copy goes out once`, async t => {
    const target = `/api/1/envelope/?n=${index}`
    const copies = endpoint.requests.length
    const committed = upstream.committed()
    await upstream.misbehave(fault)

    const startedAt = performance.now()
    // A fault of the port lasts until the answer is there; the request that follows on the connection finds it mended.
    const answer = await probe(router.port80, post(target, 'x'.repeat(bodyBytes)), 'POST', upstream.recover)
    const tookMs = performance.now() - startedAt
    await endpoint.received(copies + 1)

    t.equal(answer.status, client === 'cut' ? 200 : client)
    t.equal(answer.complete, client !== 'cut')
    t.equal(answer.open, client !== 'cut', 'the next request on the connection is answered, unless it was cut')
    t.ok(tookMs < PATIENCE_MS, `it took ${tookMs} ms`)
    t.equal(upstream.committed(), committed + 1)
    t.equal(upstream.seen.all.filter(({ requestLine }) => requestLine.includes(`${target} `)).length, fault.at === 'request' ? 1 : 0, 'nothing is sent twice')
    if (client === 200) t.notMatch(answer.body, 'other')
    if (client === 'cut') t.equal(answer.body.startsWith('half'), true)
    t.equal(endpoint.requests.filter(request => request.target.endsWith(target)).length, 1)
  })
}

test('in the end every copy is accounted for', async t => {
  await router.metricIs(FAULTS.length, 'mirror_delivered_total')

  t.equal(await router.metric('mirror_accepted_total'), FAULTS.length)
  t.equal(await router.metric('mirror_pending'), 0)
  t.equal(await router.metric('router_client_aborts_total'), 0)
})
