/** `mirror-router report`, beside a router and after it: what is missing, by name, and an exit code to decide by. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import t, { test, type Test } from 'tap'
import { parse } from 'yaml'
import { startRouterProcess, type RouterFile } from '../../src/demo/router-process.ts'
import type { MissingCopy } from '../../src/report/missing.ts'
import type { Report } from '../../src/report/report.ts'
import { answers, header, startBackend, type Answer, type Backend } from '../helpers/backends.ts'
import type { Ran } from '../helpers/command.ts'
import { eventually, routerConfig, startRouter, type StartedRouter } from '../helpers/router.ts'

t.setTimeout(120_000)

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** One failure, and no further attempt within the test. */
const LATER = { initial: '1h', max: '1h' }

type JsonReport = Report & { readonly notDelivered: readonly MissingCopy[] }

function report (router: StartedRouter, ...args: string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, 'report', ...args, '--config', join(router.folder, 'router.yaml')], (_error, out, err) => { resolve({ code: child.exitCode ?? -1, out, err }) })
  })
}

/** The report once its totals are as expected: what is counted is on disk within a second. */
async function reportOnce (router: StartedRouter, expected: Readonly<Record<string, number>>): Promise<JsonReport> {
  let last: JsonReport | null = null
  await eventually(async () => {
    const ran = await report(router, '--json')
    if (ran.err !== '') return ran.err
    last = JSON.parse(ran.out) as JsonReport
    const { totals } = last
    const wrong = Object.entries(expected).filter(([name, value]) => totals[name as keyof typeof totals] !== value)
    return wrong.length === 0 ? null : `${wrong.map(([name]) => name).join(', ')} in ${JSON.stringify(totals)}`
  }, 20_000)
  if (last === null) throw new Error('there is no report')
  return last
}

function eventId (n: number): string {
  return n.toString(16).padStart(32, '0')
}

async function post (url: string, n: number): Promise<void> {
  const body = gzipSync(`{"event_id":"${eventId(n)}"}\n{"type":"event"}\n{"message":"${n}"}\n`)
  const response = await fetch(url, { method: 'POST', headers: { 'content-encoding': 'gzip', 'x-test': String(n) }, body })
  await response.arrayBuffer()
}

/** Numbers 10 to 19 are refused for good, 20 to 29 may come again later, all others are taken. */
const byNumber: Answer = (request, socket) => {
  const n = Number(header(request, 'x-test'))
  const status = n >= 10 && n < 20 ? '400 Bad Request' : n >= 20 && n < 30 ? '503 Busy' : '200 OK'
  answers.status(status)(request, socket)
}

async function start (t: Test, workers: number): Promise<{ router: StartedRouter, relay: Backend, endpoint: Backend }> {
  const [relay, endpoint] = await Promise.all([startBackend(t), startBackend(t, byNumber)])
  const config = routerConfig({ relay: relay.port, web: relay.port, webRum: relay.port, endpoint: endpoint.port })
  const router = await startRouter(t, { ...config, mirror: { ...config['mirror'] as object, retry: LATER }, workers })
  return { router, relay, endpoint }
}

/** Project 1: three delivered, two dead, one waiting. Project 2: one delivered. Project 7 is off: one skipped. */
async function sendAll ({ url80 }: StartedRouter): Promise<void> {
  for (const n of [1, 2, 3, 10, 11, 20]) await post(`${url80}/api/1/envelope/`, n)
  await post(`${url80}/api/2/envelope/`, 4)
  await post(`${url80}/api/7/envelope/`, 5)
}

const SENT = { received: 8, answeredOk: 8, accepted: 7, delivered: 4, pending: 1, missing: 3 }

async function startAgain (t: Test, { folder }: StartedRouter): Promise<void> {
  const again = await startRouterProcess(parse(await readFile(join(folder, 'router.yaml'), 'utf8')) as RouterFile, folder)
  t.teardown(() => again.stop(5000))
}

