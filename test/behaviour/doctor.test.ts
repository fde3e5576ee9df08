/** `mirror-router doctor`: a chain that is well, and each way in which one is not. */
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { test, type Test } from 'tap'
import { stringify } from 'yaml'
import { doctor } from '../../src/cli/doctor.ts'
import { freePorts } from '../../src/demo/router-process.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import type { Status } from '../../src/status/status.ts'
import { openEnvironment } from '../../src/spool/store.ts'
import { answers, startBackend } from '../helpers/backends.ts'
import { runCommand } from '../helpers/command.ts'
import { startNameService, withEnvironment } from '../helpers/names.ts'
import { eventually, startRouter } from '../helpers/router.ts'

t.setTimeout(60_000)

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const CERTIFICATE = fileURLToPath(new URL('../fixtures/tls/certificate.pem', import.meta.url))
const TLS = { key: readFileSync(new URL('../fixtures/tls/key.pem', import.meta.url)), cert: readFileSync(CERTIFICATE) }
/** Bounds that every disk can hold. */
const SMALL_SPOOL = { max_bytes: '16MiB', dead_letters: { max_bytes: '1MiB' } }
const SECRETS = ['workspace-secret', 'service-secret', 'LTAI5tSECRETID', 'SECRETKEY']

/** As the document's step 3. */
const VARIABLES = {
  RUM_ENDPOINT: 'https://rum.example.test',
  RUM_DEFAULT_PATH: 'off',
  SENTRY_IMAGE: 'ghcr.io/getsentry/sentry:25.9.0',
  SENTRY_RUM_IMAGE: 'registry.example.test/sentry/sentry:25.9.0-rum-251230',
  SNUBA_RUM_IMAGE: 'registry.example.test/sentry/snuba:25.9.0-rum-251230',
  SENTRY_RUM_BIND: '9001',
  SLS_ENDPOINT: '<endpoint>',
  SLS_ACCESS_KEY_ID: 'LTAI5tSECRETID',
  SLS_ACCESS_KEY_SECRET: 'SECRETKEY',
  SLS_PROJECT: 'endpoint',
  SLS_LOGSTORE: 'logstore-rum',
  SLS_TTL: '30',
  ENABLE_SLS_NODESTORE: 'true',
  USE_SLS_GROUP_STORAGE: 'true'
}

function folderOf (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'mirror-router-doctor-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

function envText (variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables).map(([name, value]) => `${name}=${value}\n`).join('')
}

