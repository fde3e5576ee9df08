/** No spelling of a path and no symbolic link leads out of the folder that /js-sdk/ is served from. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { test } from 'tap'
import { exchange } from '../helpers/exchange.ts'
import { startRouter } from '../helpers/router.ts'

const SECRET = 'what lies outside'

t.setTimeout(60_000)
const folder = await mkdtemp(join(tmpdir(), 'mirror-router-outside-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))
const outside = join(folder, 'outside')
const root = join(folder, 'served')
const sdk = join(root, 'js-sdk')
for (const path of [join(outside, 'empty'), join(outside, 'closed'), join(root, 'beside'), join(sdk, 'version/nested')]) await mkdir(path, { recursive: true })
// A folder whose name begins as the root's.
await mkdir(`${root}-secret`)
for (const path of [join(outside, 'file.js'), join(outside, 'index.html'), join(outside, 'closed/file.js'), join(`${root}-secret`, 'file.js')]) await writeFile(path, SECRET)
for (const path of [join(sdk, 'version/bundle.js'), join(sdk, 'version/index.html'), join(root, 'beside/file.js')]) await writeFile(path, 'inside')
await writeFile(join(sdk, 'unreadable.js'), SECRET, { mode: 0o000 })
await chmod(join(outside, 'closed'), 0o000)
t.teardown(() => chmod(join(outside, 'closed'), 0o700))

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['latest', 'version'], ['latest.js', 'version/bundle.js'], ['chain.js', 'latest.js'], ['absolute.js', join(sdk, 'version/bundle.js')], ['beside', '../beside'],
  ['version/nested/up.js', '../bundle.js'], ['there-and-back.js', '../../outside/../served/js-sdk/version/bundle.js'],
  ['out', outside], ['out.js', join(outside, 'file.js')], ['relative.js', '../../outside/file.js'], ['parent', '../..'], ['top', '/'], ['twin', `${root}-secret`],
  ['chain-out.js', 'out.js'], ['version/nested/out.js', '../../out/file.js'], ['proc', '/proc/self'], ['device', '/dev/zero']
]
for (const [name, target] of LINKS) await symlink(target, join(sdk, name))
execFileSync('mkfifo', [join(sdk, 'fifo.js'), join(outside, 'fifo.js')])
const socket = createServer().listen(join(sdk, 'socket.js'))
await once(socket, 'listening')
t.teardown(() => { socket.close() })

// The same folder by a link, as when a volume is mounted elsewhere.
await symlink(root, join(folder, 'linked-root'))
const { port80, url80 } = await startRouter(t, {
  upstreams: { web: { servers: ['127.0.0.1:1'] }, 'web-rum': { servers: ['127.0.0.1:1'] } },
  routes: [
    { location: '^~ /js-sdk/', root },
    { location: '^~ /js-sdk/version/', root: join(folder, 'linked-root') },
    { location: '/', upstream: 'ui' }
  ],
  mirror: 'off'
})

interface Got { readonly status: number, readonly body: string }

async function get (target: string, method = 'GET'): Promise<Got> {
  const { status, body } = await exchange(port80, `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  return { status, body: body.toString('latin1') }
}

for (const target of [
  '/js-sdk/version/bundle.js', '/js-sdk/latest/bundle.js', '/js-sdk/latest.js', '/js-sdk/chain.js', '/js-sdk/absolute.js', '/js-sdk/beside/file.js',
  '/js-sdk/version/nested/up.js', '/js-sdk/there-and-back.js', '/js-sdk/latest/', '/js-sdk/version/'
]) {
  test(`GET ${target} serves what lies inside the root, by whatever links`, async t => {
    t.same(await get(target), { status: 200, body: 'inside' })
  })
}

/** proc_pid_root(5) */
const ROOT_OF_PROCESS = 'root'
const OUTSIDE = [
  '/js-sdk/out.js', '/js-sdk/relative.js', '/js-sdk/chain-out.js', '/js-sdk/version/nested/out.js', '/js-sdk/out', '/js-sdk/out/', '/js-sdk/out/file.js', '/js-sdk/out/index.html',
  '/js-sdk/out/empty', '/js-sdk/out/empty/', '/js-sdk/out/missing', '/js-sdk/out/missing/', '/js-sdk/out/closed', '/js-sdk/out/closed/', '/js-sdk/out/closed/file.js', '/js-sdk/out/fifo.js',
  '/js-sdk/parent/outside/file.js', '/js-sdk/parent/outside/', '/js-sdk/parent', '/js-sdk/top/etc/passwd', '/js-sdk/top/etc', '/js-sdk/top/etc/', '/js-sdk/top/etc/shadow', '/js-sdk/top/', '/js-sdk/twin/file.js',
  '/js-sdk/proc/environ', '/js-sdk/proc/fd/0', '/js-sdk/proc/cwd/package.json', `/js-sdk/proc/${ROOT_OF_PROCESS}/etc/passwd`, '/js-sdk/device'
]
for (const target of OUTSIDE) {
  test(`GET ${target} is a 404 that tells nothing of what lies there`, async t => {
    for (const method of ['GET', 'HEAD', 'POST']) t.equal((await get(target, method)).status, 404, method)
    const { body } = await get(target)
    t.notMatch(body, SECRET)
    t.equal(body, (await get('/js-sdk/missing.js')).body)
  })
}

