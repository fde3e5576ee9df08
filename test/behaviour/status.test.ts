/** /status.json, /history.json and /events of the running program: one look, and it is right. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { test, type Test } from 'tap'
import { request } from 'undici'
import { parse } from 'yaml'
import { startRouterProcess, type RouterFile } from '../../src/demo/router-process.ts'
import { openSpoolReader } from '../../src/spool/spool-reader.ts'
import type { Series, Status } from '../../src/status/status.ts'
import { answers, startBackend } from '../helpers/backends.ts'
import { eventually, MIRROR_PATHS, routerConfig, startAll, startRouter, type StartedRouter } from '../helpers/router.ts'
import { listen, outcomes, readHistory, readStatus } from '../helpers/status.ts'

t.setTimeout(120_000)

/** Each on a connection of its own, so that all workers get some. */
async function post ({ url80 }: StartedRouter, times: number, project = 1): Promise<void> {
  for (let i = 0; i < times; i++) {
    const answer = await request(`${url80}/api/${project}/envelope/?sentry_key=a`, { method: 'POST', body: `{"n":${i}}`, reset: true })
    await answer.body.dump()
    if (answer.statusCode !== 200) throw new Error(`post ${i} was answered with ${answer.statusCode}`)
  }
}

/** The status once nothing is wrong with it any more. */
async function statusOnce (router: StartedRouter, fault: (status: Status) => string | null): Promise<Status> {
  let last: Status | null = null
  await eventually(async () => {
    last = await readStatus(router.adminUrl)
    return fault(last)
  })
  return last ?? await readStatus(router.adminUrl)
}

function deliveredIs (count: number, window: '1h' | '24h' = '24h'): (status: Status) => string | null {
  return status => {
    const { delivered } = outcomes(status, window)
    return delivered === count ? null : `${delivered} delivered within ${window}, not ${count}`
  }
}

function lettersIn ({ deadLetters }: Status): number {
  return deadLetters.reduce((sum, { count }) => sum + count, 0)
}

function sum (values: Series | undefined): number {
  return values?.reduce<number>((sum, value) => sum + (value ?? 0), 0) ?? 0
}

/** Resolves once the history on disk holds as many deliveries: a kill takes what came since. */
async function kept (t: Test, { folder }: StartedRouter, count: number): Promise<void> {
  const reader = openSpoolReader(join(folder, 'spool'))
  t.teardown(() => reader.close())
  await eventually(async () => {
    const text = reader.readHistory()?.map(({ value }) => value.toString()).join('\n') ?? ''
    return text.includes(`"delivered 1":${count}`) ? null : 'nothing is kept yet'
  }, 15_000)
}

async function startAgain (t: Test, { folder }: StartedRouter): Promise<void> {
  const again = await startRouterProcess(parse(await readFile(join(folder, 'router.yaml'), 'utf8')) as RouterFile, folder)
  t.teardown(() => again.stop(5000))
}

for (const workers of [1, 2]) {
  test(`the numbers of /events move while traffic flows, and /status.json and /history.json say the same; workers: ${workers}`, async t => {
    const { router } = await startAll(t, { workers })
    const events = await listen(t, router.adminUrl)
    const before = await events.until(() => true)

    await post(router, 10)
    await post(router, 5, 2)
    await post(router, 3, 7)
    const { status } = await events.until(status => outcomes(status, 'now').delivered === 15)
    const asked = await readStatus(router.adminUrl)
    const { series, step } = await readHistory(router.adminUrl, '1h')

    t.match(events.response.headers.get('content-type'), 'text/event-stream')
    t.equal(outcomes(before.status, 'now').delivered, 0)
    for (const each of [status, asked]) {
      for (const window of ['now', '1h', '24h'] as const) t.match(outcomes(each, window), { accepted: 15, delivered: 15, dead: 0, dropped: 0, ratio: 1 })
      t.match(each.mirror?.endpoint, { state: 'up', since: null })
      t.match(each.mirror?.projects.map(({ project, state }) => [project, state]), [['1', 'ok'], ['2', 'ok']])
      t.strictSame(each.mirror?.projects[0]?.windows.map(({ delivered }) => delivered), [10, 10, 10])
      t.equal(each.processes.length, workers)
      t.equal(each.headline.level, 'ok', each.headline.words)
      t.strictSame(each.findings, [])
      t.equal(each.traffic.routes.reduce((sum, { requests }) => sum + requests, 0), 18)
      t.match(each.traffic.upstreams.find(({ name }) => name === 'relay'), { state: 'ok', errors: 0 })
    }
    t.type(asked.mirror?.latency.p50, 'number')
    t.equal(step, 10_000)
    t.equal(sum(series.delivered), 15)
    t.equal(sum(series.projects['2']?.delivered), 5)
    t.equal(sum(Object.values(series.requests)[0]), 18)
    t.equal(series.delivered[0], null, 'before the start nothing is known')
  })
}