async function listen (t: Test, server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  server.listen(port, host)
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

interface Diagnosis {
  readonly code: number
  readonly out: string
  /** Lines with a cross. */
  readonly faults: readonly string[]
}

interface Case {
  /** Sections of router.yaml, in place of those of a chain that is well. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: string
  /** Names its own configuration. */
  readonly args?: readonly string[]
}

/** A chain that is well but for what the case says; no router runs. */
async function diagnose (t: Test, { config = {}, env, args = [] }: Case): Promise<Diagnosis> {
  const folder = folderOf(t)
  const [relay, endpoint] = await Promise.all([startBackend(t), startBackend(t)])
  const [port80 = 0, port81 = 0, adminPort = 0] = await freePorts(3)
  writeFileSync(join(folder, 'router.yaml'), stringify({
    listeners: [{ port: port80, host: '127.0.0.1', ui: 'web' }, { port: port81, host: '127.0.0.1', ui: 'web-rum' }],
    upstreams: Object.fromEntries(['relay', 'web', 'web-rum'].map(name => [name, { servers: [`127.0.0.1:${relay.port}`] }])),
    mirror: { endpoint: `http://127.0.0.1:${endpoint.port}`, default: '/rum/sentry/workspace-secret/service-secret' },
    spool: { path: join(folder, 'spool'), ...SMALL_SPOOL },
    admin: { host: '127.0.0.1', port: adminPort },
    ...config
  }))
  if (env !== undefined) writeFileSync(join(folder, '.env'), env, { mode: 0o600 })
  const { code, out, err } = await runCommand(doctor, ['--config', 'router.yaml', ...args], { cwd: folder })
  t.equal(err, '')
  for (const secret of SECRETS) t.notOk(out.includes(secret), `${secret} is not printed`)
  return { code, out, faults: out.split('\n').filter(line => line.startsWith('✗')) }
}

/** The one fault that is found. */
function isTheFault (t: Test, { code, faults, out }: Diagnosis, line: string | RegExp): void {
  t.equal(code, 1)
  t.equal(faults.length, 1, out)
  t.match(faults[0], line)
}

async function startHttps (t: Test, answer: RequestListener): Promise<number> {
  return await listen(t, createHttpsServer(TLS, answer))
}

test('a chain that is well has a tick at every check, and exit code 0', async t => {
  const folder = folderOf(t)
  const network = `127.${randomInt(50, 250)}.${randomInt(1, 250)}`
  const [names, relay, web] = [startNameService(t), await startBackend(t), await startBackend(t)]
  const asked: string[] = []
  const rumPort = await startHttps(t, (request, response) => {
    asked.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`)
    request.resume().once('end', () => response.end('{}'))
  })
  const slsPort = await startHttps(t, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization?.replace(/:.*/, '')}`)
    response.end('{"logstoreName":"logstore-rum"}')
  })
  await listen(t, createHttpServer((_request, response) => response.end('ok')), `${network}.1`, 1218)
  // The name in the fixture's certificate serves twice: as the endpoint's, and as that of an SLS project.
  names.set({ relay: '127.0.0.1', web: '127.0.0.1', 'web-rum': '127.0.0.1', 'snuba-api-rum': `${network}.1`, 'endpoint.example.test': '127.0.0.1' })
  const router = await withEnvironment(names.env, async () => await startRouter(t, {
    upstreams: { relay: { servers: [`relay:${relay.port}`] }, web: { servers: [`web:${web.port}`] }, 'web-rum': { servers: [`web-rum:${web.port}`] } },
    mirror: { endpoint: `https://endpoint.example.test:${rumPort}`, ca: CERTIFICATE, projects: { 1: '/rum/sentry/workspace-secret/service-secret' } },
    spool: SMALL_SPOOL
  }))
  writeFileSync(join(folder, '.env'), envText({ ...VARIABLES, SLS_ENDPOINT: `example.test:${slsPort}` }), { mode: 0o600 })

  const run = (...args: string[]): Promise<{ code: unknown, out: string }> => new Promise(resolve => {
    const env = { ...process.env, ...names.env, NODE_EXTRA_CA_CERTS: CERTIFICATE }
    execFile(process.execPath, [MAIN, 'doctor', '--config', join(router.folder, 'router.yaml'), ...args], { cwd: folder, env }, (error, out) => { resolve({ code: error?.code ?? 0, out }) })
  })
  const { code, out } = await run()
  const json = JSON.parse((await run('--json', '--env-file', '.env')).out) as { ok: boolean, checks: Finding[] }

  t.equal(code, 0, out)
  // Where the test runs in a container, its temporary folder is no volume.
  const notTicked = out.split('\n').filter(line => !line.startsWith('✓') && !line.startsWith('! spool volume'))
  t.match(notTicked, [/^– list of issues: only you can see it/, '', /^(All is well|1 warning): \d+ checks, 1 skipped\.$/, ''])
  t.ok(out.split('\n').length > 30, 'and there are many')
  for (const check of ['upstream relay', 'snuba-api-rum', `through port ${router.port81}`, 'router', 'deliveries', 'endpoint certificate', 'endpoint service mirror.projects.1', 'spool folder', 'SLS_TTL', 'SLS access']) {
    t.ok(out.includes(`✓ ${check}: `), check)
  }
  t.match(relay.requests[0]?.target, '/api/relay/healthcheck/live/')
  t.strictSame(new Set(asked), new Set(['POST /rum/sentry/workspace-secret/service-secret/api/1/envelope/', 'GET /logstores/logstore-rum LOG LTAI5tSECRETID']))
  for (const secret of SECRETS) t.notOk(out.includes(secret), `${secret} is not printed`)
  t.equal(json.ok, true)
  t.strictSame(json.checks.map(({ check }) => check), out.split('\n').flatMap(line => /^[✓!✗–] ([^:]+): /.exec(line)?.[1] ?? []), 'the same checks as data')
  for (const { words } of json.checks.filter(({ state, check }) => state === 'ok' && check.startsWith('SLS_'))) t.equal(words, 'set')
})

test('a configuration with faults: each is named, and what needs it is skipped', async t => {
  const { code, faults, out } = await diagnose(t, { config: { mirror: { endpoint: 'https://<endpoint>', default: '/rum', concurency: 5 } } })

  t.equal(code, 1)
  t.match(faults, [
    /^✗ configuration: .*router\.yaml:\d+:\d+: mirror\.concurency: .*did you mean concurrency.*mirror-router check/,
    /^✗ placeholders: .*the placeholder <endpoint> is left.*the console of RUM/
  ])
  t.match(out, /^– everything else: needs a configuration that is right$/m)
})

