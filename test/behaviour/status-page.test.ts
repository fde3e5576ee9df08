/** The status page of the running program in a real browser, with and without scripts. */
import type { Browser, Page } from 'playwright-core'
import t, { test, type Test } from 'tap'
import { answers, startBackend } from '../helpers/backends.ts'
import { launchChromium } from '../helpers/chromium.ts'
import { eventually, routerConfig, startAll, startRouter, type Backends, type StartedRouter } from '../helpers/router.ts'
import { accessibilityFaults, openStatusPage } from '../helpers/status-page.ts'

t.setTimeout(120_000)
const browser: Browser = await launchChromium(t)

const PHONE = { viewport: { width: 360, height: 780 } }

type Started = Backends & { readonly router: StartedRouter }

async function post (router: StartedRouter, project: number, count = 1): Promise<void> {
  for (let at = 0; at < count; at++) {
    const body = `{"event_id":"${String(at).padStart(32, '0')}"}\n{"type":"event"}\n{"message":"it broke"}\n`
    const response = await fetch(`${router.url80}/api/${project}/envelope/`, { method: 'POST', body, headers: { 'content-type': 'application/x-sentry-envelope' } })
    await response.arrayBuffer()
  }
}

/** Two copies of project 2 that the endpoint has refused; from now on it takes them. */
async function startWithDeadLetters (t: Test): Promise<Started> {
  const all = await startAll(t)
  all.endpoint.answerWith(answers.status('400 Bad Request', 'no such thing'))
  await post(all.router, 2, 2)
  await all.router.metricIs(2, 'mirror_dead_total', { project: '2', reason: '400' })
  all.endpoint.answerWith(answers.status('200 OK'))
  return all
}

/** Asked from outside: the page's policy forbids what waits within it. */
function textIs (page: Page, selector: string, text: RegExp, timeoutMs = 10_000): Promise<void> {
  return eventually(async () => {
    const now = await page.locator(selector).innerText({ timeout: 1000 })
    return text.test(now) ? null : `${selector} says ${JSON.stringify(now)}, which is not ${String(text)}`
  }, timeoutMs)
}

test('it loads without a fault, and its numbers follow the traffic', async t => {
  const { router } = await startAll(t)
  const { page, faults } = await openStatusPage(t, browser, router)

  await post(router, 1, 3)
  await textIs(page, '#projects tr[data-key="1"]', /100 %[^]*\b3\b/)
  await textIs(page, '#answer h1', /^Yes\. All copies/)
  await textIs(page, '#completeness tr[data-key="1"]', /\b3\b[^]*complete/)
  await page.waitForSelector('#plot-copies canvas')
  await textIs(page, '#plot-copies .legend', /delivered/)

  t.equal(await page.locator('.plots canvas').count(), 8)
  await eventually(async () => await isDrawnIn(page, 'backlog', [0x00, 0x72, 0xb2]) ? null : 'the backlog is not drawn')
  await page.emulateMedia({ colorScheme: 'dark' })
  await eventually(async () => await isDrawnIn(page, 'backlog', [0x56, 0xb4, 0xe9]) ? null : 'the backlog is not drawn in the palette of the dark')
  t.strictSame(faults, [])
})

test('an outage of the endpoint is on the page within 3 s, and so is its end', async t => {
  const { router, endpoint } = await startAll(t)
  const { page, faults } = await openStatusPage(t, browser, router)
  await endpoint.stop()

  await post(router, 1, 20)
  const heldUpAt = Date.now()
  await textIs(page, '#endpoint-state', /^down$/)
  const shownAfterMs = Date.now() - heldUpAt

  t.ok(shownAfterMs < 3000, `shown after ${shownAfterMs} ms`)
  await textIs(page, '#answer h1', /^Not yet\. 20 copies wait/)
  await textIs(page, '#endpoint-words', /since \d\d:\d\d: connection refused; 20 copies waiting/)
  await textIs(page, '#answer .causes', /connection refused/)
  t.match(await page.title(), /^\(!\)/)

  await startBackend(t, answers.status('200 OK'), endpoint.port)
  await textIs(page, '#endpoint-state', /^up$/, 30_000)
  await textIs(page, '#answer h1', /^Yes/)
  t.strictSame(faults, [])
})

