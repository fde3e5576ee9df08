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

test('copies that a killed worker had taken are delivered by the ones that live', async t => {
  const { endpoint, router } = await startAll(t, { workers: 2 })
  const hung = new Promise<void>(resolve => {
    endpoint.answerWith(() => { resolve() })
  })
  await postTimes(router)
  await hung

  for (const worker of await workersOf(router)) process.kill(worker, 'SIGKILL')
  endpoint.answerWith((_request, socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') })

  await router.metricIs(TIMES, 'mirror_delivered_total', { project: '1' }, 20_000)
  t.strictSame(new Set(endpoint.requests.map(({ body }) => body.toString())).size, TIMES, 'every body arrived')
  await router.metricIs(0, 'mirror_pending')
})

/** Each on a connection of its own, so that both workers get some. */
async function postTimes (router: StartedRouter): Promise<void> {
  for (let i = 0; i < TIMES; i++) {
    const answer = await request(`${router.url80}/api/1/envelope/?sentry_key=a`, { method: 'POST', body: `{"n":${i}}`, reset: true })
    await answer.body.dump()
    if (answer.statusCode !== 200) throw new Error(`post ${i} was answered with ${answer.statusCode}`)
  }
}

/** Linux: the supervisor's living children (proc(5), `children` of its threads). */
async function workersOf (router: StartedRouter): Promise<number[]> {
  const { pid } = router.process
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)
  const living = await Promise.all(children.map(async child => {
    const stat = await readFile(`/proc/${child}/stat`, 'utf8').catch(() => '')
    return stat !== '' && !stat.includes(') Z ')
  }))
  return children.filter((_, i) => living[i])
}