test('placeholders in an nginx.conf are named with their lines', async t => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'nginx.conf'), readFileSync(new URL('../fixtures/nginx/document.conf', import.meta.url)))

  const { code, out } = await runCommand(doctor, ['--config', 'nginx.conf'], { cwd: folder })

  t.equal(code, 1)
  t.match(out, /^✗ placeholders: .*nginx\.conf:\d+:\d+: .*<endpoint>/m)
})

test('a configuration that is not there', async t => {
  const { code, out } = await runCommand(doctor, ['--config', 'none.yaml'], { cwd: folderOf(t) })

  t.equal(code, 1)
  t.match(out, /^✗ configuration: .*none\.yaml: there is no such file/m)
})

test('a port that something else listens on', async t => {
  const port = await listen(t, createHttpServer())

  isTheFault(t, await diagnose(t, { config: { listeners: [{ port, host: '127.0.0.1', ui: 'web' }] } }), `✗ port ${port}: something else listens there (nginx, still?). Stop it, or change listeners[0].port.`)
})

test('an admin port that something else listens on is a fault of the router too', async t => {
  const port = await listen(t, createHttpServer((_request, response) => response.writeHead(404).end()))

  const { code, faults } = await diagnose(t, { config: { admin: { host: '127.0.0.1', port } } })

  t.equal(code, 1)
  t.match(faults, [`✗ port ${port}: something else listens there`, `✗ router: what listens at port ${port} answers 404 to /healthz, as no router does. Stop that, or change admin.port`])
})

test('an upstream that refuses, has no name, hangs up, or is not well', async t => {
  const [closed = 0] = await freePorts(1)
  const [hangsUp, unwell, other] = [await startBackend(t, answers.reset()), await startBackend(t, answers.status('503 Service Unavailable')), await startBackend(t, answers.status('404 Not Found'))]
  const relayAt = async (server: string): Promise<Diagnosis> => await diagnose(t, {
    config: { upstreams: { relay: { servers: [server] } }, listeners: [{ port: (await freePorts(1))[0], host: '127.0.0.1', ui: 'relay' }], routes: [{ location: '/', upstream: 'relay', mirror: true }] }
  })

  isTheFault(t, await relayAt(`127.0.0.1:${closed}`), `✗ upstream relay: 127.0.0.1:${closed}: connection refused. It does not run, or is starting still`)
  isTheFault(t, await relayAt('relay.invalid:3000'), '✗ upstream relay: relay.invalid:3000: name not found. There is no container of that name in this network: docker compose up -d relay.invalid')
  isTheFault(t, await relayAt(`127.0.0.1:${hangsUp.port}`), `✗ upstream relay: 127.0.0.1:${hangsUp.port}: connection reset, though it takes connections`)
  isTheFault(t, await relayAt(`127.0.0.1:${unwell.port}`), `✗ upstream relay: 127.0.0.1:${unwell.port} answers 503 to GET /_health/. It runs and is not well`)
  const odd = await relayAt(`127.0.0.1:${other.port}`)
  t.equal(odd.code, 0)
  t.match(odd.out, `! upstream relay: 127.0.0.1:${other.port} answers 404 to GET /_health/`)
})

test('an endpoint whose name has no address', async t => {
  isTheFault(t, await diagnose(t, { config: { mirror: { endpoint: 'https://rum.invalid', default: '/rum' } } }), '✗ endpoint name: rum.invalid has no address here (name not found). Is it spelled as in the console of RUM')
})

test('an endpoint that refuses connections', async t => {
  const [port = 0] = await freePorts(1)

  isTheFault(t, await diagnose(t, { config: { mirror: { endpoint: `https://127.0.0.1:${port}`, default: '/rum' } } }), `✗ endpoint connection: 127.0.0.1:${port}: connection refused at port ${port}. Nobody listens there`)
})

