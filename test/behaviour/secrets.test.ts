/**
 * Everything the program says is looked through for secrets that were given to it:
 * logs, pages, metrics, commands, faults, command lines, last words. Each holds the
 * same mark; how secrets get in (environment, file) is in here as well.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { test, type Test } from 'tap'
import { request } from 'undici'
import { answers, startBackend, type Backend } from '../helpers/backends.ts'
import { filledDocument } from '../helpers/imported.ts'
import { startRouter, type StartedRouter } from '../helpers/router.ts'

const MARK = 'S3CR3T7f3a9c'
const MAPPED = `/rum/sentry/${MARK}-workspace/service-1`
const TOKEN = `${MARK}-admin-token-0123456789`
const KEY = `${MARK}key`
const DSN = `https://${KEY}@sentry.example/1`
const HEADERS = {
  'cookie': `session=${MARK}-cookie`,
  'authorization': `Bearer ${MARK}-authorization`,
  'proxy-authorization': `Basic ${MARK}AAAA`,
  'x-sentry-auth': `Sentry sentry_key=${KEY}, sentry_version=7`
}
const BODY = `{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"${DSN}"}\n{"type":"event"}\n{"message":"${MARK}-body","user":{"email":"${MARK}@example"}}\n`
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

t.setTimeout(110_000)

// Of the routers; none of the tests reads it.
Object.assign(process.env, {
  RUM_DEFAULT_PATH: MAPPED,
  MIRROR_ROUTER_ADMIN_TOKEN: TOKEN,
  LAST_WORDS: `sending to ${MAPPED}/api/1/envelope/?sentry_key=${KEY} with Cookie: ${MARK}-cookie, for ${DSN}, token ${TOKEN}`
})

interface Said { readonly where: string, readonly text: string }

function clean (t: Test, said: readonly Said[]): void {
  for (const { where, text } of said) {
    t.ok(text.length > 0, `${where} says something`)
    t.notMatch(text, MARK, where)
  }
}

async function run (args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { text += chunk.toString() })
  await once(child, 'close')
  return text
}

/** Of this process's children and theirs. */
function commandLines (): string {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(pid => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      return line.includes('mirror-router') || line.includes('src/main.ts') || line.includes('worker.ts') ? line : ''
    } catch {
      // It has ended.
      return ''
    }
  }).join('\n')
}

async function startMarked (t: Test, access: 'main' | 'json', workers: number): Promise<{ router: StartedRouter, endpoint: Backend, relay: Backend, backends: Backend[] }> {
  const [relay, endpoint] = await Promise.all([startBackend(t), startBackend(t)])
  endpoint.answerWith((request, socket) => { answers.status('400 Bad Request', `no such service ${request.target}`)(request, socket) })
  const router = await startRouter(t, {
    upstreams: { relay: { servers: [`127.0.0.1:${relay.port}`] }, web: { servers: [`127.0.0.1:${relay.port}`] }, 'web-rum': { servers: ['127.0.0.1:1'] } },
    mirror: { endpoint: `http://127.0.0.1:${endpoint.port}`, default: '${RUM_DEFAULT_PATH}', projects: { 2: `${MAPPED}-2` } },
    admin: { token: '${MIRROR_ROUTER_ADMIN_TOKEN}' },
    log: { level: 'trace', access },
    workers
  })
  return { router, endpoint, relay, backends: [relay, endpoint] }
}

async function sendMarked (router: StartedRouter): Promise<void> {
  for (const project of [1, 2]) {
    for (const method of ['POST', 'GET', 'PUT'] as const) {
      const { body } = await request(`${router.url80}/api/${project}/envelope/?sentry_key=${KEY}&sentry_version=7`, { method, headers: { ...HEADERS, referer: `https://a/?dsn=${encodeURIComponent(DSN)}` }, ...method === 'GET' ? {} : { body: BODY } })
      await body.dump()
    }
  }
  // A server that is not there, a path that is none, and a page that names its DSN.
  for (const url of [`${router.url81}/x?sentry_key=${KEY}`, `${router.url80}/api/%zz?sentry_key=${KEY}`, `${router.url80}/api/embed/error-page/?dsn=${encodeURIComponent(DSN)}`]) {
    const { body } = await request(url, { headers: HEADERS })
    await body.dump()
  }
}

