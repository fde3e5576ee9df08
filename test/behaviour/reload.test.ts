/** The configuration changes while the router runs: swapped whole between two requests, and nobody notices but by its effect. */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { test } from 'tap'
import { Pool } from 'undici'
import { answers, startBackend, type Recorded } from '../helpers/backends.ts'
import { get, openConnection, post } from '../helpers/client.ts'
import { editFile, fileOf, postReload, reloadWith, type Sections } from '../helpers/reload.ts'
import { eventually, startAll, type StartedRouter } from '../helpers/router.ts'

const ENVELOPE = '/api/1/envelope/?sentry_key=a'
const RELOADS = 20
/** 12 connections with 50 ms between an answer and the next request: some 200 requests per second. */
const CONNECTIONS = 12
const PAUSE_MS = 50

t.setTimeout(120_000)

test('20 reloads under 200 requests per second: no request fails, and no copy goes to a service that was no more when its request came', async t => {
  const { endpoint, router } = await startAll(t, { workers: 2 })
  await reloadWith(router, mapTo(0))
  const client = new Pool(router.url80, { connections: CONNECTIONS })
  t.teardown(() => client.destroy())
  /** Of the last reload that was answered, and of the last that was asked for. */
  let answered = 0
  let asked = 0
  const sent: { first: number, last: number }[] = []
  const failures: unknown[] = []

  async function load (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const id = sent.length
      const span = { first: answered, last: Infinity }
      sent.push(span)
      try {
        const { statusCode, body } = await client.request({ method: 'POST', path: ENVELOPE, body: String(id) })
        await body.dump()
        if (statusCode !== 200) failures.push(statusCode)
      } catch (error) {
        failures.push(error)
      }
      span.last = asked
      await sleep(PAUSE_MS)
    }
  }

  const end = new AbortController()
  const clients = Array.from({ length: CONNECTIONS }, () => load(end.signal))
  for (let reload = 1; reload <= RELOADS; reload++) {
    asked = reload
    await reloadWith(router, mapTo(reload))
    answered = reload
    await sleep(100)
  }
  end.abort()
  await Promise.all(clients)

  const copies = await endpoint.received(sent.length)
  const strays = copies.filter(copy => {
    const span = sent[Number(copy.body)] ?? { first: Infinity, last: -Infinity }
    return serviceOf(copy) < span.first || serviceOf(copy) > span.last
  })
  t.strictSame(failures, [])
  t.ok(sent.length > 300, `there was load: ${sent.length} requests`)
  t.strictSame(strays.map(copy => [copy.target, String(copy.body)]), [])
  t.equal(new Set(copies.map(copy => String(copy.body))).size, sent.length, 'every copy came')
  t.equal(copies.length, sent.length, 'and none twice')
  t.equal(new Set(copies.map(serviceOf)).size, RELOADS + 1, 'every configuration was in force for a while')
  await router.metricIs(sent.length, 'mirror_delivered_total', { project: '1' })
})

test('20 reloads that change every upstream and the endpoint, under load: no request fails, and each copy is delivered once', async t => {
  const { relay, endpoint, router } = await startAll(t, { workers: 2 })
  const [otherRelay, otherEndpoint] = await Promise.all([startBackend(t), startBackend(t)])
  const relays = [relay, otherRelay]
  const endpoints = [endpoint, otherEndpoint]
  const client = new Pool(router.url80, { connections: CONNECTIONS })
  t.teardown(() => client.destroy())
  const failures: unknown[] = []
  let sent = 0

  async function load (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { statusCode, body } = await client.request({ method: 'POST', path: ENVELOPE, body: String(sent++) })
      await body.dump()
      if (statusCode !== 200) failures.push(statusCode)
      await sleep(PAUSE_MS)
    }
  }

  const end = new AbortController()
  const clients = Array.from({ length: CONNECTIONS }, () => load(end.signal))
  for (let reload = 1; reload <= RELOADS; reload++) {
    const at = reload % 2
    await reloadWith(router, config => {
      section(config, 'upstreams')['relay'] = { servers: [`127.0.0.1:${relays[at]?.port ?? 0}`] }
      section(config, 'mirror')['endpoint'] = `http://127.0.0.1:${endpoints[at]?.port ?? 0}`
    })
    await sleep(100)
  }
  end.abort()
  await Promise.all(clients)

  await router.metricIs(sent, 'mirror_delivered_total', { project: '1' })
  const copies = [...endpoint.requests, ...otherEndpoint.requests].map(copy => String(copy.body))
  t.strictSame(failures, [])
  t.ok(endpoint.requests.length > 0 && otherEndpoint.requests.length > 0)
  t.ok(relay.requests.length > 0 && otherRelay.requests.length > 0)
  t.equal(relay.requests.length + otherRelay.requests.length, sent)
  t.equal(copies.length, sent)
  t.equal(new Set(copies).size, sent)
})

