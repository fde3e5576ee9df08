import type { IncomingHttpHeaders } from 'node:http'
import { test, type Test } from 'tap'
import { accessOf, refusalOf, type Access } from '../../../src/admin/guard.ts'
import { createAdminServer } from '../../../src/admin/server.ts'

const TOKEN = 'a-token-of-24-characters'
const RULES = { host: 'admin.internal.test', hosts: ['router.example.test'], token: TOKEN }
const WITHOUT_TOKEN = { ...RULES, token: null }
const BEARER = { authorization: `Bearer ${TOKEN}` }

function judged (method: string, headers: IncomingHttpHeaders, access: Access, rules: typeof RULES | typeof WITHOUT_TOKEN = RULES): string {
  const refusal = refusalOf(method, { host: '127.0.0.1:9145', ...headers }, access, rules)
  return refusal === null ? 'let through' : `${refusal.status} ${refusal.error}`
}

test('what changes state is guarded, whatever its route says; what says nothing is data', async t => {
  t.equal(accessOf('POST', undefined), 'guarded')
  t.equal(accessOf('DELETE', 'open'), 'guarded')
  t.equal(accessOf('GET', undefined), 'data')
  t.equal(accessOf('HEAD', 'open'), 'open')
})

test('with a token, a guarded route wants it, and it alone', async t => {
  t.equal(judged('POST', {}, 'guarded'), '401 token')
  for (const authorization of ['Bearer', 'Bearer ', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, TOKEN, 'Bearer a-token-of-24-CHARACTERS']) {
    t.equal(judged('POST', { authorization }, 'guarded'), '401 token', authorization)
  }
  t.equal(judged('POST', BEARER, 'guarded'), 'let through')
  t.equal(judged('GET', { authorization: `bearer  ${TOKEN}` }, 'guarded'), 'let through')
  t.equal(judged('GET', {}, 'data'), 'let through')
  t.equal(judged('POST', {}, 'guarded', WITHOUT_TOKEN), 'let through')
})

test('a refusal for want of the token says what to send, and never the token', async t => {
  const missing = refusalOf('POST', {}, 'guarded', RULES)
  const wrong = refusalOf('POST', { authorization: 'Bearer something-else-entirely' }, 'guarded', RULES)

  t.match(missing?.message, 'send "Authorization: Bearer TOKEN"')
  t.match(wrong?.message, 'what came is another one')
  t.notMatch(`${missing?.message} ${wrong?.message}`, /a-token|something-else/)
})

const FOREIGN: readonly IncomingHttpHeaders[] = [
  { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example.test' }, { origin: 'null' }, { origin: 'http://127.0.0.1:1' }
]

test('pages of other sites neither read nor act, with the token or without', async t => {
  for (const headers of FOREIGN) {
    t.equal(judged('GET', headers, 'data'), '403 cross_site', JSON.stringify(headers))
    t.equal(judged('POST', { ...headers, ...BEARER }, 'guarded'), '403 cross_site', JSON.stringify(headers))
    t.equal(judged('GET', headers, 'open'), 'let through')
  }
  t.equal(judged('POST', { origin: 'http://127.0.0.1:9145', 'sec-fetch-site': 'same-origin' }, 'guarded', WITHOUT_TOKEN), 'let through')
})

test('a link on another site leads to the page, not into it, and acts on nothing', async t => {
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }

  t.equal(judged('GET', link, 'data'), 'let through')
  t.equal(judged('GET', { ...link, 'sec-fetch-dest': 'iframe' }, 'data'), '403 cross_site')
  t.equal(judged('GET', link, 'guarded', WITHOUT_TOKEN), '403 cross_site')
  t.equal(judged('POST', link, 'data'), '403 cross_site')
})

test('a name that somebody pointed at this address is shown nothing', async t => {
  for (const host of ['evil.example.test', 'evil.example.test:9145', '127.0.0.1.evil.test', 'localhost.evil.test', 'router.example.test.evil.test', 'EVIL.example.test.']) {
    t.equal(judged('GET', { host }, 'data', WITHOUT_TOKEN), '403 unknown_host', host)
    t.equal(judged('POST', { host }, 'guarded', WITHOUT_TOKEN), '403 unknown_host', host)
    t.equal(judged('GET', { host }, 'open', WITHOUT_TOKEN), 'let through', host)
    t.equal(judged('GET', { host, ...BEARER }, 'data'), 'let through', `${host}, with the token`)
  }
})

test('addresses, names without a dot, localhost and the names of the configuration are known', async t => {
  for (const host of ['127.0.0.1', '10.0.0.7:9145', '[::1]', '[fe80::1]:9145', 'localhost:9145', 'router.localhost', 'nginx:9145', 'nginx', 'admin.internal.test:9145', 'Router.Example.test', 'router.example.test.', undefined]) {
    t.equal(judged('GET', { host }, 'data', WITHOUT_TOKEN), 'let through', host ?? 'no name')
  }
})

async function serve (t: Test): Promise<string> {
  const server = createAdminServer({ host: '127.0.0.1', port: 0, access: () => RULES, readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })
  void server.app.register(async scope => {
    scope.get('/shown', async () => 'data')
    scope.post('/act', async () => 'done')
  })
  t.teardown(() => server.close())
  await server.listen()
  return `http://127.0.0.1:${server.port()}`
}

test('routes that say nothing are judged too, in plugins as well, and before they run', async t => {
  const url = await serve(t)

  const refused = await fetch(`${url}/act`, { method: 'POST' })
  const done = await fetch(`${url}/act`, { method: 'POST', headers: BEARER })

  t.equal(refused.status, 401)
  t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="mirror-router"')
  t.match(await refused.json(), { error: 'token' })
  t.equal(await done.text(), 'done')
  t.equal((await fetch(`${url}/shown`, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
  t.equal((await fetch(`${url}/nothing`, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
  t.equal((await fetch(`${url}/shown`, { method: 'HEAD' })).status, 200)
})

test('no answer is framed, sniffed, cached or run by a browser, refusals included', async t => {
  const url = await serve(t)

  for (const path of ['/shown', '/healthz', '/metrics', '/nothing']) {
    const { headers } = await fetch(url + path)
    t.match(headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/, path)
    t.equal(headers.get('x-content-type-options'), 'nosniff')
    t.equal(headers.get('x-frame-options'), 'DENY')
    t.equal(headers.get('referrer-policy'), 'no-referrer')
    t.equal(headers.get('cache-control'), 'no-store')
    t.equal(headers.get('access-control-allow-origin'), null)
  }
})