test('an endpoint with a certificate that nobody vouches for, of another name, or without TLS is not asked anything', async t => {
  let asked = 0
  const port = await startHttps(t, (_request, response) => {
    asked++
    response.end()
  })
  const plain = await listen(t, createHttpServer((_request, response) => {
    asked++
    response.end()
  }))
  const mirror = (more: object): Case => ({ config: { mirror: { endpoint: `https://127.0.0.1:${port}`, default: '/rum', ...more } } })

  isTheFault(t, await diagnose(t, mirror({ host: 'endpoint.example.test' })), '✗ endpoint certificate: no authority that is known here vouches for it (DEPTH_ZERO_SELF_SIGNED_CERT). If it is your own endpoint')
  isTheFault(t, await diagnose(t, mirror({ ca: CERTIFICATE, host: 'other.example.test' })), '✗ endpoint certificate: it belongs to another name')
  isTheFault(t, await diagnose(t, mirror({ endpoint: `https://127.0.0.1:${plain}` })), /✗ endpoint certificate: the TLS handshake fails \(.*\)\. Is the port that of https/)
  t.equal(asked, 0)
})

test('an endpoint whose certificate has expired', async t => {
  const expired = fileURLToPath(new URL('../fixtures/tls/expired.pem', import.meta.url))
  const port = await listen(t, createHttpsServer({ ...TLS, cert: readFileSync(expired) }))

  isTheFault(t, await diagnose(t, { config: { mirror: { endpoint: `https://127.0.0.1:${port}`, ca: expired, host: 'endpoint.example.test', default: '/rum' } } }), /^✗ endpoint certificate: it expired \d,\d+ days ago\. Whoever runs the endpoint must renew it\./)
})

test('an endpoint over http is warned of, and no fault', async t => {
  const { code, out } = await diagnose(t, {})

  t.equal(code, 0)
  t.match(out, /^! endpoint scheme: http: envelopes and mapped paths cross the network in clear text\. Write https:\/\//m)
})

const ANSWERS = [
  ['403 Forbidden', '✗ endpoint service mirror.default: answers 403 to an envelope without items. The storage behind RUM says so when a quota is exceeded'],
  ['404 Not Found', '✗ endpoint service mirror.default: answers 404 to an envelope without items. There is no such service: compare workspace and service in mirror.default'],
  ['500 Internal Server Error', '✗ endpoint service mirror.default: answers 500 to an envelope without items. It is in trouble'],
  ['405 Method Not Allowed', '✗ endpoint service mirror.default: answers 405 to an envelope without items. What listens there takes no envelopes'],
  ['301 Moved Permanently', '✗ endpoint service mirror.default: answers 301 to an envelope without items, and sends on to https://rum.example.test. Redirects are not followed']
] as const

for (const [status, line] of ANSWERS) {
  test(`an endpoint that answers ${status}`, async t => {
    const endpoint = await startBackend(t, answers.status(status, '', ['Location: https://rum.example.test/rum/sentry/workspace-secret']))

    isTheFault(t, await diagnose(t, { config: { mirror: { endpoint: `http://127.0.0.1:${endpoint.port}`, default: '/rum/sentry/workspace-secret/service-secret' } } }), line)
  })
}

test('one service of several that does not exist is named by its setting', async t => {
  const endpoint = await startBackend(t, (request, socket) => { answers.status(request.target.startsWith('/wrong/') ? '404 Not Found' : '200 OK')(request, socket) })

  isTheFault(t, await diagnose(t, { config: { mirror: { endpoint: `http://127.0.0.1:${endpoint.port}`, default: '/right', projects: { 1: '/right', 2: '/wrong', 3: 'off' } } } }), '✗ endpoint service mirror.projects.2: answers 404')
  t.equal(endpoint.requests.length, 2, 'each service is asked once')
})

test('a spool folder that cannot be made', async t => {
  const file = join(folderOf(t), 'file')
  writeFileSync(file, '')

  isTheFault(t, await diagnose(t, { config: { spool: { path: join(file, 'spool') } } }), /^✗ spool folder: .* is not there yet, and the folder it would be made in is a file\. Name a folder in spool\.path\.$/)
})

test('a spool of a newer format', async t => {
  const path = join(folderOf(t), 'spool')
  const environment = openEnvironment(path)
  environment.transaction(write => { write('meta', Buffer.from('format'), Buffer.from('99')) })
  await environment.close()

  isTheFault(t, await diagnose(t, { config: { spool: { path, ...SMALL_SPOOL } } }), '✗ spool format: the spool at')
})

test('a spool larger than its disk is warned of', async t => {
  const { code, out } = await diagnose(t, { config: { spool: { path: join(folderOf(t), 'spool'), max_bytes: '4000000GiB' } } })

  t.equal(code, 0)
  t.match(out, /^! spool space: .* free, and it may grow to up to .*Make room, or lower spool\.max_bytes/m)
})

test('what a running router knows is told: an endpoint that is down, and copies that wait', async t => {
  const [web, endpoint] = [await startBackend(t), await startBackend(t, answers.status('503 Service Unavailable'))]
  const router = await startRouter(t, {
    upstreams: Object.fromEntries(['relay', 'web', 'web-rum'].map(name => [name, { servers: [`127.0.0.1:${web.port}`] }])),
    mirror: { endpoint: `http://127.0.0.1:${endpoint.port}`, default: '/rum' },
    spool: SMALL_SPOOL
  })
  for (let i = 0; i < 10; i++) await (await fetch(`${router.url80}/api/1/envelope/`, { method: 'POST', body: '{}\n' })).text()
  await eventually(async () => {
    const { mirror } = await (await fetch(`${router.adminUrl}/status.json`)).json() as Status
    return mirror?.endpoint.state === 'down' ? null : `the endpoint is ${mirror?.endpoint.state}`
  })

  const { code, out } = await runCommand(doctor, ['--config', join(router.folder, 'router.yaml')], { cwd: router.folder })

  t.equal(code, 1)
  t.match(out, `✓ port ${router.port80}: the running router listens there`)
  t.match(out, /^✗ router: The endpoint .* is down since .*: answered 503 \(unavailable\)/m)
  t.match(out, '✗ endpoint service mirror.default: answers 503')
  t.match(out, /^✓ deliveries: .*10 copies wait, 0 dead letters$/m)
})

test('a .env that is not there, though it was named', async t => {
  isTheFault(t, await diagnose(t, { args: ['--env-file', 'none.env'] }), '✗ .env: none.env cannot be read (ENOENT). Write its path after --env-file')
})

test('a .env on stdin, as from outside a container', async t => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'router.yaml'), 'mirror: { endpoint: "${RUM_ENDPOINT:-off}", default: off }')

  const out = await new Promise<string>(resolve => {
    const child = execFile(process.execPath, [MAIN, 'doctor', '--config', 'router.yaml', '--env-stdin'], { cwd: folder }, (_error, out) => { resolve(out) })
    child.stdin?.end('RUM_ENDPOINT=rum.example.test\n')
  })

  t.match(out, /^✗ configuration: router\.yaml:1:\d+: mirror\.endpoint: /m)
  t.match(out, /^✓ \.env: stdin can be read$/m)
  t.match(out, /^✗ RUM_ENDPOINT: it has no scheme/m)
})