for (const target of [
  '/js-sdk/..%2f..%2foutside/file.js', '/js-sdk/..%2f..%2foutside%2ffile.js', '/js-sdk/%2e%2e/%2e%2e/outside/file.js', '/js-sdk/%2e%2e%2f%2e%2e%2foutside/file.js', '/js-sdk/../../outside/file.js', '/js-sdk/version/../../../outside/file.js',
  '/js-sdk/..%252f..%252foutside/file.js', '/js-sdk/%252e%252e/%252e%252e/outside/file.js', '/js-sdk/..%5c..%5coutside%5cfile.js', '/js-sdk/..\\..\\outside\\file.js', '/js-sdk/%c0%ae%c0%ae/%c0%ae%c0%ae/outside/file.js', '/js-sdk/..%c0%af..%c0%afoutside/file.js',
  '/js-sdk/version/bundle.js%00.png', '/js-sdk/%00', '/js-sdk/version%00/../../../outside/file.js', `/js-sdk/${outside}/file.js`, `/js-sdk//${outside}/file.js`, '/js-sdk/....//....//outside/file.js', '/js-sdk/..;/..;/outside/file.js', '/js-sdk/.%2e/.%2e/outside/file.js',
  '/js-sdk/version/bundle.js/../../../../outside/file.js', '/js-sdk/out/../out/file.js', `/js-sdk/${'../'.repeat(500)}etc/passwd`, `/js-sdk/${'a/'.repeat(2000)}x`, `/js-sdk/${'a'.repeat(5000)}`, `/js-sdk/${'latest/'.repeat(600)}`, '/js-sdk/parent/outside/%66ile.js'
]) {
  test(`GET ${target.length > 90 ? `${target.slice(0, 30)}… (${target.length} bytes)` : target} leads nowhere`, async t => {
    const { status, body } = await get(target)

    // 502 is the UI, which is where a path goes that leaves /js-sdk/ by its dots.
    t.ok([400, 404, 414, 502].includes(status), String(status))
    t.notMatch(body, SECRET)
    t.notMatch(body, 'root:')
  })
}

for (const [target, status] of [['/js-sdk/fifo.js', 404], ['/js-sdk/socket.js', 500], ['/js-sdk/fifo.js/', 404], ['/js-sdk/version/nested', 301], ['/js-sdk/version/nested/', 403]] as const) {
  test(`GET ${target} is answered at once, though it is no file`, async t => {
    for (const method of ['GET', 'HEAD']) t.equal((await get(target, method)).status, status)
  })
}

test('a file the router may not read is a 403 inside the root', { skip: process.getuid?.() === 0 ? 'root may read everything' : false }, async t => {
  t.equal((await get('/js-sdk/unreadable.js')).status, 403)
})

test('a link that leads elsewhere by the time the file is open never shows what is outside', async t => {
  const ended = new AbortController()
  const flips = (async () => {
    for (let i = 0; !ended.signal.aborted; i++) {
      await symlink(i % 2 === 0 ? join(outside, 'file.js') : 'version/bundle.js', join(sdk, 'next.js'))
      await rename(join(sdk, 'next.js'), join(sdk, 'flip.js'))
    }
  })()
  const seen = new Set<string>()
  for (let i = 0; i < 1500 || (seen.size < 2 && i < 20_000); i++) {
    const response = await fetch(`${url80}/js-sdk/flip.js`)
    const body = await response.text()
    seen.add(response.status === 200 ? body : String(response.status))
  }
  ended.abort()
  await flips

  t.strictSame([...seen].sort(), ['404', 'inside'])
})

test('symlinks: any serves them as nginx does', async t => {
  await symlink(join(outside, 'file.js'), join(sdk, 'any.js'))

  const { port80: port } = await startRouter(t, {
    upstreams: { web: { servers: ['127.0.0.1:1'] }, 'web-rum': { servers: ['127.0.0.1:1'] } },
    routes: [{ location: '^~ /js-sdk/', root, symlinks: 'any' }, { location: '/', upstream: 'ui' }],
    mirror: 'off'
  })
  const { status, body } = await exchange(port, 'GET /js-sdk/any.js HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')

  t.equal(status, 200)
  t.equal(body.toString(), SECRET)
  t.equal((await get('/js-sdk/any.js')).status, 404)
})