test('a request under way is finished under the old rules, the next one on its connection under the new', async t => {
  const { relay, endpoint, router } = await startAll(t)
  const newRelay = await startBackend(t)
  const connection = await openConnection(t, router.port80)
  const request = post(ENVELOPE, '{"n":1}')
  await connection.send(request.subarray(0, -3))
  await router.metricIs(1, 'router_open_connections', {})

  await reloadWith(router, config => {
    mapTo(9)(config)
    section(config, 'upstreams')['relay'] = { servers: [`127.0.0.1:${newRelay.port}`] }
  })
  await connection.send(request.subarray(-3))
  const first = await connection.answer()
  await connection.send(post(ENVELOPE, '{"n":2}'))
  const second = await connection.answer()

  const copies = await endpoint.received(2)
  t.equal(first.status, 200)
  t.equal(second.status, 200)
  t.strictSame(bodies(relay.requests), ['{"n":1}'])
  t.strictSame(bodies(newRelay.requests), ['{"n":2}'])
  t.match(copies.find(copy => String(copy.body) === '{"n":1}')?.target, /^\/rum\/sentry\/workspace\/service-1\/api/)
  t.match(copies.find(copy => String(copy.body) === '{"n":2}')?.target, /^\/rum\/9\/api/)
})

test('an upstream that changed closes its idle connections at once and a busy one after its answer; one that did not keeps its own', async t => {
  const { relay, web, router } = await startAll(t)
  const newRelay = await startBackend(t)
  const relaySockets: Socket[] = []
  const held = Promise.withResolvers<() => void>()
  relay.answerWith((request, socket) => {
    relaySockets.push(socket)
    const answer = (): void => { answers.status('200 OK', 'ok')(request, socket) }
    if (relaySockets.length === 1) held.resolve(answer)
    else answer()
  })
  const [busy, idle] = await Promise.all([openConnection(t, router.port80), openConnection(t, router.port80)])
  await busy.send(post(ENVELOPE, 'busy'))
  const answerNow = await held.promise
  await idle.send(post(ENVELOPE, 'idle'))
  await idle.answer()
  await idle.send(get('/'))
  await idle.answer()
  const [busySocket, idleSocket] = relaySockets as [Socket, Socket]
  const idleClosed = once(idleSocket, 'close')

  await reloadWith(router, config => { section(config, 'upstreams')['relay'] = { servers: [`127.0.0.1:${newRelay.port}`] } })
  await idleClosed
  const busyWasOpen = !busySocket.destroyed
  const busyClosed = once(busySocket, 'close')
  answerNow()
  const answer = await busy.answer()
  await busyClosed
  await idle.send(get('/'))
  await idle.answer()

  t.ok(busyWasOpen)
  t.equal(answer.status, 200)
  t.equal(web.connections(), 1, 'the connection to web was used again')
})

test('a new endpoint gets the backlog and every new copy; an attempt under way at the old one is finished there, and not made twice', async t => {
  const { endpoint, router } = await startAll(t)
  await reloadWith(router, config => { section(config, 'mirror')['retry'] = { initial: '50ms', max: '100ms' } })
  const newEndpoint = await startBackend(t)
  const slow = Promise.withResolvers<() => void>()
  endpoint.answerWith((request, socket) => {
    if (String(request.body) === 'slow') slow.resolve(() => { answers.status('200 OK')(request, socket) })
    else answers.status('503 Service Unavailable')(request, socket)
  })
  const client = new Pool(router.url80)
  t.teardown(() => client.destroy())
  const send = async (body: string): Promise<void> => {
    const answer = await client.request({ method: 'POST', path: ENVELOPE, body })
    await answer.body.dump()
  }
  await send('slow')
  const answerSlow = await slow.promise
  for (const body of ['a', 'b', 'c']) await send(body)
  await endpoint.received(4)

  await reloadWith(router, config => { section(config, 'mirror')['endpoint'] = `http://127.0.0.1:${newEndpoint.port}` })
  const before = endpoint.requests.length
  await send('d')
  await newEndpoint.received(4)
  answerSlow()
  await router.metricIs(5, 'mirror_delivered_total', { project: '1' })

  t.strictSame(bodies(newEndpoint.requests).sort(), ['a', 'b', 'c', 'd'])
  t.equal(endpoint.requests.filter(({ body }) => String(body) === 'slow').length, 1)
  t.ok(endpoint.requests.length <= before + 1, 'an attempt that was under way at the most')
})

