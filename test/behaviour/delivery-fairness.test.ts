/** One project that fails, in every way there is, and the copies of another beside it. */
import t, { test, type Test } from 'tap'
import { answers, startBackend, type Answer } from '../helpers/backends.ts'
import { startMirror } from '../helpers/copies.ts'

t.setTimeout(60_000)

const RETRY = { initialMs: 20, maxMs: 200 }

/** Does `fault` to project 1; the others are served. */
const poisoned = (fault: Answer): Answer => (request, socket) => {
  (request.target.startsWith('/1') ? fault : answers.status('200 OK'))(request, socket)
}

/** Copies of project 1 without end, 40 at first, then 10 every 20 ms; until the test ends. */
function keepPoison (t: Test, keep: (fields: { project: string, target: string }) => unknown): void {
  const add = (count: number): void => { for (let i = 0; i < count; i++) keep({ project: '1', target: '/1' }) }
  add(40)
  const timer = setInterval(() => { add(10) }, 20)
  t.teardown(() => { clearInterval(timer) })
}

for (const [what, fault] of [
  ['is answered 503', answers.status('503 Unavailable')],
  ['is answered 429', answers.status('429 Slow')],
  ['is answered 500', answers.status('500 Oops')],
  ['is answered 403', answers.status('403 Quota')],
  ['is reset', answers.reset()],
  ['gets no answer', answers.never()]
] as const) {
  test(`a project that ${what} delays no copy of another by more than a second`, async t => {
    const endpoint = await startBackend(t, poisoned(fault))
    const { keep, ended, close, unaccounted, delivery } = startMirror(t, { port: endpoint.port, concurrency: 8, retry: RETRY, endpoint: { readTimeoutMs: 3000 } })
    keep({ project: '7', target: '/7' })
    await ended.atLeast(1)
    keepPoison(t, keep)
    const delays: number[] = []

    for (let i = 2; i <= 20; i++) {
      const at = performance.now()
      keep({ project: '7', target: '/7' })
      await ended.atLeast(i)
      delays.push(performance.now() - at)
      await new Promise(resolve => { setTimeout(resolve, 50) })
    }

    t.ok(Math.max(...delays) < 1000, `the slowest took ${Math.max(...delays)} ms`)
    t.equal(delivery.status().downSince, null)
    await close()
    t.equal(unaccounted(), 0)
  })
}

test('a project that fails alone is named, is probed, and is delivered when it is back', async t => {
  const endpoint = await startBackend(t, poisoned(answers.status('503 Unavailable')))
  const { keep, ended, attempts, log, delivery, unaccounted } = startMirror(t, { port: endpoint.port, retry: RETRY })
  keep({ project: '7', target: '/7' })
  await ended.atLeast(1)
  for (let i = 0; i < 100; i++) keep({ project: '1', target: '/1' })
  await attempts.atLeast(15)
  const { projectsDown, width } = delivery.status()

  endpoint.answerWith(answers.status('200 OK'))
  await ended.atLeast(101)

  t.strictSame(projectsDown.map(({ project }) => project), ['1'])
  t.ok(width >= 1)
  t.ok(attempts.all.filter(code => code === '503').length < 60, 'not every copy was tried')
  t.strictSame(log, [
    'warn: the endpoint takes no copies of one project; they wait in the spool: is its path in the configuration right, and its quota used up?',
    'info: the endpoint takes the copies of this project again'
  ])
  t.strictSame(delivery.status().projectsDown, [])
  t.equal(unaccounted(), 0)
})

test('a project that fails alone has one attempt under way at a time', async t => {
  let underWay = 0
  let most = 0
  const endpoint = await startBackend(t, poisoned((request, socket) => {
    underWay++
    if (endpoint.requests.length > 40) most = Math.max(most, underWay)
    setTimeout(() => {
      underWay--
      answers.status('503 Unavailable')(request, socket)
    }, 5)
  }))
  const { keep, ended, attempts } = startMirror(t, { port: endpoint.port, retry: RETRY, random: () => 0.5 })
  keep({ project: '7', target: '/7' })
  await ended.atLeast(1)

  keepPoison(t, keep)
  await attempts.atLeast(50)

  t.equal(most, 1)
})

test('an endpoint that seems down because of the only project seen serves the next project within seconds', async t => {
  const endpoint = await startBackend(t, poisoned(answers.status('503 Unavailable')))
  const { keep, ended, attempts, delivery, unaccounted } = startMirror(t, { port: endpoint.port, retry: RETRY })
  for (let i = 0; i < 12; i++) keep({ project: '1', target: '/1' })
  await attempts.atLeast(10)
  t.not(delivery.status().downSince, null)

  keep({ project: '7', target: '/7' })
  await ended.atLeast(1)

  t.equal(delivery.status().downSince, null)
  t.equal(unaccounted(), 0)
})

test('a project that asks for a pause after every pause holds back the others twice at most', async t => {
  const endpoint = await startBackend(t, poisoned(answers.status('429 Slow', '', ['Retry-After: 1'])))
  const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port, retry: RETRY, concurrency: 1 })
  keep({ project: '1', target: '/1' })
  await attempts.atLeast(1)
  const at = performance.now()

  for (let i = 1; i <= 10; i++) {
    keep({ project: '7', target: '/7' })
    await ended.atLeast(i)
  }

  t.ok(performance.now() - at < 3000)
  t.equal(unaccounted(), 0)
})

test('Retry-After holds back copies of every project', async t => {
  const endpoint = await startBackend(t, poisoned(answers.status('503 Busy', '', ['Retry-After: 1'])))
  const { keep, ended, attempts, delivery } = startMirror(t, { port: endpoint.port, retry: RETRY })
  keep({ project: '1', target: '/1' })
  await attempts.atLeast(1)
  const at = performance.now()

  keep({ project: '7', target: '/7' })
  const { closedUntil } = delivery.status()
  await ended.atLeast(1)

  t.ok((closedUntil ?? 0) > Date.now() - 1000)
  t.ok(performance.now() - at > 900)
})