for (const workers of [1, 2]) {
  test(`what is dead and what waits is missing, by project and by event id; workers: ${workers}`, async t => {
    const { router } = await start(t, workers)
    await sendAll(router)

    const { complete, totals, projects, notDelivered } = await reportOnce(router, SENT)
    const text = await report(router)
    const csv = await report(router, '--csv')
    const markdown = await report(router, '--markdown')

    t.equal(complete, false)
    t.match(totals, { dead: { 400: 2 }, skipped: { off: 1 }, skippedThoughTaken: { off: 1 } })
    t.match(projects, [
      { project: '1', accepted: 6, delivered: 3, verdict: '3 of 6 missing: 2 dead (400), 1 still waiting' },
      { project: '2', accepted: 1, delivered: 1, verdict: 'complete' },
      { project: '7', accepted: 0, verdict: 'nothing was copied (skipped: 1 off)' }
    ])
    t.strictSame(notDelivered.map(copy => [copy.project, copy.eventId, copy.state, copy.reason]), [
      ['1', eventId(10), 'dead', '400'], ['1', eventId(11), 'dead', '400'], ['1', eventId(20), 'pending', '']
    ])
    for (const ran of [text, csv, markdown]) {
      t.equal(ran.code, 1)
      t.equal(ran.err, '')
      t.match(ran.out, '3 of 6 missing: 2 dead (400), 1 still waiting')
      for (const n of [10, 11, 20]) t.match(ran.out, eventId(n))
      t.notMatch(ran.out, eventId(1))
    }
    t.equal((await report(router, '--project', '1')).code, 1)
    t.equal((await report(router, '--project', '2')).code, 0, 'a project that is complete passes alone')
  })
}

for (const workers of [1, 2]) {
  test(`kill -9 and a restart lose no count, and the report of the stopped spool is the same; workers: ${workers}`, async t => {
    const { router } = await start(t, workers)
    await sendAll(router)
    const before = await reportOnce(router, SENT)

    const exited = once(router.process, 'exit')
    process.kill(-(router.process.pid ?? 0), 'SIGKILL')
    await exited
    const stopped = await reportOnce(router, SENT)
    await startAgain(t, router)
    const restarted = await reportOnce(router, SENT)
    await post(`${router.url80}/api/2/envelope/`, 6)
    const after = await reportOnce(router, { received: 9, answeredOk: 9, accepted: 8, delivered: 5 })

    for (const later of [stopped, restarted]) {
      t.strictSame(later.projects, before.projects)
      t.strictSame(later.notDelivered, before.notDelivered)
    }
    t.match(after.projects.find(({ project }) => project === '2'), { accepted: 2, delivered: 2, verdict: 'complete' })
    t.match(after.totals, { missing: 3 })
  })
}

test('once what was refused is replayed and delivered, and nothing waits, the report is complete', async t => {
  const { router, endpoint } = await start(t, 1)
  for (const n of [1, 10, 11]) await post(`${router.url80}/api/1/envelope/`, n)
  await reportOnce(router, { accepted: 3, delivered: 1, missing: 2, pending: 0 })

  endpoint.answerWith(answers.status('200 OK'))
  const replayed = await fetch(`${router.adminUrl}/dead-letters/replay`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"all":true}' })
  t.equal(replayed.status, 200)
  const { complete, notDelivered, projects } = await reportOnce(router, { accepted: 3, delivered: 3, missing: 0 })

  t.equal(complete, true)
  t.strictSame(notDelivered, [])
  t.strictSame(projects.map(({ verdict }) => verdict), ['complete'])
  t.equal((await report(router)).code, 0)
})

test('answers other than 2xx are counted by status, and their copies are sent all the same', async t => {
  const { router, relay } = await start(t, 1)
  relay.answerWith(answers.status('429 Too Many Requests'))
  await post(`${router.url80}/api/1/envelope/`, 1)
  relay.answerWith(answers.status('200 OK'))
  await post(`${router.url80}/api/1/envelope/`, 2)
  await post(`${router.url80}/api/1/store/`, 3)

  const { totals, complete } = await reportOnce(router, { received: 3, answeredOk: 2, accepted: 2, delivered: 2 })

  t.equal(complete, true)
  t.match(totals, { answeredOther: { 429: 1 }, skipped: { endpoint: 1 }, skippedThoughTaken: { endpoint: 1 } })
})