test('without SLS_* variables nothing is said of a second Sentry but that there is none', async t => {
  const { code, out } = await diagnose(t, { env: 'RUM_ENDPOINT=https://rum.example.test\nSENTRY_BIND=9000\n' })

  t.equal(code, 0)
  t.match(out, /^– SLS_\* variables: none in \.env: copies are sent, and no second Sentry reads them$/m)
})

test('a router.yaml takes its variables from .env, as compose hands them on', async t => {
  const { code, out } = await diagnose(t, { config: { mirror: { endpoint: '${RUM_ENDPOINT:?is missing}', default: '${RUM_DEFAULT_PATH}' } }, env: 'RUM_ENDPOINT=https://rum.invalid\nRUM_DEFAULT_PATH=/rum/sentry/workspace-secret\n' })

  t.equal(code, 1)
  t.match(out, '✗ endpoint name: rum.invalid has no address')
})

const SLS_ANSWERS: readonly (readonly [status: string, code: string, advice: string])[] = [
  ['401 Unauthorized', 'SignatureNotMatch', 'SLS_ACCESS_KEY_SECRET does not belong to SLS_ACCESS_KEY_ID'],
  ['401 Unauthorized', 'Unauthorized', 'Give the RAM user AliyunLogReadOnlyAccess'],
  ['404 Not Found', 'ProjectNotExist', 'Correct SLS_PROJECT'],
  ['404 Not Found', 'LogStoreNotExist', 'correct SLS_PROJECT']
]

for (const [status, code, advice] of SLS_ANSWERS) {
  test(`SLS that answers ${code}`, async t => {
    const sls = await startBackend(t, answers.status(status, JSON.stringify({ errorCode: code, errorMessage: 'LTAI5tSECRETID' })))

    const diagnosis = await diagnose(t, { env: envText({ ...VARIABLES, SLS_ENDPOINT: `http://127.0.0.1:${sls.port}` }) })

    isTheFault(t, diagnosis, `✗ SLS access: SLS answers ${status.slice(0, 3)} ${code}. `)
    t.match(diagnosis.faults[0], advice)
    t.notOk(sls.requests[0]?.head.includes('SECRETKEY'), 'the secret signs, and is not sent')
  })
}

