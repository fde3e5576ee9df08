import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type Test } from 'tap'
import type { AdminConfig } from '../../../src/config/config.ts'
import { adminFetch, adminJson, adminOrigin } from '../../../src/cli/admin-client.ts'

const TOKEN = 'a-token-of-24-characters'

async function adminAt (t: Test, answer: RequestListener): Promise<AdminConfig> {
  const server = createServer(answer)
  t.teardown(() => server.close())
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, token: null, hosts: [] }
}

/** Nobody listens there. */
async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => { server.close(resolve) })
  return port
}

test('a router that listens on every address is reached over loopback', async t => {
  for (const [host, port, origin] of [
    ['127.0.0.1', 9145, 'http://127.0.0.1:9145'], ['0.0.0.0', 9145, 'http://127.0.0.1:9145'], ['::', 1, 'http://127.0.0.1:1'],
    ['::1', 9145, 'http://[::1]:9145'], ['router.example.test', 80, 'http://router.example.test:80'], ['::', 0, null]
  ] as const) t.equal(adminOrigin({ host, port }), origin, host)
})

test('the token of the configuration goes along, and no other header of ours', async t => {
  const seen: IncomingMessage['headers'][] = []
  const admin = await adminAt(t, (request, response) => {
    seen.push(request.headers)
    response.end('{}')
  })

  await adminJson({ ...admin, token: TOKEN }, '/status.json')
  await adminFetch(admin, '/-/reload', { method: 'POST' })

  t.equal(seen[0]?.authorization, `Bearer ${TOKEN}`)
  t.equal(seen[1]?.authorization, undefined)
})

test('a router that wants a token, or another, says which configuration to give, and never the token', async t => {
  const admin = await adminAt(t, (_request, response) => { response.writeHead(401).end('{}') })

  await t.rejects(adminFetch(admin, '/x'), { name: 'CommandError', message: /wants a token; give this command the configuration/ })
  await t.rejects(adminFetch({ ...admin, token: TOKEN }, '/x'), { message: /^(?!.*a-token).*wants another token/ })
})

test('a refusal is told in the words of the router', async t => {
  const admin = await adminAt(t, (_request, response) => { response.writeHead(400).end(JSON.stringify({ error: 'bad', message: 'since: expected a time.' })) })

  await t.rejects(adminJson(admin, '/x'), { message: `The router at http://127.0.0.1:${admin.port} answered 400: since: expected a time.` })
})

test('where nobody listens, and where nobody answers in time, the sentence says what to do', async t => {
  const silent = await adminAt(t, () => {})

  await t.rejects(adminFetch(silent, '/x', { timeoutMs: 50 }), { message: /did not answer in time\. Look at its log/ })
  await t.rejects(adminFetch({ ...silent, port: await freePort() }, '/x'), { message: /No router listens at .*--config FILE/ })
  await t.rejects(adminFetch({ ...silent, port: 0 }, '/x'), { message: /admin\.port is 0.*give admin\.port a number/ })
})