test('an outage of the endpoint shows in /events within 3 s, in words; so does its end', async t => {
  const { router, endpoint } = await startAll(t)
  await post(router, 1)
  await endpoint.received(1)
  const events = await listen(t, router.adminUrl)
  await events.until(status => status.mirror?.endpoint.state === 'up')
  await endpoint.stop()

  const began = Date.now()
  await post(router, 20)
  const { status, cameAt } = await events.until(status => status.mirror?.endpoint.state === 'down')

  t.ok(cameAt - began < 3000, `after ${cameAt - began} ms`)
  t.match(status.mirror?.endpoint.words, /^down since \d\d:\d\d: connection refused; 20 copies waiting, oldest \d+ s; (?:next attempt in \d+ s|an attempt is under way)$/)
  t.equal(status.headline.level, 'trouble')
  t.match(status.headline.words, 'connection refused')
  t.match(status.spool, { works: true, pending: 20 })
  t.match(status.mirror?.projects[0], { project: '1', state: 'down' })

  await startBackend(t, answers.status('200 OK'), endpoint.port)
  const back = await events.until(status => status.mirror?.endpoint.state === 'up' && status.spool?.pending === 0)
  t.match(back.status.mirror?.endpoint.words, /^up; last answer \d+ s ago$/)
  t.equal(back.status.headline.level, 'ok')
})

test('one copy that fails is told of before it is an outage', async t => {
  const { router, endpoint } = await startAll(t)
  endpoint.answerWith(answers.status('503 Busy'))

  await post(router, 1)
  const status = await statusOnce(router, ({ mirror }) => mirror?.endpoint.state === 'failing' ? null : `it is ${mirror?.endpoint.state}`)

  t.match(status.mirror?.endpoint.words, /^failing since \d\d:\d\d: answered 503 \(unavailable\); 1 copy waiting/)
  t.match(status.findings, [{ level: 'warning' }])
})

test('dead letters are told by project and reason, and are gone from the status when they are purged', async t => {
  const { router, endpoint } = await startAll(t)
  endpoint.answerWith(answers.status('400 Bad Request'))
  await post(router, 3)
  await post(router, 1, 2)

  const status = await statusOnce(router, status => lettersIn(status) === 4 ? null : `${lettersIn(status)} dead letters`)
  const purged = await fetch(`${router.adminUrl}/dead-letters/purge`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"all":true}' })
  const after = await statusOnce(router, status => lettersIn(status) === 0 ? null : `${lettersIn(status)} dead letters`)

  t.strictSame(status.deadLetters, [{ project: '1', reason: '400', count: 3 }, { project: '2', reason: '400', count: 1 }])
  t.match(outcomes(status, '1h'), { delivered: 0, dead: 4, ratio: 0 })
  t.match(status.findings[0]?.words, '4 dead letters (project 1: 3 refused with 400; project 2: 1 refused with 400)')
  t.equal(purged.status, 200)
  t.equal(outcomes(after, '1h').dead, 4, 'what happened, happened')
})

