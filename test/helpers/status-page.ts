/** The status page of a running router in a browser, and what is wrong with it. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { Test } from 'tap'
import type { StartedRouter } from './router.ts'

export interface OpenedPage {
  readonly page: Page
  /** Errors in the console, violations of the policy included, errors of scripts, and requests to anywhere else. */
  readonly faults: readonly string[]
}

const AXE = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'))

/** Opens it and waits for the first event, unless scripts are off. */
export async function openStatusPage (t: Test, browser: Browser, { adminUrl }: Pick<StartedRouter, 'adminUrl'>, options: BrowserContextOptions = {}): Promise<OpenedPage> {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', error => { faults.push(`script: ${String(error)}`) })
  page.on('request', request => {
    if (!request.url().startsWith(`${adminUrl}/`) && !request.url().startsWith('data:')) faults.push(`request: ${request.url()}`)
  })
  const answer = await page.goto(adminUrl)
  if (answer?.status() !== 200) throw new Error(`The page was answered with ${answer?.status()}.`)
  if (options.javaScriptEnabled !== false) await page.waitForSelector('#link-state[data-link="live"]')
  return { page, faults }
}

/** What axe-core finds that keeps somebody from using the page: its serious and critical rules. */
export async function accessibilityFaults (page: Page): Promise<string[]> {
  // In the page's world, but not by a script element: its policy allows none.
  await page.evaluate(await readFile(AXE, 'utf8'))
  const violations = await page.evaluate(`axe.run(document).then(({ violations }) => violations)`) as {
    id: string, impact: string, nodes: { html: string, failureSummary: string }[]
  }[]
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}: ${failureSummary}`))
}
