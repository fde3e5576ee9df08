/** When copies go out: at once, after a backoff, held back, as probes, never again. */
import t, { test } from 'tap'
import { answers, startBackend, type Answer } from '../helpers/backends.ts'
import { eventually } from '../helpers/router.ts'
import { memoryBody, startMirror } from '../helpers/copies.ts'

t.setTimeout(60_000)

const HOUR = 3_600_000
const LATER = { initialMs: HOUR, maxMs: HOUR, maxAgeMs: 24 * HOUR }

/** Answers by the copy's target. */
function byTarget (table: Record<string, Answer>, otherwise: Answer = answers.status('200 OK')): Answer {
  return (request, socket) => { (table[request.target] ?? otherwise)(request, socket) }
}

test('a copy in backoff blocks no other', async t => {
  const endpoint = await startBackend(t, byTarget({ '/bad': answers.status('500 Oops') }))
  const { keep, ended, spool, unaccounted } = startMirror(t, { port: endpoint.port, concurrency: 1, retry: LATER, random: () => 0.5 })

  keep({ target: '/bad' })
  for (let i = 0; i < 5; i++) keep({ target: '/good' })
  await ended.atLeast(5)

  t.equal(endpoint.requests.filter(request => request.target === '/bad').length, 1)
  t.equal(spool.stats().pending, 1)
  t.ok((spool.nextDueAt() ?? 0) > Date.now() + HOUR / 4)
  t.equal(unaccounted(), 0)
})

for (const [what, value] of [
  ['seconds', () => '1'],
  ['a date', () => new Date(Date.now() + 2000).toUTCString()]
] as const) {
  test(`Retry-After in ${what} holds back its copy and those behind it`, async t => {
    const endpoint = await startBackend(t, (request, socket) => {
      answers.status('429 Slow', '', [`Retry-After: ${value()}`])(request, socket)
      endpoint.answerWith(answers.status('200 OK'))
    })
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port, retry: { initialMs: 1, maxMs: 1 } })
    keep({ target: '/first' })
    await attempts.atLeast(1)
    const refusedAt = performance.now()

    keep({ target: '/behind' })
    await endpoint.received(2)
    t.ok(performance.now() - refusedAt > 900, 'nothing is sent before the time is over')
    await ended.atLeast(2)

    t.strictSame(attempts.all, ['429', '200', '200'])
    t.equal(unaccounted(), 0)
  })
}

for (const value of ['0', '-5', 'soon', '99999999999', 'Thu, 01 Jan 1970 00:00:00 GMT']) {
  test(`Retry-After: ${value} is ignored: the backoff decides`, async t => {
    const endpoint = await startBackend(t, (request, socket) => {
      answers.status('503 Busy', '', [`Retry-After: ${value}`])(request, socket)
      endpoint.answerWith(answers.status('200 OK'))
    })
    const { keep, ended, attempts } = startMirror(t, { port: endpoint.port })

    keep()
    await ended.atLeast(1)

    t.strictSame(attempts.all, ['503', '200'])
  })
}

test('while the endpoint is down attempts are probes, one at a time; then everything goes out', async t => {
  let underWay = 0
  let mostProbes = 0
  const endpoint = await startBackend(t, (request, socket) => {
    underWay++
    // Those that went out before the eighth failure was known are no probes.
    if (endpoint.requests.length > 16) mostProbes = Math.max(mostProbes, underWay)
    setTimeout(() => {
      underWay--
      answers.status('503 Down')(request, socket)
    }, 5)
  })
  const { keep, ended, attempts, log, ledger, unaccounted } = startMirror(t, { port: endpoint.port, concurrency: 8, retry: { initialMs: 10, maxMs: 50 }, random: () => 0.9 })
  for (let i = 0; i < 200; i++) keep()
  await attempts.atLeast(25)
  const seen = mostProbes

  endpoint.answerWith(answers.status('200 OK'))
  await ended.atLeast(200)

  t.equal(seen, 1)
  t.ok((ledger.attempts['503'] ?? 0) < 40, `no stampede: ${ledger.attempts['503']} attempts failed`)
  t.strictSame(log, ['warn: the endpoint is down; copies wait in the spool, and go out once it is back', 'info: the endpoint is back; copies that waited go out'])
  t.equal(unaccounted(), 0)
})

test('copies that are taken while a probe is under way start no other', async t => {
  const endpoint = await startBackend(t, answers.status('503 Down'))
  const { keep, ended, delivery, unaccounted } = startMirror(t, { port: endpoint.port, retry: { initialMs: 20, maxMs: 50 } })
  for (let i = 0; i < 8; i++) keep()
  await eventually(async () => {
    const { downSince, underWay } = delivery.status()
    return downSince !== null && underWay === 0 ? null : 'the endpoint is not down, or attempts are under way'
  })
  endpoint.answerWith(answers.after(300, answers.status('200 OK')))
  const failed = endpoint.requests.length
  await endpoint.received(failed + 1)

  for (let i = 0; i < 20; i++) {
    keep()
    await new Promise(resolve => { setTimeout(resolve, 5) })
  }
  const probes = endpoint.requests.length - failed
  await ended.atLeast(28)

  t.equal(probes, 1)
  t.equal(unaccounted(), 0)
})