for (const [how, signal] of [['stopped', 'SIGTERM'], ['killed', 'SIGKILL']] as const) {
  for (const workers of [1, 2]) {
    test(`the last 24 h count what was delivered before the router was ${how} and started again; workers: ${workers}`, async t => {
      const { router } = await startAll(t, { workers })
      await post(router, 12)
      await statusOnce(router, deliveredIs(12))
      if (signal === 'SIGKILL') await kept(t, router, 12)

      const exited = once(router.process, 'exit')
      process.kill(signal === 'SIGKILL' ? -(router.process.pid ?? 0) : router.process.pid ?? 0, signal)
      await exited
      await startAgain(t, router)
      const restarted = await readStatus(router.adminUrl)
      await post(router, 3)
      const after = await statusOnce(router, deliveredIs(15))
      const history = await readHistory(router.adminUrl, '24h')

      t.equal(deliveredIs(12)(restarted), null)
      t.equal(deliveredIs(15, '1h')(after), null)
      t.equal(sum(history.series.delivered), 15)
    })
  }
}

test('a worker that is killed takes nothing from the numbers', async t => {
  const { router } = await startAll(t, { workers: 2 })
  const events = await listen(t, router.adminUrl)
  await post(router, 20)
  const { status: { processes } } = await events.until(status => deliveredIs(20)(status) === null)

  process.kill(processes[0]?.pid ?? 0, 'SIGKILL')
  let least = 20
  const replaced = await events.until(status => {
    least = Math.min(least, outcomes(status, '24h').delivered, outcomes(status, 'now').delivered)
    return status.processes.length === 2 && status.processes.every(({ pid }) => pid !== processes[0]?.pid)
  })
  await post(router, 20)
  await events.until(status => deliveredIs(40)(status) === null)

  t.equal(least, 20)
  t.equal(deliveredIs(20)(replaced.status), null)
})

test('no secret is in the status, and it says what is served by which rules', async t => {
  const { router } = await startAll(t)
  await post(router, 1)

  const text = await (await fetch(`${router.adminUrl}/status.json`)).text()
  const { config } = JSON.parse(text) as Status

  for (const path of Object.values(MIRROR_PATHS)) if (path !== 'off') t.notMatch(text, path)
  t.notMatch(text, 'workspace')
  t.strictSame(config.projects, [
    { project: '1', state: 'mirrored', target: '…ce-1' },
    { project: '2', state: 'mirrored', target: '…ce-2' },
    { project: '7', state: 'off', target: '' },
    { project: 'default', state: 'off', target: '' }
  ])
  t.match(config.routes.find(({ mirror }) => mirror), { target: 'upstream relay' })
  t.equal(config.lastReload, null)
})

test('without a mirror there is a status of the traffic, and a history in memory', async t => {
  const relay = await startBackend(t)
  const { mirror: _, ...config } = routerConfig({ relay: relay.port, web: relay.port, webRum: relay.port, endpoint: 1 })
  const router = await startRouter(t, config)
  await post(router, 2)

  const status = await statusOnce(router, ({ traffic }) => traffic.routes.some(({ requests }) => requests === 2) ? null : 'no requests')
  const { series } = await readHistory(router.adminUrl, '1h')

  t.match(status, { mirror: null, spool: null, deadLetters: [], headline: { level: 'ok', words: 'All is well. Nothing is mirrored.' } })
  t.equal(sum(Object.values(series.requests).flat()), 2)
})

test('a router that stops ends the events of those who listen, and of those who never read', async t => {
  const { router } = await startAll(t)
  const events = await listen(t, router.adminUrl)
  await events.until(() => true)
  const { hostname, port } = new URL(router.adminUrl)
  const deaf = connect({ host: hostname, port: Number(port) })
  t.teardown(() => { deaf.destroy() })
  await once(deaf, 'connect')
  deaf.pause().on('error', () => {}).write(`GET /events HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)

  const ended = events.ended()
  const code = await router.stop()

  await ended
  t.equal(code, 0)
})

test('an unknown window is refused, and so is a page of another site', async t => {
  const { router } = await startAll(t)

  const unknown = await fetch(`${router.adminUrl}/history.json?window=7h`)
  const foreign = await Promise.all(['/status.json', '/history.json', '/events'].map(path => fetch(router.adminUrl + path, { headers: { 'sec-fetch-site': 'cross-site' } })))

  t.equal(unknown.status, 400)
  t.match(await unknown.json(), { message: 'window: expected 1h, 24h or 14d.' })
  t.strictSame(foreign.map(({ status }) => status), [403, 403, 403])
})
