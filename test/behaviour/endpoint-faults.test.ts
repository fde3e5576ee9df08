/**
 * What becomes of a copy when the endpoint misbehaves. The client never notices; the
 * copy is tried again, or the status decides; what the endpoint has twice it has under
 * one X-Request-Id; and the ledger balances after each of them.
 */
import { performance } from 'node:perf_hooks'
import t, { test } from 'tap'
import { FAULTS, isTriedAgain, timesSeen, TIMEOUT_MS } from '../fixtures/faults.ts'
import { startBackend } from '../helpers/backends.ts'
import { post } from '../helpers/client.ts'
import { startFaultyServer } from '../helpers/faulty-server.ts'
import { probe } from '../helpers/probe.ts'
import { eventually, routerConfig, startRouter } from '../helpers/router.ts'

t.setTimeout(120_000)
const [upstream, endpoint] = await Promise.all([startBackend(t), startFaultyServer(t)])
const config = routerConfig({ relay: upstream.port, web: upstream.port, webRum: upstream.port, endpoint: endpoint.port })
const timeouts = { connect_timeout: `${TIMEOUT_MS}ms`, send_timeout: `${TIMEOUT_MS}ms`, read_timeout: `${TIMEOUT_MS}ms` }
const router = await startRouter(t, { ...config, mirror: { ...config['mirror'] as object, ...timeouts, retry: { initial: '50ms', max: '200ms' } } })
let delivered = 0
let dead = 0

for (const [index, fault] of FAULTS.entries()) {
  const { name, attempt, bodyBytes = 10 } = fault
  const isDead = !isTriedAgain(fault) && attempt !== '200'
  const end = isDead ? 'dead, and kept' : isTriedAgain(fault) ? 'tried again, and delivered' : 'delivered: the status decides'
  test(`an endpoint that ${name}: the client does not notice, the attempt counts as ${attempt}, the copy is ${end}`, async t => {
    const target = `/api/1/envelope/?n=${index}`
    const attempts = await router.metric('mirror_attempts_total', { code: attempt })
    const isOurs = ({ requestLine }: { requestLine: string }): boolean => requestLine.includes(`${target} `)
    await endpoint.misbehave(fault)
    if (isDead) dead++
    else delivered++

    const startedAt = performance.now()
    const answer = await probe(router.port80, post(target, 'x'.repeat(bodyBytes)), 'POST')
    const tookMs = performance.now() - startedAt
    // A fault of the port lasts, and may have met a second attempt by now.
    await eventually(async () => await router.metric('mirror_attempts_total', { code: attempt }) > attempts ? null : 'no attempt failed')
    await endpoint.recover()
    await router.metricIs(isDead ? dead : delivered, isDead ? 'mirror_dead_total' : 'mirror_delivered_total')

    t.match(answer, { status: 200, complete: true, open: true, body: 'ok' })
    t.ok(tookMs < 2000, `the client was answered after ${tookMs} ms`)
    t.equal(endpoint.committed(), index + 1)
    const seen = endpoint.seen.all.filter(isOurs)
    t.equal(seen.length, timesSeen(fault))
    t.equal(new Set(seen.map(({ requestId }) => requestId)).size, Math.min(seen.length, 1))
    t.equal(await router.metric('mirror_accepted_total'), delivered + dead)
    t.equal(await router.metric('mirror_delivered_total'), delivered)
    t.equal(await router.metric('mirror_dead_total'), dead)
    t.equal(await router.metric('mirror_pending'), 0)
  })
}

test('an answer of 5 MiB is not read to its end, and its connection not used again', async t => {
  const huge = FAULTS.find(({ name }) => name === 'answers 5 MiB')
  if (huge === undefined) throw new Error('no such fault')
  await endpoint.misbehave(huge)
  const connections = endpoint.connections()

  for (let i = 0; i < 2; i++) {
    await probe(router.port80, post('/api/1/envelope/', 'x'), 'POST')
    await router.metricIs(++delivered, 'mirror_delivered_total')
  }

  t.equal(endpoint.connections(), connections + 2)
})