test('one copy that always fails is no outage', async t => {
  const endpoint = await startBackend(t, byTarget({ '/poison': answers.status('500 Oops') }))
  const { keep, attempts, ended, log } = startMirror(t, { port: endpoint.port, retry: { initialMs: 1, maxMs: 2 } })
  keep({ target: '/poison' })
  await attempts.atLeast(30)

  keep({ target: '/good' })
  await ended.atLeast(1)

  t.strictSame(log, [])
})

test('the first failures of an endpoint delay no fresh copy', async t => {
  const endpoint = await startBackend(t, byTarget({ '/fails': answers.reset() }))
  const { keep, attempts, ended } = startMirror(t, { port: endpoint.port, retry: LATER, random: () => 0.9 })
  for (let i = 0; i < 7; i++) keep({ target: '/fails' })
  await attempts.atLeast(7)
  const at = performance.now()

  keep({ target: '/good' })
  await ended.atLeast(1)

  t.ok(performance.now() - at < 1000)
})

test('a fresh copy goes before a backlog, and the backlog goes on', async t => {
  const endpoint = await startBackend(t, (request, socket) => {
    setTimeout(() => { answers.status('200 OK')(request, socket) }, 2)
  })
  let time = Date.now()
  const { keep, ended } = startMirror(t, { port: endpoint.port, concurrency: 1, now: () => time })
  for (let i = 0; i < 100; i++) keep({ target: '/backlog' })
  time += 5000

  for (let i = 0; i < 10; i++) keep({ target: '/fresh' })
  await ended.atLeast(110)

  const order = endpoint.requests.map(request => request.target)
  t.ok(order.lastIndexOf('/fresh') < 20, `the last of ten fresh copies was number ${order.lastIndexOf('/fresh')}`)
  t.ok(order.slice(0, 10).includes('/backlog'))
})

test('a copy older than max_age is a dead letter, whether it was tried or not', async t => {
  const endpoint = await startBackend(t, answers.status('503 Busy'))
  let ahead = 0
  const now = (): number => Date.now() + ahead
  const { keep, attempts, ended, spool, unaccounted } = startMirror(t, { port: endpoint.port, retry: { initialMs: 5, maxMs: 10, maxAgeMs: 60_000 }, now })
  keep()
  await attempts.atLeast(2)

  ahead = 60_001
  await ended.atLeast(1)
  keep({ takenAt: now() - 60_001 })
  await ended.atLeast(2)

  t.strictSame(ended.all, ['dead expired', 'dead expired'])
  t.strictSame(spool.deadLetters.list({}, 10).map(letter => letter.reason), ['expired', 'expired'])
  t.equal(unaccounted(), 0)
})

test('a backoff longer than what is left of max_age ends with it', async t => {
  const endpoint = await startBackend(t, answers.status('503 Busy'))
  const { keep, ended, attempts } = startMirror(t, { port: endpoint.port, retry: { ...LATER, maxAgeMs: 200 }, random: () => 0.9 })

  keep()
  await ended.atLeast(1)

  t.strictSame(ended.all, ['dead expired'])
  t.strictSame(attempts.all, ['503'])
})

test('closing waits for what is under way, and starts nothing', async t => {
  const endpoint = await startBackend(t, answers.after(100, answers.status('200 OK')))
  const { keep, delivery, spool, ledger, unaccounted } = startMirror(t, { port: endpoint.port, concurrency: 2 })
  for (let i = 0; i < 5; i++) keep()
  await endpoint.received(2)

  await delivery.close({ deadlineMs: 10_000 })

  t.equal(ledger.delivered, 2)
  t.equal(spool.stats().pending, 3)
  t.equal(endpoint.requests.length, 2)
  t.equal(unaccounted(), 0)
})

test('what is not done at the deadline goes back to the spool, uncounted', async t => {
  const endpoint = await startBackend(t, answers.never())
  const { keep, delivery, spool, attempts, unaccounted } = startMirror(t, { port: endpoint.port })
  keep()
  await endpoint.received(1)

  await delivery.close({ deadlineMs: 10 })

  t.strictSame(attempts.all, [])
  t.equal(spool.stats().pending, 1)
  t.equal(spool.claim(1, Infinity)[0]?.failures, 0)
  t.equal(unaccounted(), 0)
})

test('a full spool drops the oldest copies, counts them, and lets their bodies go', async t => {
  const endpoint = await startBackend(t, answers.never())
  const { keep, ledger, close, unaccounted } = startMirror(t, { port: endpoint.port, concurrency: 2, maxBytes: 100_000 })
  const bodies = Array.from({ length: 50 }, () => memoryBody(Buffer.alloc(9000)))
  keep({ body: memoryBody('x') })
  await endpoint.received(1)

  for (const body of bodies) keep({ body })

  t.equal(ledger.dropped['spool_full'], 40)
  t.strictSame(bodies.map(body => body.holders()), [...Array(40).fill(0), ...Array(10).fill(1)])
  t.equal(unaccounted(), 0)
  await close()
  t.strictSame(bodies.map(body => body.holders()), Array(50).fill(0))
  t.equal(unaccounted(), 0)
})
