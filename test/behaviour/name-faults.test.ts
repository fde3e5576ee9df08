/** Names that fail, hang, change, or have addresses that are dead; and addresses that are IPv6. */
import t, { test, type Test } from 'tap'
import { request } from 'undici'
import { freePorts } from '../../src/demo/router-process.ts'
import { answers, startBackend, type Answer, type Backend } from '../helpers/backends.ts'
import { startNameService, withEnvironment, type Names } from '../helpers/names.ts'
import { eventually, startRouter } from '../helpers/router.ts'
import { openBlackhole } from '../parity/blackhole.ts'

t.setTimeout(60_000)

/** No connection is kept: every request needs one, and so a name. */
const closing: Answer = answers.status('200 OK', 'ok', ['Connection: close'])

const [relayPort = 0, endpointPort = 0] = await freePorts(2)
const names = startNameService(t)
// One router for all: its upstream and its endpoint are where each test says, on these ports.
const router = await withEnvironment(names.env, () => startRouter(t, {
  upstreams: {
    relay: { servers: [`relay:${relayPort}`], connect_timeout: '6s' },
    web: { servers: [`web:${relayPort}`], connect_timeout: '300ms' },
    'web-rum': { servers: [`web:${relayPort}`] }
  },
  mirror: { endpoint: `http://rum.example.test:${endpointPort}`, default: '/rum', connect_timeout: '1s', retry: { initial: '50ms', max: '200ms' } }
}))

/** Names of both legs from now on; what was known before is forgotten. */
async function resolveTo (next: Names): Promise<void> {
  names.set({})
  for (const path of ['/api/1/', '/']) await (await request(`${router.url80}${path}`)).body.dump()
  names.set(next)
}

async function send (path = '/api/1/envelope/'): Promise<{ status: number, body: string, ms: number }> {
  const startedAt = performance.now()
  const answer = await request(`${router.url80}${path}`, { method: 'POST', body: '{}' })
  return { status: answer.statusCode, body: await answer.body.text(), ms: performance.now() - startedAt }
}

/** Backends of both legs, at an address. */
async function startAt (t: Test, host: string, answer: Answer = closing): Promise<{ relay: Backend, endpoint: Backend }> {
  return { relay: await startBackend(t, answer, relayPort, host), endpoint: await startBackend(t, closing, endpointPort, host) }
}

const errors = (): Promise<number> => router.metric('router_upstream_errors_total', { upstream: 'relay' })

test('an upstream without an address is a 502, and is served as soon as it has one', async t => {
  await startAt(t, '127.0.0.1')

  await resolveTo({ 'rum.example.test': '127.0.0.1' })
  const before = await send()
  names.set({ relay: '127.0.0.1', 'rum.example.test': '127.0.0.1' })
  const after = await send()

  t.equal(before.status, 502)
  t.ok(await router.metric('router_upstream_errors_total', { upstream: 'relay', reason: 'dns' }) > 0)
  t.equal(after.status, 200)
})

test('while the name service fails or hangs, an upstream is found where it was', async t => {
  await startAt(t, '127.0.0.1')
  await resolveTo({ relay: '127.0.0.1' })
  const before = await errors()
  const sent = [await send()]

  names.set({ relay: { error: 'EAI_AGAIN' } })
  sent.push(await send())
  names.set({ relay: { hangs: true } })
  sent.push(await send(), await send())

  t.strictSame(sent.map(({ status }) => status), [200, 200, 200, 200])
  t.ok(sent.every(({ ms }) => ms < 5000))
  t.equal(await errors(), before)
})

test('a name service that hangs before it has ever answered is a 504 after connect_timeout', async t => {
  await startAt(t, '127.0.0.1')
  await resolveTo({ web: { hangs: true } })

  const hung = await send('/')
  names.set({ web: '127.0.0.1' })
  const next = await send('/')

  t.equal(hung.status, 504)
  t.ok(hung.ms < 3000)
  t.equal(next.status, 200)
})

test('an upstream that moves while connections to it are pooled loses no request', async t => {
  const first = await startBackend(t, answers.status('200 OK', 'first'), relayPort)
  const second = await startBackend(t, answers.status('200 OK', 'second'), relayPort, '127.0.0.2')
  await resolveTo({ relay: '127.0.0.1' })
  const bodies = [(await send()).body]

  names.set({ relay: '127.0.0.2' })
  bodies.push((await send()).body)
  await first.stop()
  bodies.push((await send()).body)

  t.strictSame(bodies, ['first', 'first', 'second'], 'a connection that works is used')
  t.equal(second.requests.length, 1)
})

