/** What keeps `start` from starting is one sentence that says what to do. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test, type Test } from 'tap'
import { stringify } from 'yaml'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

async function takenPort (t: Test): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function start (t: Test, config: Readonly<Record<string, unknown>>): Promise<{ code: number | string | null | undefined, err: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-start-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'router.yaml')
  await writeFile(file, stringify({ listeners: [{ port: 0, host: '127.0.0.1', ui: 'web' }], admin: { port: 0 }, workers: 1, spool: { path: 'spool' }, log: { level: 'silent', access: 'off' }, ...config }))
  return await new Promise(resolve => {
    execFile(process.execPath, [MAIN, 'start', '--config', file], { timeout: 20_000 }, (error, _out, err) => { resolve({ code: error === null ? 0 : error.code, err }) })
  })
}

test('a port that is taken: of a listener, and of the admin listener', async t => {
  const port = await takenPort(t)

  t.strictSame(await start(t, { listeners: [{ port, host: '127.0.0.1', ui: 'web' }] }), { code: 1, err: `mirror-router: cannot listen on 127.0.0.1 port ${port}: something else listens there; stop it, or change listeners[].port\n` })
  t.strictSame(await start(t, { admin: { host: '127.0.0.1', port } }), { code: 1, err: `mirror-router: cannot listen on 127.0.0.1 port ${port}: something else listens there; stop it, or change admin.port\n` })
})

test('an address that this machine has not', async t => {
  t.match(await start(t, { admin: { host: '192.0.2.1', port: 9145 } }), { code: 1, err: /^mirror-router: cannot listen on 192\.0\.2\.1 port 9145: this machine has no such address; change admin\.host\n$/ })
})

test('a name that has no address', async t => {
  t.match(await start(t, { admin: { host: 'does-not-exist.invalid', port: 9145 } }), { code: 1, err: /^mirror-router: cannot listen on does-not-exist\.invalid port 9145: the name has no address here \(\w+\); write an address as admin\.host\n$/ })
})
