import { test } from 'tap'
import type { Status } from '../../../src/status/status.ts'
import { judgeConfiguration } from '../../../src/doctor/configuration.ts'
import { judgeAnswer, judgeCertificate, servicesOf } from '../../../src/doctor/endpoint.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import { judgePort, portsOf } from '../../../src/doctor/ports.ts'
import { findingLines, isFaulty } from '../../../src/doctor/render.ts'
import { judgeRunning } from '../../../src/doctor/running.ts'
import { adviseOnIssues, judgeListener, judgeSnuba } from '../../../src/doctor/second-sentry.ts'
import { judgeSls, signedHeaders } from '../../../src/doctor/sls.ts'
import { judgeSpool, type SpoolFacts } from '../../../src/doctor/spool.ts'
import { kindsOf } from '../../../src/doctor/upstreams.ts'
import { importConfig, filledDocument } from '../../helpers/imported.ts'
import { configOf, load } from '../../helpers/configuration.ts'
import { STATUS } from '../../fixtures/status.ts'

const NOW = Date.UTC(2026, 10, 22)
const DAY_MS = 86_400_000
const CONFIG = configOf('mirror: { endpoint: https://rum.example.test, default: /secret/a, projects: { 1: /secret/b, 2: off, 3: /secret/a } }')

function brief ({ check, state, words }: Finding): string {
  return `${state} ${check}: ${words}`
}

function troubles (findings: readonly Finding[]): string[] {
  return findings.filter(({ state }) => state !== 'ok').map(brief)
}

test('lines have a mark, what was looked at, what was found and what to do; the last one counts', async t => {
  const findings: Finding[] = [
    { check: 'a', state: 'ok', words: 'well', advice: null },
    { check: 'b', state: 'warning', words: 'odd\u001b[2J', advice: 'Look.' },
    { check: 'c', state: 'fault', words: 'broken', advice: 'Repair it.' },
    { check: 'd', state: 'skipped', words: 'unseen', advice: null }
  ]

  t.strictSame(findingLines(findings).map(({ text }) => text), ['✓ a: well', '! b: odd\\x1b[2J. Look.', '✗ c: broken. Repair it.', '– d: unseen', '', '1 fault, 1 warning: 3 checks, 1 skipped.'])
  t.equal(isFaulty(findings), true)
  t.equal(isFaulty(findings.slice(0, 2)), false)
  t.equal(findingLines(findings.slice(0, 1)).at(-1)?.text, 'All is well: 1 check.')
})

test('what a configuration warns of is a warning, but clear text, which the endpoint\'s scheme says', async t => {
  const loaded = load('mirror: { endpoint: http://rum.example.test, default: off }')

  t.match(troubles(judgeConfiguration(loaded, file => file)), [/^warning configuration: mirror\.default is off and no project has a path/])
  t.equal(troubles(judgeConfiguration(loaded, file => file)).length, 1)
})

function failure (code: string): Error {
  return Object.assign(new Error(code), { code })
}

test('a port is free, ours, or somebody else\'s', async t => {
  const port = { host: '::', port: 80, section: 'listeners[0]' }

  t.equal(brief(judgePort(port, null, false)), 'ok port 80: free')
  t.equal(brief(judgePort(port, null, true)), 'fault port 80: free, though the router that runs should listen there')
  t.equal(brief(judgePort(port, failure('EADDRINUSE'), true)), 'ok port 80: the running router listens there')
  t.equal(brief(judgePort(port, failure('EACCES'), true)), 'ok port 80: the running router listens there', 'this user need not be the router\'s')
  t.equal(brief(judgePort(port, failure('EADDRINUSE'), false)), 'fault port 80: something else listens there (nginx, still?)')
  t.match(judgePort(port, failure('EACCES'), false), { state: 'fault', words: /^this user may not/, advice: /^Ports below 1024 need the right to bind them .*, or change listeners\[0\]\.port\.$/ })
  t.match(judgePort(port, failure('EADDRNOTAVAIL'), false), { state: 'fault', words: 'this machine has no such address', advice: 'Change listeners[0].host.' })
  t.match(judgePort(port, failure('EWHATEVER'), false), { state: 'fault', words: 'EWHATEVER' })
  t.strictSame(portsOf(CONFIG).map(({ port, section }) => [port, section]), [[80, 'listeners[0]'], [81, 'listeners[1]'], [9145, 'admin']])
})

