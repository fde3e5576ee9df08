/**
 * An endpoint that misbehaves for a while, in front of a running router: clients do not
 * notice, connections and memory are bounded, and in the end it has every copy.
 */
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import t, { test } from 'tap'
import { request } from 'undici'
import { answers, header, startBackend, type Answer } from '../helpers/backends.ts'
import { routerConfig, startRouter } from '../helpers/router.ts'

t.setTimeout(90_000)

const MEBIBYTE = 1024 * 1024
const COPIES = 60
const WIDTH = 4
const ok = answers.status('200 OK', 'ok')

const [upstream, endpoint] = await Promise.all([startBackend(t), startBackend(t)])
const config = routerConfig({ relay: upstream.port, web: upstream.port, webRum: upstream.port, endpoint: endpoint.port })
const router = await startRouter(t, {
  ...config,
  mirror: { ...config['mirror'] as object, concurrency: WIDTH, read_timeout: '600ms', retry: { initial: '20ms', max: '100ms' } }
})
/** All that were sent. */
let sent = 0

test('an endpoint that comes and goes several times a second gets every copy, and clients do not notice', async t => {
  const already = endpoint.requests.length
  let isUp = true
  let lostAnswers = 0
  const flap = setInterval(() => {
    isUp = !isUp
    endpoint.answerWith(isUp ? ok : (request, socket) => {
      lostAnswers++
      answers.reset()(request, socket)
    })
  }, 300)
  t.teardown(() => { clearInterval(flap) })
  const waits: number[] = []

  for (let i = 0; i < COPIES; i++) {
    waits.push(await send())
    await new Promise(resolve => { setTimeout(resolve, 30) })
  }
  clearInterval(flap)
  endpoint.answerWith(ok)
  await router.metricIs(sent, 'mirror_delivered_total', {}, 20_000)

  const ids = endpoint.requests.slice(already).map(request => header(request, 'x-request-id'))
  t.equal(new Set(ids).size, COPIES)
  t.equal(ids.length, COPIES + lostAnswers, 'it has a copy twice only where its answer was lost')
  t.ok(lostAnswers > 0)
  t.ok(Math.max(...waits) < 2000, `the slowest client waited ${Math.max(...waits)} ms`)
  t.equal(await router.metric('mirror_pending'), 0)
  t.equal(await router.metric('mirror_dead_total') + await router.metric('mirror_dropped_total'), 0)
})

for (const [what, misbehave] of [
  ['hangs', answers.never()],
  ['drips a head without end', (_request, socket) => {
    const timer = setInterval(() => { socket.write('X-Drip: a\r\n') }, 50)
    socket.write('HTTP/1.1 200 OK\r\n')
    socket.once('close', () => { clearInterval(timer) })
  }]
] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`an endpoint that ${what} has no more connections than the width allows, and gets every copy afterwards`, async t => {
    const already = endpoint.requests.length
    let open = 0
    let most = 0
    endpoint.answerWith((request, socket) => {
      most = Math.max(most, ++open)
      socket.once('close', () => { open-- })
      misbehave(request, socket)
    })
    const waits = await Promise.all(Array.from({ length: COPIES }, () => send()))
    await endpoint.received(already + 8)

    endpoint.answerWith(ok)
    await router.metricIs(sent, 'mirror_delivered_total', {}, 20_000)

    t.ok(most <= WIDTH, `${most} at once`)
    t.ok(Math.max(...waits) < 5000, `the slowest client waited ${Math.max(...waits)} ms`)
    t.equal(await router.metric('mirror_pending'), 0)
  })
}

test('answers of 5 MiB cost no memory', async t => {
  for (let i = 0; i < 40; i++) await send()
  await router.metricIs(sent, 'mirror_delivered_total')
  const before = peakBytes()
  endpoint.answerWith(answers.status('200 OK', Buffer.alloc(5 * MEBIBYTE)))

  for (let i = 0; i < 50; i++) await send()
  await router.metricIs(sent, 'mirror_delivered_total', {}, 20_000)

  const grown = peakBytes() - before
  t.ok(grown < 64 * MEBIBYTE, `250 MiB of answers cost ${Math.round(grown / MEBIBYTE)} MiB`)
})

/** How long a client waited for its answer, in milliseconds. */
async function send (): Promise<number> {
  sent++
  const startedAt = performance.now()
  const answer = await request(`${router.url80}/api/1/envelope/`, { method: 'POST', body: '{}\n' })
  await answer.body.dump()
  if (answer.statusCode !== 200) throw new Error(`the client was answered ${answer.statusCode}`)
  return performance.now() - startedAt
}

/** The most memory it has ever held. */
function peakBytes (): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${router.process.pid}/status`, 'utf8'))?.[1]) * 1024
}
