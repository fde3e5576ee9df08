/** The admin listener of the real program: who may ask, and how well everything is. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import { test } from 'tap'
import type { AdminRoute } from '../../src/admin/guard.ts'
import type { DeepHealth } from '../../src/admin/judge-health.ts'
import { eventually, startAll, type StartedRouter } from '../helpers/router.ts'

const TOKEN = 'a-token-of-24-characters'
const BEARER = { authorization: `Bearer ${TOKEN}` }

/** What anybody may see who reaches the listener: no body, and nothing changes. A new route belongs here, or is guarded. */
const SHOWN = new Set([
  '/', '/status.json', '/history.json', '/events', '/completeness.json', '/dead-letters', '/pending', '/report.txt', '/report.json', '/report.csv', '/report.md'
])
const OPEN = new Set(['/metrics', '/healthz', '/readyz'])

function routesOf (router: StartedRouter): AdminRoute[] {
  const line = router.output().split('\n').find(text => text.includes('routes of the admin listener'))
  if (line === undefined) throw new Error('the routes are not in the log')
  return (JSON.parse(line) as { routes: AdminRoute[] }).routes
}

async function healthOf (router: StartedRouter): Promise<{ status: number, health: DeepHealth }> {
  const response = await fetch(`${router.adminUrl}/readyz?deep=1`)
  return { status: response.status, health: await response.json() as DeepHealth }
}

/** @param name - What the caller takes the listener for; fetch would not say it. */
function statusUnder (name: string, url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host: name } }, response => {
      response.resume()
      resolve(response.statusCode)
    }).once('error', reject)
  })
}

/** One envelope of a project that is mirrored. @returns The status of the answer. */
async function post (router: StartedRouter): Promise<number> {
  const response = await fetch(`${router.url80}/api/1/envelope/`, { method: 'POST', body: '{}\n' })
  await response.arrayBuffer()
  return response.status
}

test('every route that changes state or shows bodies wants the token', async t => {
  const { router } = await startAll(t, { admin: { token: TOKEN }, log: { level: 'debug', access: 'off' } })
  const routes = routesOf(router)

  t.ok(routes.length > 10, `${routes.length} routes`)
  for (const { method, path, access } of routes) {
    const reads = method === 'GET' || method === 'HEAD'
    const expected = OPEN.has(path) ? 'open' : reads && (SHOWN.has(path) || path.startsWith('/assets/')) ? 'data' : 'guarded'
    t.equal(access, expected, `${method} ${path} is ${expected}`)
    if (access !== 'guarded') continue

    const url = router.adminUrl + path.replace(':id', 'a'.repeat(32))
    const refused = await fetch(url, { method })
    t.equal(refused.status, 401, `${method} ${path} without the token`)
    t.match(refused.headers.get('www-authenticate'), /^Bearer /)
    t.equal((await fetch(url, { method, headers: { authorization: 'Bearer another-token-altogether' } })).status, 401)
    t.not((await fetch(url, { method, headers: { ...BEARER, 'content-type': 'application/json' }, ...!reads && { body: '{}' } })).status, 401, `${method} ${path} with the token`)
  }
  t.notMatch(router.output(), TOKEN)

  const page = await readFile(new URL('../../docs/admin.md', import.meta.url), 'utf8')
  for (const { path } of routes) t.ok(page.includes(path.startsWith('/assets/') ? '`GET /assets/' : ` ${path}`) || page.includes(`\`${path}\``), `${path} is in docs/admin.md`)
})

test('neither another site nor a name that points here gets anything but metrics and health', async t => {
  const { router } = await startAll(t)

  for (const path of ['/dead-letters', '/report.json', '/status.json', '/nothing']) {
    t.equal((await fetch(router.adminUrl + path, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403, path)
  }
  t.equal((await fetch(`${router.adminUrl}/dead-letters/purge`, { method: 'POST', headers: { origin: 'https://evil.example.test', 'content-type': 'application/json' }, body: '{"all":true}' })).status, 403)
  for (const path of ['/metrics', '/healthz', '/readyz']) {
    t.equal((await fetch(router.adminUrl + path, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 200, path)
    t.equal(await statusUnder('evil.example.test', router.adminUrl + path), 200, path)
  }
  t.equal(await statusUnder('evil.example.test', `${router.adminUrl}/status.json`), 403)
  t.equal(await statusUnder('nginx:9145', `${router.adminUrl}/status.json`), 200)
})

test('/readyz?deep=1 knows every part in a quiet router, and sees an upstream go', async t => {
  const { router, web, endpoint } = await startAll(t)

  const quiet = await healthOf(router)
  await web.stop()
  await eventually(async () => (await healthOf(router)).status === 503 ? null : 'still ready')
  const { health } = await healthOf(router)

  t.equal(quiet.status, 200)
  t.strictSame(quiet.health.upstreams.map(({ name, state }) => `${name} ${state}`).sort(), ['relay ok', 'web ok', 'web-rum ok'])
  t.match(quiet.health, { ready: true, spool: { state: 'ok' }, endpoint: { state: 'unknown' } })
  t.match(health.upstreams.find(({ name }) => name === 'web'), { state: 'down', words: 'connection refused' })
  t.equal((await fetch(`${router.adminUrl}/readyz`)).status, 200)
  t.equal((await fetch(`${router.adminUrl}/healthz`)).status, 200)
  t.equal(endpoint.requests.length, 0, 'the endpoint is not probed')
})

test('an endpoint that is gone is told, and the router stays ready', async t => {
  const { router, endpoint } = await startAll(t)
  await endpoint.stop()

  for (let i = 0; i < 10; i++) await post(router)
  await eventually(async () => {
    const { health } = await healthOf(router)
    return health.endpoint.state === 'down' ? null : `the endpoint is ${health.endpoint.state}`
  })
  const { status, health } = await healthOf(router)

  t.equal(status, 200)
  t.match(health, { ready: true, endpoint: { state: 'down', at: /^\d{4}-/, words: /connection refused; 10 copies waiting/ }, spool: { state: 'ok' } })
  t.match(health.upstreams.find(({ name }) => name === 'relay'), { state: 'ok', words: /^last answer/ })
})

test('a spool that fails is told, and clients are answered as ever', async t => {
  const { router } = await startAll(t)
  await rm(join(router.folder, 'spool'), { recursive: true })
  await writeFile(join(router.folder, 'spool'), 'no folder any more')

  await eventually(async () => {
    t.equal(await post(router), 200)
    const { status, health } = await healthOf(router)
    return status === 503 && health.spool.state === 'failing' ? null : `${status}, the spool is ${health.spool.state}`
  })

  t.match((await healthOf(router)).health, { ready: false, spool: { words: /spool\.path/ } })
  t.equal((await fetch(`${router.adminUrl}/healthz`)).status, 200)
  t.equal((await fetch(`${router.adminUrl}/readyz`)).status, 200)
})