test('a dead letter is looked into and replayed by click', async t => {
  const { router, endpoint } = await startWithDeadLetters(t)
  const { page, faults } = await openStatusPage(t, browser, router)
  await textIs(page, '#answer h1', /^No\. 2 copies were given up/)

  await page.click('#dead-letters [data-action="look"]')
  await page.click('#letters details:first-of-type > summary')
  await textIs(page, '#letters', /no such thing/)
  await textIs(page, '#letters', /POST …\/api\/2\/envelope\//)
  await page.click('#letters [data-action="close"]')
  await page.click('#dead-letters tr [data-action="replay"]')
  t.match(await page.innerText('#confirm'), /2 copies \(project 2, reason 400\)/)
  await page.click('#confirm-yes')

  await endpoint.received(4)
  await textIs(page, '#dead-letters', /None\./)
  await textIs(page, '#answer h1', /^Yes/)
  t.strictSame(faults, [])
})

test('a replay is asked for, thought better of, and done with the keyboard alone', async t => {
  const { router, endpoint } = await startWithDeadLetters(t)
  const { page, faults } = await openStatusPage(t, browser, router)

  await tabTo(page, '#dead-letters tr [data-action="replay"]')
  await page.keyboard.press('Enter')
  t.equal(await focused(page), 'confirm-yes')
  await page.keyboard.press('Escape')
  t.equal(await page.locator('#confirm').isVisible(), false)
  t.match(await focused(page), 'replay', 'the focus is back where it was')
  t.equal(endpoint.requests.length, 2, 'nothing was sent')

  await page.keyboard.press('Enter')
  await page.keyboard.press('Enter')
  await endpoint.received(4)
  await textIs(page, '#dead-letters', /None\./)
  t.equal(await focused(page), 'dead-letters-title', 'the button is gone: the focus is on its section')
  t.strictSame(faults, [])
})

test('without scripts it says the same', async t => {
  const { router } = await startWithDeadLetters(t)
  await post(router, 1, 3)
  await router.metricIs(3, 'mirror_delivered_total', { project: '1' })

  const { page, faults } = await openStatusPage(t, browser, router, { javaScriptEnabled: false })

  t.match(await page.innerText('#answer h1'), /^No\. 2 copies were given up/)
  t.match(await page.innerText('#projects tr[data-key="1"]'), /100 %[^]*\b3\b/)
  t.match(await page.innerText('#dead-letters'), /400[^]*mirror-router spool replay/)
  t.match(await page.innerText('#completeness tr[data-key="2"]'), /2 dead \(400\)/)
  t.match(await page.innerText('#routes'), /upstream relay/)
  t.match(await page.innerText('noscript'), /Reload the page/)
  t.equal(await page.locator('button:visible').count(), 0, 'no button that would do nothing')
  await page.click('#history-numbers > summary')
  t.match(await page.innerText('#history-table'), /Delivered/)
  t.strictSame(faults, [])
})

test('with an admin token it asks for it before it shows a body or replays, and not before', async t => {
  const all = await startAll(t)
  const token = 'thirty-two-characters-of-a-token'
  const router = await startRouter(t, {
    ...routerConfig({ relay: all.relay.port, web: all.web.port, webRum: all.webRum.port, endpoint: all.endpoint.port }),
    admin: { token }
  })
  all.endpoint.answerWith(answers.status('400 Bad Request'))
  await post(router, 1)
  await router.metricIs(1, 'mirror_dead_total')
  all.endpoint.answerWith(answers.status('200 OK'))
  const { page } = await openStatusPage(t, browser, router)

  await page.click('#dead-letters tr [data-action="replay"]')
  await page.click('#confirm-yes')
  await page.fill('#token-input', 'another')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#token-fault:visible')
  await page.fill('#token-input', token)
  await page.keyboard.press('Enter')

  await all.endpoint.received(2)
  await textIs(page, '#dead-letters', /None\./)
  t.equal(await page.evaluate('localStorage.length'), 0, 'kept for this tab only')
})

test('a router that is gone is said to be gone, and found again', async t => {
  const { router } = await startAll(t)
  const { page } = await openStatusPage(t, browser, router)

  router.process.kill('SIGSTOP')
  await page.waitForSelector('#link-state[data-link="lost"]')
  t.match(await page.innerText('#lost'), /connection to the router was lost/)

  router.process.kill('SIGCONT')
  await page.waitForSelector('#link-state[data-link="live"]')
  t.equal(await page.locator('#lost').isVisible(), false)
})

for (const [name, options] of [
  ['in the light', { colorScheme: 'light' }],
  ['in the dark', { colorScheme: 'dark' }],
  ['on a phone', { ...PHONE, colorScheme: 'dark' }]
] as const) {
  test(`${name}, nothing keeps anybody from using it`, async t => {
    const { router, endpoint } = await startWithDeadLetters(t)
    await endpoint.stop()
    await post(router, 1, 20)
    const { page } = await openStatusPage(t, browser, router, options)
    await textIs(page, '#endpoint-state', /^down$/)
    await page.click('#history-numbers > summary')

    t.strictSame(await accessibilityFaults(page), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), 'nothing is beside the screen')
    await page.click('#dead-letters tr [data-action="look"]')
    await page.click('#letters details:first-of-type > summary')
    await textIs(page, '#letters', /Request/)
    t.strictSame(await accessibilityFaults(page), [])
    await page.click('#letters [data-action="close"]')
    await page.click('#dead-letters tr [data-action="replay"]')
    t.strictSame(await accessibilityFaults(page), [])
  })
}

/** Whether a plot has a point of this colour. */
async function isDrawnIn (page: Page, plot: string, colour: readonly [red: number, green: number, blue: number]): Promise<boolean> {
  return await page.evaluate(`(() => {
    const canvas = document.querySelector('#plot-${plot} canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const wanted = [${colour.join()}, 255]
    for (let at = 0; at < data.length; at += 4) if (wanted.every((value, part) => data[at + part] === value)) return true
    return false
  })()`) as boolean
}

async function tabTo (page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return
  }
  throw new Error(`60 tabs did not reach ${selector}.`)
}

/** The id of what has the focus, or what it does. */
async function focused (page: Page): Promise<string> {
  return await page.evaluate(`document.activeElement.id || document.activeElement.dataset.action || document.activeElement.tagName`) as string
}