/** @returns The id of a dead letter. */
async function commandsAreClean (t: Test, router: StartedRouter): Promise<string> {
  const config = join(router.folder, 'router.yaml')
  const commands = [
    ['check'], ['explain', 'POST', '/api/1/envelope/'], ['explain', 'POST', '/api/2/envelope/', '--json'], ['doctor'], ['status'], ['report'],
    ['spool', 'ls'], ['reload'], ['start']
  ].map(async args => ({ where: args.join(' '), text: await run([...args, '--config', config], router.folder) }))
  clean(t, await Promise.all(commands))
  const ids = (await run(['spool', 'ls', '--json', '--config', config], router.folder)).match(/(?<="id": ")[^"]+/g) ?? []
  t.equal(ids.length, 4)
  const [id = ''] = ids
  clean(t, await Promise.all([['spool', 'show', id], ['spool', 'show', id, '--json']].map(async args => ({ where: args.join(' '), text: await run([...args, '--config', config], router.folder) }))))
  return id
}

async function commandsAreCleanOffline (t: Test, router: StartedRouter, id: string): Promise<void> {
  const config = join(router.folder, 'router.yaml')
  clean(t, await Promise.all([['spool', 'ls'], ['spool', 'show', id], ['report']].map(async args => ({ where: `${args.join(' ')}, offline`, text: await run([...args, '--config', config], router.folder) }))))
}

for (const [access, workers] of [['main', 1], ['json', 2]] as const) {
  test(`nothing that a router says, or a command about it, has a secret in it (${access}, ${workers === 1 ? 'one process' : 'two workers'})`, async t => {
    const { router } = await startMarked(t, access, workers)
    await sendMarked(router)
    await router.metricIs(4, 'mirror_dead_total')
    const pages = ['/', '/status.json', '/metrics', '/healthz', '/readyz', '/readyz?deep=1', '/-/dead-letters', '/-/pending', '/-/report', '/nothing'].map(async path => {
      const answers = await Promise.all([{}, { authorization: `Bearer ${TOKEN}` }, { authorization: `Bearer ${MARK}-wrong-token-0000` }].map(async headers => {
        const { body } = await request(`${router.adminUrl}${path}`, { headers })
        return body.text()
      }))
      return { where: path, text: answers.join('\n') }
    })
    clean(t, await Promise.all(pages))
    clean(t, [{ where: 'command lines', text: commandLines() }])

    const id = workers === 1 ? await commandsAreClean(t, router) : null
    await router.stop()
    clean(t, [{ where: 'the log', text: router.output() }])
    if (id !== null) await commandsAreCleanOffline(t, router, id)
  })
}

test('a process that an unexpected error ends says why without secrets, and a diagnostic report has no environment', async t => {
  const before = process.env['NODE_OPTIONS']
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
  })
  const folder = t.testdir({})
  process.env['NODE_OPTIONS'] = `--import=${new URL('../fixtures/last-words.ts', import.meta.url).href} --report-directory=${folder}`
  const { router } = await startMarked(t, 'main', 1)

  router.process.kill('SIGUSR2')
  const [code] = await once(router.process, 'close') as [number]

  t.equal(code, 1)
  t.match(router.output(), /"level":"fatal".*"error":"Error: sending to \[secret\].*An error nobody expected/)
  clean(t, [{ where: 'the last words', text: router.output() }])
  const reports = readdirSync(folder)
  t.equal(reports.length, 1)
  const report = JSON.parse(readFileSync(join(folder, reports[0] ?? ''), 'utf8')) as Record<string, unknown>
  t.notOk('environmentVariables' in report)
})

test('no fault of a configuration repeats a secret, wherever it stands', async t => {
  const folder = t.testdir({})
  await mkdir(folder, { recursive: true })
  const files = {
    'path.yaml': `mirror: { endpoint: https://rum.example, default: "${MAPPED} x" }`,
    'projects.yaml': `mirror: { endpoint: https://rum.example, projects: { 1: "rum/${MARK}", 2: [${MAPPED}], 3: { a: ${MAPPED} } } }`,
    'map.yaml': `mirror: { endpoint: https://rum.example, projects: ${MAPPED} }`,
    'endpoint.yaml': `mirror: { endpoint: "https://user:${MARK}@rum.example" }`,
    'whole.yaml': `mirror: { endpoint: "https://rum.example${MAPPED}" }`,
    'token.yaml': `admin: { token: "${MARK}" }`,
    'token-space.yaml': `admin: { token: "${TOKEN} with a space" }`,
    'tab.yaml': `mirror:\n\tdefault: ${MAPPED}\n`,
    'quote.yaml': `mirror: { endpoint: https://rum.example, default: "${MAPPED}\n`,
    'nginx.conf': filledDocument().replaceAll(/default \/rum\S*;/g, `default ${MAPPED}$host; ~^/api/2/ "${MAPPED} x"; ~^/api/3/ ${MAPPED} ${MAPPED}; ${MAPPED} /x;`)
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)

  const said = await Promise.all(Object.keys(files).map(async name => ({ where: name, text: await run(['check', '--config', name], folder) })))
  clean(t, said)
  for (const { where, text } of said) t.match(text, /:\d+:\d+: /, where)
})