for (const [what, addresses] of [
  ['the first of which refuses', ['127.0.0.2', '127.0.0.1']],
  ['an IPv6 one that refuses before an IPv4 one', ['::1', '127.0.0.1']],
  ['two IPv4 ones that refuse before an IPv6 one', ['127.0.0.2', '127.0.0.3', '::1']],
  ['an IPv6 one without a route', ['2001:db8::1', '127.0.0.1']],
  ['there is only an IPv6 one', ['::1']]
] as const) {
  test(`of several addresses, ${what}, one that is alive is found, by both legs`, async t => {
    const { endpoint } = await startAt(t, addresses.at(-1) ?? '')
    await resolveTo({ relay: addresses, 'rum.example.test': addresses })
    const [upstreamErrors, failed] = [await errors(), await router.metric('mirror_attempts_total', { code: 'refused' })]

    const { status } = await send()
    // Those of the tests before come too.
    await router.metricIs(0, 'mirror_pending')

    t.equal(status, 200)
    t.ok(endpoint.requests.length > 0)
    t.equal(await errors(), upstreamErrors)
    t.equal(await router.metric('mirror_attempts_total', { code: 'refused' }), failed)
  })
}

test('an address that hangs costs a quarter of connect_timeout, and the next is tried', async t => {
  await startAt(t, '127.0.0.1')
  const blackhole = await openBlackhole(relayPort, '127.0.0.2')
  t.teardown(() => blackhole.close())
  await resolveTo({ relay: ['127.0.0.2', '127.0.0.1'] })

  const { status, ms } = await send()

  t.equal(status, 200)
  t.ok(ms > 1400 && ms < 4000, `it took ${ms} ms`)
})

test('an address whose SYN is lost once is waited for, though the next one is dead', async t => {
  const slow = await openBlackhole(relayPort, '127.0.0.2')
  t.teardown(() => slow.close())
  await resolveTo({ relay: ['127.0.0.2', '127.0.0.3'] })

  const sent = send()
  setTimeout(() => { slow.open() }, 300)
  const { status, body } = await sent

  t.strictSame([status, body], [200, 'slow'])
})

test('an endpoint whose name fails or hangs is not seen by a client, and gets its copies afterwards', async t => {
  const { endpoint } = await startAt(t, '127.0.0.1')
  await resolveTo({ relay: '127.0.0.1', 'rum.example.test': '127.0.0.1' })
  await router.metricIs(0, 'mirror_pending')
  const before = endpoint.requests.length
  const sent: Awaited<ReturnType<typeof send>>[] = []

  for (const fault of [{ error: 'ENOTFOUND' }, { hangs: true }, { error: 'EAI_AGAIN' }] as const) {
    names.set({ relay: '127.0.0.1', 'rum.example.test': fault })
    const code = 'hangs' in fault ? 'timeout' : 'dns'
    const failed = await router.metric('mirror_attempts_total', { code })
    for (let i = 0; i < 3; i++) sent.push(await send())
    await eventually(async () => await router.metric('mirror_attempts_total', { code }) > failed ? null : `no attempt ended in ${code}`)
  }
  names.set({ relay: '127.0.0.1', 'rum.example.test': '127.0.0.1' })
  await router.metricIs(0, 'mirror_pending')

  t.ok(sent.every(({ status, ms }) => status === 200 && ms < 2000))
  t.equal(endpoint.requests.length, before + 9)
})

test('IPv6 addresses are written in brackets, as upstream and as endpoint', async t => {
  const [relay, endpoint] = await Promise.all([startBackend(t, answers.status('200 OK', 'six'), 0, '::1'), startBackend(t, closing, 0, '::1')])
  const router = await startRouter(t, {
    upstreams: { relay: { servers: [`[::1]:${relay.port}`] }, web: { servers: ['[::1]:1'] }, 'web-rum': { servers: ['[::1]:1'] } },
    mirror: { endpoint: `http://[::1]:${endpoint.port}`, default: '/rum' }
  })

  const answer = await request(`${router.url80}/api/1/envelope/`, { method: 'POST', body: '{}' })
  const [copy] = await endpoint.received(1)

  t.strictSame([answer.statusCode, await answer.body.text()], [200, 'six'])
  t.ok(copy?.head.toString('latin1').includes(`\r\nHost: [::1]:${endpoint.port}\r\n`))
})