test('upstreams that are UIs are asked as Sentry, others as Relay', async t => {
  t.strictSame(Object.fromEntries(kindsOf(CONFIG)), { relay: 'relay', web: 'web', 'web-rum': 'web' })
  t.strictSame(Object.fromEntries(kindsOf(importConfig(filledDocument()))), { relay: 'relay', sentry: 'web', sentry_rum: 'web' })
})

test('each service is asked once, whoever is mapped to it', async t => {
  t.strictSame(servicesOf(CONFIG.mirror ?? { default: null, projects: new Map() }), [
    { setting: 'mirror.default', path: '/secret/a', project: '0' },
    { setting: 'mirror.projects.1', path: '/secret/b', project: '1' }
  ])
})

function certificate (days: number, problem: string | null = null): string {
  return brief(judgeCertificate('rum.example.test', NOW + days * DAY_MS, problem, NOW))
}

test('a certificate is told by the days it has left, and by what is wrong with it', async t => {
  t.equal(certificate(90), 'ok endpoint certificate: valid for 90 days more')
  t.equal(certificate(13), 'warning endpoint certificate: valid for 13 days more')
  t.equal(certificate(-3, 'CERT_HAS_EXPIRED'), 'fault endpoint certificate: it expired 3 days ago')
  t.equal(certificate(300, 'CERT_HAS_EXPIRED'), 'fault endpoint certificate: it, or one above it, has expired')
  t.equal(certificate(90, 'CERT_NOT_YET_VALID'), 'fault endpoint certificate: it is not valid yet')
  t.match(certificate(90, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'fault endpoint certificate: no authority that is known here vouches for it')
  t.equal(certificate(90, 'timeout'), 'fault endpoint certificate: the TLS handshake does not end')
  t.equal(certificate(90, 'EPROTO'), 'fault endpoint certificate: the TLS handshake fails (EPROTO)')
})

function endpointFinding (status: number, location: string | null = null): Finding {
  return judgeAnswer({ setting: 'mirror.default' }, { status, location })
}

test('an answer of the endpoint is judged by what becomes of copies', async t => {
  t.strictSame([200, 202, 400, 429, 401, 403, 404, 405, 413, 500, 503].map(status => [status, endpointFinding(status).state]), [
    [200, 'ok'], [202, 'ok'], [400, 'warning'], [429, 'warning'], [401, 'fault'], [403, 'fault'], [404, 'fault'], [405, 'fault'], [413, 'fault'], [500, 'fault'], [503, 'fault']
  ])
  t.match(endpointFinding(302, 'https://other.example.test/secret/a').words, /sends on to https:\/\/other\.example\.test$/)
  t.match(endpointFinding(302, '/secret/a').words, /sends on to another path$/)
})

const FACTS: SpoolFacts = {
  path: '/spool', exists: true, writeFailure: null, uid: 10001, folderUid: 10001, dataUid: 10001, freeBytes: 2 ** 40, usedBytes: 0, openFailure: null,
  surroundings: { inContainer: true, spoolOnMount: true, spoolOnUnnamedVolume: false }
}

function spoolTroubles (facts: Partial<SpoolFacts>): string[] {
  return troubles(judgeSpool(CONFIG, { ...FACTS, ...facts }))
}

test('a spool that is well, and each way in which one is not', async t => {
  t.strictSame(spoolTroubles({}), [])
  t.strictSame(spoolTroubles({ exists: false, folderUid: null, dataUid: null }), [], 'it will be made')
  t.strictSame(spoolTroubles({ writeFailure: 'EACCES' }), ['fault spool folder: /spool cannot be written by this user (uid 10001)'])
  t.strictSame(spoolTroubles({ writeFailure: 'EROFS' }), ['fault spool folder: /spool is read-only'])
  t.strictSame(spoolTroubles({ writeFailure: 'ENOSPC' }), ['fault spool folder: /spool is on a disk that is full'])
  t.strictSame(spoolTroubles({ dataUid: 0 }), ['fault spool owner: the folder belongs to uid 10001, the data in it to uid 0'])
  t.strictSame(spoolTroubles({ folderUid: 33, dataUid: 33 }), ['warning spool owner: the folder belongs to uid 33, and this is uid 10001'])
  t.strictSame(spoolTroubles({ uid: 0 }), [], 'root looks at the folder of another user')
  t.strictSame(spoolTroubles({ openFailure: 'the spool at /spool has format 2, this program knows format 1: start the newer program, or give this one another spool.path' }), ['fault spool format: the spool at /spool has format 2, this program knows format 1'])
  t.match(spoolTroubles({ surroundings: { inContainer: true, spoolOnMount: false, spoolOnUnnamedVolume: false } }), [/^warning spool volume: spool\.path .* is inside the container, so the backlog is lost when the container is recreated$/])
  t.strictSame(spoolTroubles({ surroundings: { inContainer: false, spoolOnMount: false, spoolOnUnnamedVolume: false } }), [])
  t.match(spoolTroubles({ freeBytes: 2 ** 30 }), [/^warning spool space: 1\.0 GiB free, and it may grow to up to /])
  t.strictSame(spoolTroubles({ freeBytes: 0, usedBytes: 2 ** 40 }), [], 'what it has already it need not get')
})

const running = (status: Partial<Status>): string[] => judgeRunning({ state: 'runs', status: { ...STATUS, findings: [], config: { ...STATUS.config, file: CONFIG.file }, ...status } }, CONFIG).map(brief)

test('a running router is asked how it is', async t => {
  t.strictSame(running({}), [
    'ok router: mirror-router 0.1.0 is ready, running for 3 d 4 h',
    `ok deliveries: endpoint up; last answer 1 s ago; ${STATUS.spool?.pending} copies wait, ${STATUS.spool?.dead} dead letters`
  ])
  t.strictSame(running({ mirror: null, spool: null }), ['ok router: mirror-router 0.1.0 is ready, running for 3 d 4 h'])
  t.match(running({ readiness: 'stopping' as Status['readiness'] })[0], /^warning router: mirror-router 0\.1\.0 is stopping/)
  t.match(running({ config: { ...STATUS.config, file: '/other.yaml' } })[1], `warning router: it runs with /other.yaml, not with ${CONFIG.file}`)
})

test('what a running router finds is found, and does not send its reader here', async t => {
  const findings = judgeRunning({ state: 'runs', status: { ...STATUS, findings: [
    { level: 'trouble', words: 'The endpoint is down.', advice: 'Nothing is lost. Run mirror-router doctor to see where the way there ends.' },
    { level: 'warning', words: 'The endpoint fails.', advice: 'Attempts are made again; run mirror-router doctor if this stays.' }
  ] } }, { ...CONFIG, file: STATUS.config.file })

  t.match(findings.slice(1, 3), [
    { state: 'fault', words: 'The endpoint is down', advice: 'Nothing is lost.' },
    { state: 'warning', words: 'The endpoint fails', advice: 'Attempts are made again.' }
  ])
})

test('no router, an unknown one, and somebody else', async t => {
  t.match(judgeRunning({ state: 'absent' }, CONFIG), [{ state: 'skipped', words: 'none runs at port 9145' }])
  t.match(judgeRunning({ state: 'unknown' }, CONFIG), [{ state: 'skipped' }])
  t.match(judgeRunning({ state: 'stranger', why: 'answers 404' }, CONFIG), [{ state: 'fault', words: 'what listens at port 9145 answers 404' }])
})

type Heard = Parameters<typeof judgeSnuba>[0]

function answer (status: number, body = ''): Heard {
  return { answer: { status, location: null, body }, failure: null }
}

test('the second Sentry is asked through the router, and its Snuba behind it', async t => {
  const dead: Heard = { answer: null, failure: { stage: 'connect', reason: 'refused' } }
  const through = (reply: Heard): string => brief(judgeListener({ port: 81, ui: 'web-rum' }, reply))

  t.equal(through(answer(200)), 'ok through port 81: web-rum answers 200')
  t.equal(through(answer(502)), 'fault through port 81: the router answers 502 for web-rum')
  t.equal(through(answer(500)), 'fault through port 81: web-rum answers 500 to GET /_health/')
  t.equal(through(dead), 'fault through port 81: the router does not answer: connection refused')
  t.equal(brief(judgeSnuba(answer(200))), 'ok snuba-api-rum: snuba-api-rum:1218 answers 200 to GET /health')
  t.equal(brief(judgeSnuba(answer(503))), 'fault snuba-api-rum: snuba-api-rum:1218 answers 503 to GET /health')
  t.equal(brief(judgeSnuba(dead)), 'fault snuba-api-rum: snuba-api-rum:1218: connection refused')
})

test('where to look when the list of issues is empty is said where there is a second Sentry', async t => {
  t.match(adviseOnIssues(CONFIG), [{ state: 'skipped', advice: /docker compose logs web-rum snuba-api-rum/ }])
  t.match(adviseOnIssues(importConfig(filledDocument())), [{ state: 'skipped' }], 'under whatever name')
  t.strictSame(adviseOnIssues(configOf('listeners: [{ port: 80, ui: web }]')), [])
})

test('a request to SLS is signed over what it says, by the secret alone', async t => {
  const headers = signedHeaders({ keyId: 'id', secret: 'key', logstore: 'logstore-rum' }, NOW)

  t.strictSame(headers, {
    'x-log-apiversion': '0.6.0',
    'x-log-bodyrawsize': '0',
    'x-log-signaturemethod': 'hmac-sha1',
    Date: 'Sun, 22 Nov 2026 00:00:00 GMT',
    // printf 'GET\n\n\nSun, 22 Nov 2026 00:00:00 GMT\nx-log-apiversion:0.6.0\nx-log-bodyrawsize:0\nx-log-signaturemethod:hmac-sha1\n/logstores/logstore-rum' | openssl dgst -sha1 -hmac key -binary | base64
    Authorization: 'LOG id:zFy0wf92RupuOf9aGA3r60QoR54='
  })
})

function slsFinding (status: number, errorCode: string): Finding {
  return judgeSls(answer(status, JSON.stringify({ errorCode, errorMessage: '…' })))
}

test('an answer of SLS says which variable is wrong', async t => {
  t.equal(slsFinding(200, '').state, 'ok')
  t.match(slsFinding(401, 'SignatureNotMatch').advice, /^SLS_ACCESS_KEY_SECRET/)
  t.match(slsFinding(401, 'Unauthorized').advice, /AliyunLogReadOnlyAccess/)
  t.match(slsFinding(403, 'Unauthorized').advice, /AliyunLogReadOnlyAccess/)
  t.match(slsFinding(401, 'InvalidAccessKeyId').advice, /RAM console/)
  t.match(slsFinding(404, 'ProjectNotExist').advice, /SLS_PROJECT/)
  t.match(slsFinding(404, 'LogStoreNotExist').advice, /logstore-rum/)
  t.match(slsFinding(400, 'RequestTimeExpired').advice, /clock/)
  t.equal(slsFinding(500, 'InternalServerError').state, 'warning')
  t.match(judgeSls({ answer: null, failure: { stage: 'dns', reason: 'dns' } }).advice, /region/)
  t.match(judgeSls({ answer: null, failure: { stage: 'connect', reason: 'timeout' } }).advice, /firewall/)
})
