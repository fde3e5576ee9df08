import { test, type Test } from 'tap'
import { createAdminServer, type AdminServer, type Readiness } from '../../../src/admin/server.ts'

async function setup (t: Test, readiness: () => Readiness = () => 'ready'): Promise<{ server: AdminServer, get: (path: string) => Promise<Response> }> {
  const server = createAdminServer({
    host: '127.0.0.1', port: 0, readiness,
    metrics: { contentType: 'text/plain; version=0.0.4; charset=utf-8', render: async () => 'mirror_pending 0\n' }
  })
  t.teardown(() => server.close())
  await server.listen()
  return { server, get: path => fetch(`http://127.0.0.1:${server.port()}${path}`) }
}

test('/healthz answers 200 while the process lives, ready or not', async t => {
  const { get } = await setup(t, () => 'draining')

  const response = await get('/healthz')

  t.equal(response.status, 200)
  t.equal(await response.text(), 'ok\n')
})

test('/readyz is 503 while starting or draining, and says which', async t => {
  let word: Readiness = 'starting'
  const { get } = await setup(t, () => word)
  const seen: string[] = []

  for (word of ['starting', 'ready', 'draining'] as const) {
    const response = await get('/readyz')
    seen.push(`${response.status} ${await response.text()}`)
  }

  t.strictSame(seen, ['503 starting\n', '200 ready\n', '503 draining\n'])
})

test('/metrics is what is rendered, in the type Prometheus expects', async t => {
  const { get } = await setup(t)

  const response = await get('/metrics')

  t.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(await response.text(), 'mirror_pending 0\n')
})

test('any other path is a 404 in JSON, without its query', async t => {
  const { get } = await setup(t)

  const response = await get('/nothing?secret=1')

  t.equal(response.status, 404)
  t.strictSame(await response.json(), { error: 'not_found', message: 'No GET /nothing here.' })
})

test('a port in use is an error of listen, and close is possible twice', async t => {
  const { server } = await setup(t)
  const second = createAdminServer({ host: '127.0.0.1', port: server.port(), readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })

  await t.rejects(second.listen(), { code: 'EADDRINUSE' })
  t.equal(second.port(), 0)
  await second.close()
  await server.close()
  await server.close()
})
