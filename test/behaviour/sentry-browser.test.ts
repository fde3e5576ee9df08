/** The Sentry SDK for browsers in a real one, on a page of another origin. */
import type { Page } from 'playwright-core'
import t, { test, type Test } from 'tap'
import { startEndpoint, startRelay, startUi, type Received } from '../../src/demo/stand-ins.ts'
import { createArrivals, type Arrivals } from '../helpers/arrivals.ts'
import { launchChromium, startSite } from '../helpers/chromium.ts'
import { MIRROR_PATHS, routerConfig, startRouter } from '../helpers/router.ts'

t.setTimeout(90_000)
const atRelay = createArrivals<Received>('envelopes at relay')
const atEndpoint = createArrivals<Received>('envelopes at the endpoint')
const standIns = await Promise.all([startRelay(atRelay.add), startEndpoint(atEndpoint.add), startUi('web'), startUi('web-rum')])
const [relay, endpoint, web, webRum] = standIns
for (const standIn of standIns) t.teardown(() => standIn.close())
const router = await startRouter(t, routerConfig({ relay: relay.port, web: web.port, webRum: webRum.port, endpoint: endpoint.port }))
const site = await startSite(t)
const browser = await launchChromium(t)

test('errors, spans and the session of a page are at relay and, byte for byte, at the endpoint', async t => {
  const page = await openPage()

  await inPage(page, `
    const Sentry = await import('@sentry/browser')
    Sentry.init({
      dsn: ${JSON.stringify(dsn(1))}, release: 'shop@1', tracesSampleRate: 1,
      integrations: [Sentry.browserTracingIntegration()]
    })
    Sentry.captureException(new Error('Ärger im Warenkorb 🛒'))
    Sentry.startSpan({ name: 'checkout', op: 'ui.action', forceTransaction: true }, () => {})
    if (!await Sentry.flush(5000)) throw new Error('not flushed')
  `)

  const sent = [...atRelay.all]
  const kinds = new Set(sent.flatMap(({ envelope }) => envelope?.items.map(({ type }) => type) ?? []))
  for (const kind of ['event', 'session', 'span']) t.ok(kinds.has(kind), `a ${kind} arrived`)
  t.match(sent.map(({ body }) => body.toString()).join(''), 'Ärger im Warenkorb 🛒')
  await sameAtEndpoint(t, sent)
})

test('a header that needs a preflight gets one: relay answers it, the mirror does not hear of it', async t => {
  const page = await openPage()
  const preflights: string[] = []
  // Playwright shows preflights only through the protocol itself.
  const protocol = await page.context().newCDPSession(page)
  await protocol.send('Network.enable')
  protocol.on('Network.requestWillBeSent', ({ request }) => {
    if (request.method === 'OPTIONS') preflights.push(request.url)
  })
  const before = await router.metric('mirror_skipped_total', { project: '1', reason: 'method' })

  const status = await inPage(page, `
    const answer = await fetch(${JSON.stringify(envelopeUrl(1))}, {
      method: 'POST', headers: { 'X-Requested-With': 'test', 'Content-Type': 'application/x-sentry-envelope' }, body: '{}\\n{"type":"event"}\\n{"from":"a preflight"}'
    })
    return answer.status
  `)

  t.equal(status, 200)
  t.equal(preflights.length, 1)
  await router.metricIs(before + 1, 'mirror_skipped_total', { project: '1', reason: 'method' })
  await sameAtEndpoint(t, [await arrival(atRelay, ({ body }) => body.includes('"from":"a preflight"'), 'post after the preflight')])
})

test('relay\'s refusal can be read by the page, and is not made better by the mirror', async t => {
  const page = await openPage()

  const answer = await inPage(page, `
    const answer = await fetch(${JSON.stringify(`${router.url80}/api/1/envelope/`)}, { method: 'POST', body: '{}\\n' })
    return { status: answer.status, body: await answer.json() }
  `)

  t.match(answer, { status: 401, body: { detail: 'missing authorization information' } })
})

for (const [name, leave] of [
  ['a beacon', `navigator.sendBeacon(${JSON.stringify(envelopeUrl(2))}, new Blob(['{}\\n{"type":"event"}\\n{"from":"a beacon"}']))`],
  ['a keepalive fetch', `fetch(${JSON.stringify(envelopeUrl(2))}, { method: 'POST', keepalive: true, body: '{}\\n{"type":"event"}\\n{"from":"a keepalive fetch"}' })`]
] as const) {
  test(`${name} sent while the page goes away arrives at both ends`, async t => {
    const page = await openPage()

    await inPage(page, `addEventListener('pagehide', () => { ${leave} })`)
    await page.close()

    const arrived = await arrival(atRelay, ({ body }) => body.includes(`"from":"${name}"`), name)
    await sameAtEndpoint(t, [arrived])
  })
}

async function openPage (): Promise<Page> {
  const page = await browser.newPage()
  t.teardown(() => page.close())
  await page.goto(site)
  return page
}

/** Runs the body of an async function in the page. */
function inPage (page: Page, body: string): Promise<unknown> {
  return page.evaluate(`(async () => { ${body} })()`)
}

function dsn (project: number): string {
  return `${router.url80.replace('://', '://key@')}/${project}`
}

function envelopeUrl (project: number): string {
  return `${router.url80}/api/${project}/envelope/?sentry_key=key&sentry_version=7`
}

/** Asserts that these are at the endpoint too: same bytes, same request ids, under the project's own path. */
async function sameAtEndpoint (t: Test, sent: readonly Received[]): Promise<void> {
  t.ok(sent.length > 0)
  for (const { requestId, sha256, target, project } of sent) {
    const copy = await arrival(atEndpoint, copy => copy.requestId === requestId, `copy of ${requestId}`)
    t.equal(copy.sha256, sha256, 'the same bytes under the same request id')
    t.equal(copy.target, `${MIRROR_PATHS[project === '1' ? 1 : 2]}${target}`)
  }
}

/** The first arrival that fits, waited for; pages that are closing send things of their own in between. */
async function arrival (arrivals: Arrivals<Received>, fits: (received: Received) => boolean, what: string): Promise<Received> {
  for (let seen = 0; ; seen++) {
    const [received] = (await arrivals.atLeast(seen + 1).catch((cause: unknown) => { throw new Error(`No ${what} arrived.`, { cause }) })).slice(seen)
    if (received !== undefined && fits(received)) return received
  }
}