const ENV_FAULTS: readonly (readonly [what: string, change: Readonly<Record<string, string>>, line: string])[] = [
  ['a placeholder', { SLS_PROJECT: '<your_sls_project>' }, '✗ SLS_PROJECT: still a placeholder. Write the SLS project below the RUM service'],
  ['an image that is not set', { SENTRY_RUM_IMAGE: '' }, '✗ SENTRY_RUM_IMAGE: empty. Write the image of web'],
  ['an image with a scheme', { SNUBA_RUM_IMAGE: 'https://registry.example.test/snuba:25.9.0' }, '✗ SNUBA_RUM_IMAGE: no name of an image'],
  ['images of two versions', { SNUBA_RUM_IMAGE: 'registry.example.test/snuba:25.8.0-rum' }, '✗ image versions: SENTRY_RUM_IMAGE is 25.9.0, SNUBA_RUM_IMAGE is 25.8.0'],
  ['a Sentry of another version', { SENTRY_IMAGE: 'getsentry/sentry:26.8.0' }, '✗ image versions: SENTRY_RUM_IMAGE is 25.9.0, SENTRY_IMAGE is 26.8.0'],
  ['a port that is none', { SENTRY_RUM_BIND: 'nine' }, '✗ SENTRY_RUM_BIND: neither a port nor IP:PORT'],
  ['one port for both', { SENTRY_RUM_BIND: '127.0.0.1:9000' }, '✗ published ports: SENTRY_BIND and SENTRY_RUM_BIND are both port 9000'],
  ['a region for an endpoint', { SLS_ENDPOINT: 'cn-chengdu' }, '✗ SLS_ENDPOINT: a region is no host name'],
  ['an endpoint with a path', { SLS_ENDPOINT: 'cn-chengdu.log.aliyuncs.com/logstores' }, '✗ SLS_ENDPOINT: no host name'],
  ['a project that is no name', { SLS_PROJECT: 'My_Project' }, '✗ SLS_PROJECT: no name of an SLS project'],
  ['a time that is no number', { SLS_TTL: '30d' }, '✗ SLS_TTL: not a number of days. Write digits alone: 30.'],
  ['a switch that is neither', { ENABLE_SLS_NODESTORE: 'ture', USE_SLS_GROUP_STORAGE: 'false' }, '✗ ENABLE_SLS_NODESTORE: neither true nor false, and so taken as false'],
  ['an endpoint of RUM without a scheme', { RUM_ENDPOINT: 'rum.example.test' }, '✗ RUM_ENDPOINT: it has no scheme. Write https://'],
  ['a secret with a $', { SLS_ACCESS_KEY_SECRET: 'SECRET$KEY' }, '✗ SLS_ACCESS_KEY_SECRET: it has a $, which docker compose takes for a variable']
]

for (const [what, change, line] of ENV_FAULTS) {
  test(`a .env with ${what}`, async t => {
    const sls = await startBackend(t)

    isTheFault(t, await diagnose(t, { env: envText({ ...VARIABLES, SLS_ENDPOINT: `http://127.0.0.1:${sls.port}`, ...change }) }), line)
  })
}

test('half a pair of credentials', async t => {
  const { code, faults } = await diagnose(t, { env: envText({ ...VARIABLES, SLS_ENDPOINT: 'cn-chengdu.log.aliyuncs.com', SLS_ACCESS_KEY_SECRET: '' }) })

  t.equal(code, 1)
  t.match(faults, ['✗ SLS_ACCESS_KEY_SECRET: empty', '✗ SLS credentials: half set: SLS_ACCESS_KEY_SECRET is missing. Write both.'])
})

test('a .env that others may read is warned of', async t => {
  const folder = folderOf(t)
  writeFileSync(join(folder, 'secrets.env'), 'RUM_DEFAULT_PATH=/rum/sentry/workspace-secret\n', { mode: 0o644 })

  const { code, out } = await diagnose(t, { args: ['--env-file', join(folder, 'secrets.env')] })

  t.equal(code, 0)
  t.match(out, /^! \.env: every user of this machine can read the secrets in .*secrets\.env\. chmod 600/m)
})
