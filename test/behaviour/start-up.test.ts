/**
 * The order in which containers start does not matter: the router serves from the first
 * moment, uses each upstream as it appears, and finds it again under another address.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { test, type Test } from 'tap'
import { freePorts } from '../../src/demo/router-process.ts'
import { startNameService, withEnvironment, type NameService } from '../helpers/names.ts'
import { eventually, startRouter, type StartedRouter } from '../helpers/router.ts'

t.setTimeout(60_000)

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** Containers of a test, each with an address of its own. */
const NETWORK = `127.${randomInt(50, 250)}.${randomInt(1, 250)}`

interface Container {
  readonly stop: () => Promise<void>
}

/** Answers 200, and its name, to everything. */
async function startContainer (t: Test, name: string, host: string, port: number): Promise<Container> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => { response.end(name) })
  })
  server.listen(port, host)
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  t.teardown(stop)
  return { stop }
}

async function startWith (t: Test, names: NameService, port: number): Promise<StartedRouter> {
  const root = t.testdir({ 'js-sdk': { 'bundle.js': 'static' } })
  return await withEnvironment(names.env, async () => await startRouter(t, {
    upstreams: Object.fromEntries(['relay', 'web', 'web-rum'].map(name => [name, { servers: [`${name}:${port}`] }])),
    routes: [
      { location: '~ ^/api/[1-9]\\d*/', upstream: 'relay', mirror: true },
      { location: '^~ /js-sdk/', root },
      { location: '/', upstream: 'ui' }
    ],
    mirror: { endpoint: 'http://rum:80', default: '/rum/sentry/workspace/service' }
  }))
}

async function ask (url: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, init)
  const text = await response.text()
  return response.ok ? text : String(response.status)
}

/** Who answers for each upstream; a status when nobody does. */
async function look ({ url80, url81 }: StartedRouter): Promise<Record<'relay' | 'web' | 'web-rum', string>> {
  const [relay, web, webRum] = await Promise.all([ask(`${url80}/api/1/envelope/`, { method: 'POST', body: '{}\n' }), ask(url80), ask(url81)])
  return { relay, web, 'web-rum': webRum }
}

function all (address: string): Record<string, string> {
  return { relay: address, web: address, 'web-rum': address }
}

const NOBODY = { relay: '502', web: '502', 'web-rum': '502' }

test('without any upstream the router is ready, answers 502 for each, and serves what needs none', async t => {
  const names = startNameService(t)
  const router = await startWith(t, names, 9000)

  t.strictSame(await look(router), NOBODY)
  t.equal(await (await fetch(`${router.url80}/js-sdk/bundle.js`)).text(), 'static')
  t.equal((await fetch(`${router.adminUrl}/readyz`)).status, 200)
  t.equal(await router.metric('router_upstream_errors_total', { reason: 'dns' }), 3)
  await router.metricIs(1, 'mirror_accepted_total', { project: 'default' })
  t.equal(router.process.exitCode, null)
})

test('each upstream is used as it appears, in whatever order, without a restart', async t => {
  const names = startNameService(t)
  const [port = 0] = await freePorts(1)
  const router = await startWith(t, names, port)
  const seen = [await look(router)]

  await startContainer(t, 'web-rum', `${NETWORK}.1`, port)
  names.set({ 'web-rum': `${NETWORK}.1` })
  seen.push(await look(router))
  await startContainer(t, 'relay', `${NETWORK}.2`, port)
  names.set({ 'web-rum': `${NETWORK}.1`, relay: `${NETWORK}.2` })
  seen.push(await look(router))
  await startContainer(t, 'web', `${NETWORK}.3`, port)
  names.set({ 'web-rum': `${NETWORK}.1`, relay: `${NETWORK}.2`, web: `${NETWORK}.3` })
  seen.push(await look(router))

  t.strictSame(seen, [
    NOBODY,
    { ...NOBODY, 'web-rum': 'web-rum' },
    { ...NOBODY, 'web-rum': 'web-rum', relay: 'relay' },
    { web: 'web', 'web-rum': 'web-rum', relay: 'relay' }
  ])
})

test('an upstream whose name is there before it listens is used once it does', async t => {
  const names = startNameService(t)
  const [port = 0] = await freePorts(1)
  const address = `${NETWORK}.4`
  names.set(all(address))
  const router = await startWith(t, names, port)
  const before = await look(router)

  await startContainer(t, 'all', address, port)
  const after = await look(router)

  t.strictSame(before, NOBODY)
  t.strictSame(after, { relay: 'all', web: 'all', 'web-rum': 'all' })
  t.equal(await router.metric('router_upstream_errors_total', { reason: 'refused' }), 3)
})

test('a container recreated under another address is found there by the next request', async t => {
  const names = startNameService(t)
  const [port = 0] = await freePorts(1)
  const first = await startContainer(t, 'first', `${NETWORK}.5`, port)
  names.set(all(`${NETWORK}.5`))
  const router = await startWith(t, names, port)
  const before = await look(router)

  await first.stop()
  await startContainer(t, 'second', `${NETWORK}.6`, port)
  names.set(all(`${NETWORK}.6`))
  const after = await look(router)

  t.strictSame(before, { relay: 'first', web: 'first', 'web-rum': 'first' })
  t.strictSame(after, { relay: 'second', web: 'second', 'web-rum': 'second' })
})

test('self-hosted Sentry\'s own nginx.conf starts without any upstream, says in one line what it took over, and serves once they are there', async t => {
  const names = startNameService(t)
  const [port = 0] = await freePorts(1)
  const admin = `${NETWORK}.7`
  const file = join(t.testdir({}), 'nginx.conf')
  writeFileSync(file, readFileSync(new URL('../fixtures/nginx/stock.conf', import.meta.url), 'utf8').replace('listen 80;', `listen 127.0.0.1:${port};`))
  const router = spawn(process.execPath, [MAIN, 'start', '--config', file], { env: { ...process.env, ...names.env, MIRROR_ROUTER_ADMIN_HOST: admin }, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  router.stderr.on('data', (chunk: Buffer) => { log += chunk.toString() })
  router.stdout.on('data', (chunk: Buffer) => { log += chunk.toString() })
  const exited = once(router, 'exit')
  t.teardown(() => { router.kill('SIGKILL') })
  const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}${path}`)).status
  await eventually(async () => (await fetch(`http://${admin}:9145/readyz`)).status === 200 ? null : 'not ready')

  const before = [await status('/'), await status('/api/1/envelope/')]
  await startContainer(t, 'relay', `${NETWORK}.8`, 3000)
  await startContainer(t, 'web', `${NETWORK}.8`, 9000)
  names.set({ relay: `${NETWORK}.8`, web: `${NETWORK}.8` })
  const after = [await status('/'), await status('/api/1/envelope/')]
  router.kill('SIGTERM')

  t.strictSame(before, [502, 502])
  t.strictSame(after, [200, 200])
  t.strictSame(await exited, [0, null])
  const lines = log.split('\n').filter(line => line.includes('Taken over from'))
  t.equal(lines.length, 1, log)
  t.match(lines[0], `Taken over from ${file}: port ${port}, 7 locations, upstreams relay and sentry; nothing in it is mirrored, so nothing is copied.`)
  t.match(lines[0], `mirror-router import-nginx ${file}`)
})