test('SIGHUP reloads every worker, and one that starts later runs what is in force, not what the file says now', async t => {
  const { endpoint, router } = await startAll(t, { workers: 2 })
  await editFile(router, mapTo(5))
  router.process.kill('SIGHUP')
  await router.metricIs(1, 'config_reloads_total', { result: 'success' })

  await postEach(router, 8)
  const first = (await endpoint.received(8)).map(serviceOf)
  await writeFile(fileOf(router), 'mirror: [')
  await router.metricIs(1, 'config_reloads_total', { result: 'failure' })
  const before = await workersOf(router)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await eventually(async () => {
    const now = await workersOf(router)
    return now.length === 2 && now.every(pid => !before.includes(pid)) ? null : `workers are ${now.join()}, and were ${before.join()}`
  })
  await eventually(async () => (await fetch(router.url80)).ok ? null : 'it does not answer')
  await postEach(router, 8)

  t.strictSame([...new Set(first)], [5])
  t.strictSame([...new Set((await endpoint.received(16)).map(serviceOf))], [5])
  t.equal(await router.metric('config_reloads_total', { result: 'success' }), 1)
})

test('the log\'s level and the access log\'s form change', async t => {
  const { router } = await startAll(t, { log: { level: 'silent', access: 'off' } })
  await fetch(router.url80)

  await reloadWith(router, config => { config['log'] = { level: 'info', access: 'json' } })
  await reloadWith(router, config => { section(config, 'client')['max_body'] = '1KiB' })
  await fetch(`${router.url80}/seen`)
  const tooLarge = await fetch(router.url80, { method: 'POST', body: 'x'.repeat(1025) })

  t.equal(tooLarge.status, 413)
  await eventually(async () => router.output().includes('/seen') ? null : 'no access log')
  t.match(router.output(), /"changes":\["client"\].*The configuration was reloaded/)
  t.notMatch(router.output(), /"listening"/)
})

test('a page of another site cannot make the router reload', async t => {
  const { router } = await startAll(t)

  const response = await fetch(`${router.adminUrl}/-/reload`, { method: 'POST', headers: { origin: 'https://example.com' } })

  t.equal(response.status, 403)
  t.equal(await router.metric('config_reloads_total'), 0)
})

test('who asks for reloads all at once shares them, and each is told of one that began after it asked', async t => {
  const { router } = await startAll(t, { workers: 2 })
  await editFile(router, mapTo(3))

  const all = await Promise.all(Array.from({ length: 50 }, () => postReload(router)))

  t.ok(all.every(({ status }) => status === 200))
  t.ok(await router.metric('config_reloads_total', { result: 'success' }) < 10)
})

function mapTo (service: number): (config: Sections) => void {
  return config => { section(config, 'mirror')['projects'] = { 1: `/rum/${service}` } }
}

function section (config: Sections, name: string): Record<string, unknown> {
  return config[name] ??= {}
}

function serviceOf ({ target }: Recorded): number {
  return Number(/^\/rum\/(\d+)\/api/.exec(target)?.[1] ?? NaN)
}

function bodies (requests: readonly Recorded[]): string[] {
  return requests.map(({ body }) => String(body))
}

/** Each on a connection of its own, so that both workers get some. */
async function postEach (router: StartedRouter, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const response = await fetch(router.url80 + ENVELOPE, { method: 'POST', body: '{}', headers: { connection: 'close' } })
    await response.arrayBuffer()
  }
}

/** Linux: the supervisor's children (proc(5)). */
async function workersOf (router: StartedRouter): Promise<number[]> {
  const { pid } = router.process
  return (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)
}
