/** How many copies are under way at once, and how a backlog goes out. */
import t, { test } from 'tap'
import { answers, startBackend, type Answer } from '../helpers/backends.ts'
import { startMirror } from '../helpers/copies.ts'

t.setTimeout(90_000)

/** Counts the requests that wait for their answer. */
function counted (answer: Answer, ms: number): { answer: Answer, most: () => number, forget: () => void } {
  let underWay = 0
  let most = 0
  return {
    answer (request, socket) {
      most = Math.max(most, ++underWay)
      setTimeout(() => {
        underWay--
        answer(request, socket)
      }, ms)
    },
    most: () => most,
    forget: () => { most = underWay }
  }
}

test('the width grows while it is used up and answered, to the bound and not above', async t => {
  const { answer, most } = counted(answers.status('200 OK'), 5)
  const endpoint = await startBackend(t, answer)
  const { keep, ended, delivery } = startMirror(t, { port: endpoint.port, concurrency: 20 })
  const atStart = delivery.status().width

  for (let i = 0; i < 600; i++) keep()
  await ended.atLeast(600)

  t.equal(atStart, 8)
  t.equal(delivery.status().width, 20)
  t.equal(most(), 20)
})

test('a width that is not needed does not grow', async t => {
  const endpoint = await startBackend(t)
  const { keep, ended, delivery } = startMirror(t, { port: endpoint.port })

  for (let i = 1; i <= 100; i++) {
    keep()
    await ended.atLeast(i)
  }

  t.equal(delivery.status().width, 8)
})

for (const [what, answer] of [
  ['503', answers.status('503 Busy')], ['429', answers.status('429 Slow')], ['a timeout', answers.never()]
] as const) {
  test(`${what} shrinks the width, once for all that were under way; successes let it grow again`, async t => {
    let strained = 4
    const endpoint = await startBackend(t, (request, socket) => {
      (strained-- > 0 ? answer : answers.status('200 OK'))(request, socket)
    })
    const { keep, ended, attempts, delivery } = startMirror(t, { port: endpoint.port, concurrency: 8, endpoint: { readTimeoutMs: 200 }, retry: { initialMs: 500, maxMs: 500 }, random: () => 0.9 })
    for (let i = 0; i < 4; i++) keep()
    await attempts.atLeast(4)
    const shrunk = delivery.status().width

    for (let i = 0; i < 200; i++) keep()
    await ended.atLeast(204)

    t.equal(shrunk, 4)
    t.equal(delivery.status().width, 8)
  })
}

for (const [what, answer] of [['500', answers.status('500 Oops')], ['a reset', answers.reset()], ['400', answers.status('400 Bad')]] as const) {
  test(`${what} does not shrink the width: it says nothing of the load`, async t => {
    const endpoint = await startBackend(t, answer)
    const { keep, attempts, delivery } = startMirror(t, { port: endpoint.port, retry: { initialMs: 60_000, maxMs: 60_000 }, random: () => 0.9 })

    for (let i = 0; i < 4; i++) keep()
    await attempts.atLeast(4)

    t.equal(delivery.status().width, 8)
  })
}

test('after an outage the backlog is no stampede: a few at a time, then one more per round trip', async t => {
  const { answer, most, forget } = counted(answers.status('200 OK'), 20)
  const endpoint = await startBackend(t)
  const { keep, ended, attempts, unaccounted, delivery } = startMirror(t, { port: endpoint.port, concurrency: 64, retry: { initialMs: 20, maxMs: 50 } })
  for (let i = 0; i < 3000; i++) keep()
  await ended.atLeast(3000)
  t.ok(delivery.status().width > 20, `it was wide before: ${delivery.status().width}`)
  // A 500 does not shrink the width: the outage does.
  endpoint.answerWith(answers.status('500 Down'))
  for (let i = 0; i < 1000; i++) keep()
  await attempts.atLeast(3070)
  t.not(delivery.status().downSince, null)

  endpoint.answerWith(answer)
  forget()
  await ended.atLeast(3100)
  const early = most()
  await ended.atLeast(4000)

  t.ok(early <= 20, `${early} at once among the first hundred`)
  t.ok(most() > early, 'then it widened')
  t.equal(unaccounted(), 0)
})

test('a backlog of 20,000 drains while fresh copies get their first attempt within a second', async t => {
  const endpoint = await startBackend(t)
  let ahead = -5000
  const { keep, ended, spool, unaccounted } = startMirror(t, { port: endpoint.port, now: () => Date.now() + ahead, maxBytes: 256 * 1024 * 1024 })
  for (let i = 0; i < 20_000; i++) keep({ target: '/backlog' })
  ahead = 0
  const waits: number[] = []

  const fresh = new Map<string, number>()
  for (let i = 0; i < 40; i++) {
    fresh.set(`/fresh/${i}`, performance.now())
    keep({ target: `/fresh/${i}` })
    while (!endpoint.requests.some(({ target }) => target === `/fresh/${i}`)) await endpoint.received(endpoint.requests.length + 1)
    waits.push(performance.now() - (fresh.get(`/fresh/${i}`) as number))
  }
  const left = spool.stats().pending
  await ended.atLeast(20_040, 60_000)

  t.ok(left > 0, 'the backlog was not gone before')
  t.ok(Math.max(...waits) < 1000, `the slowest first attempt came after ${Math.max(...waits)} ms`)
  t.equal(unaccounted(), 0)
})

test('a clock that is set back by an hour delays no backoff', async t => {
  const endpoint = await startBackend(t, (request, socket) => {
    answers.status('500 Oops')(request, socket)
    endpoint.answerWith(answers.status('200 OK'))
  })
  let ahead = 3_600_000
  const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port, now: () => Date.now() + ahead, retry: { initialMs: 50, maxMs: 50 }, random: () => 0.9 })
  keep()
  await attempts.atLeast(1)

  ahead = 0
  await ended.atLeast(1, 5000)

  t.strictSame(attempts.all, ['500', '200'])
  t.equal(unaccounted(), 0)
})
