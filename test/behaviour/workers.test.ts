/** Several processes behave as one: one sum of counters, and the loss of one is nobody's but its own. */
import { readFile } from 'node:fs/promises'
import t, { test } from 'tap'
import { request } from 'undici'
import { eventually, startAll, type StartedRouter } from '../helpers/router.ts'

const TIMES = 20

t.setTimeout(60_000)

test('a worker killed with SIGKILL is replaced; the router keeps answering and its counters keep their sums', async t => {
  const { endpoint, router } = await startAll(t, { workers: 2 })
  await postTimes(router)
  await endpoint.received(TIMES)
  await router.metricIs(TIMES, 'router_requests_total')
  await router.metricIs(TIMES, 'mirror_delivered_total', { project: '1' })
  const before = await workersOf(router)
  const [victim = 0] = before

  process.kill(victim, 'SIGKILL')
  await eventually(async () => (await workersOf(router)).includes(victim) ? `${victim} is still there` : null)
  await postTimes(router)

  await eventually(async () => {
    const now = await workersOf(router)
    return now.length === before.length ? null : `there are ${now.length} workers, not ${before.length}`
  })
  t.equal(before.length, 2)
  t.notOk((await workersOf(router)).includes(victim), 'a new worker took its place')
  await endpoint.received(2 * TIMES)
  await router.metricIs(2 * TIMES, 'router_requests_total')
  await router.metricIs(2 * TIMES, 'mirror_accepted_total', { project: '1' })
  await router.metricIs(2 * TIMES, 'mirror_delivered_total', { project: '1' })
  t.equal(router.process.exitCode, null)
})

/** Each on a connection of its own, so that both workers get some. */
async function postTimes (router: StartedRouter): Promise<void> {
  for (let i = 0; i < TIMES; i++) {
    const answer = await request(`${router.url80}/api/1/envelope/?sentry_key=a`, { method: 'POST', body: `{"n":${i}}`, reset: true })
    await answer.body.dump()
    if (answer.statusCode !== 200) throw new Error(`post ${i} was answered with ${answer.statusCode}`)
  }
}

/**
 * Linux: the supervisor's children (proc(5)). One that was killed is among them until
 * its last thread is gone; only then has the kernel closed its sockets.
 */
async function workersOf (router: StartedRouter): Promise<number[]> {
  const { pid } = router.process
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)
}
