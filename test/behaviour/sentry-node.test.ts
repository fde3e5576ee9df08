/** The Sentry SDK for Node, as an application uses it, through the router. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { test } from 'tap'
import { readEnvelope } from '../../src/envelope/read-envelope.ts'
import { answers, header, type Recorded } from '../helpers/backends.ts'
import { MIRROR_PATHS, startAll } from '../helpers/router.ts'

const APP = fileURLToPath(new URL('../fixtures/sentry-app.ts', import.meta.url))
const KINDS = ['check_in', 'event', 'session', 'span']

t.setTimeout(60_000)
const { relay, endpoint, router } = await startAll(t)
relay.answerWith(answers.status('200 OK', '{"id":"9ec79c33ec9942ab8353589fcb2e04dc"}', ['Content-Type: application/json']))

for (const project of [1, 2] as const) {
  test(`all that an application of project ${project} sends is at relay and, byte for byte, at its own service`, async t => {
    const before = { relay: relay.requests.length, endpoint: endpoint.requests.length }

    await runApp(project)

    const atRelay = relay.requests.slice(before.relay)
    const atEndpoint = (await endpoint.received(before.endpoint + atRelay.length)).slice(before.endpoint)
    t.strictSame(await kindsIn(atRelay), KINDS)
    t.ok(atRelay.some(request => header(request, 'content-encoding') === 'gzip'), 'one of them is compressed')
    t.strictSame(byId(atEndpoint), byId(atRelay), 'the same bodies under the same request ids')
    t.equal(new Set(atRelay.map(request => header(request, 'x-request-id'))).size, atRelay.length)
    for (const { target } of atRelay) t.match(target, new RegExp(`^/api/${project}/envelope/\\?sentry_version=7&sentry_key=key&`))
    t.strictSame(atEndpoint.map(({ target }) => target).sort(), atRelay.map(({ target }) => MIRROR_PATHS[project] + target).sort())
    for (const name of ['content-type', 'content-encoding', 'user-agent', 'x-sentry-auth']) {
      t.strictSame(fieldById(atEndpoint, name), fieldById(atRelay, name), `${name} is the same at both ends`)
    }
  })
}

test('a project that is off is heard by relay alone', async t => {
  const before = { relay: relay.requests.length, endpoint: endpoint.requests.length }

  await runApp(7)

  const atRelay = relay.requests.slice(before.relay)
  t.strictSame(await kindsIn(atRelay), KINDS)
  await router.metricIs(atRelay.length, 'mirror_skipped_total', { project: '7', reason: 'off' })
  t.equal(endpoint.requests.length, before.endpoint)
})

test('a rate limit of relay reaches the SDK, and what was sent before it is mirrored', async t => {
  const before = { relay: relay.requests.length, endpoint: endpoint.requests.length }
  relay.answerWith(answers.status('429 Too Many Requests', '{}', ['Retry-After: 60', 'X-Sentry-Rate-Limits: 60:error;default;session;span;monitor:organization']))
  t.teardown(() => { relay.answerWith(answers.status('200 OK', '{}')) })

  await runApp(1)

  const atRelay = relay.requests.slice(before.relay)
  const atEndpoint = (await endpoint.received(before.endpoint + atRelay.length)).slice(before.endpoint)
  t.ok(atRelay.length > 0)
  t.strictSame(byId(atEndpoint), byId(atRelay), 'the copy is sent whatever relay answers')
})

async function runApp (project: number): Promise<void> {
  const dsn = `${router.url80.replace('://', '://key@')}/${project}`
  await promisify(execFile)(process.execPath, [APP], { env: { ...process.env, SENTRY_DSN: dsn }, timeout: 20_000 })
}

/** Item types, each once, sorted. */
async function kindsIn (requests: readonly Recorded[]): Promise<string[]> {
  const envelopes = await Promise.all(requests.map(request => readEnvelope(request.body, header(request, 'content-encoding'))))
  const kinds = envelopes.flatMap(({ envelope }) => envelope === null ? ['no envelope'] : envelope.items.map(({ type }) => type))
  return [...new Set(kinds)].sort()
}

function byId (requests: readonly Recorded[]): Record<string, string> {
  return Object.fromEntries(requests.map(request => [header(request, 'x-request-id'), request.body.toString('latin1')]))
}

function fieldById (requests: readonly Recorded[], name: string): Record<string, string | undefined> {
  return Object.fromEntries(requests.map(request => [header(request, 'x-request-id'), header(request, name)]))
}
