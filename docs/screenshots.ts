/**
 * Draws docs/images/status-{light,dark,phone}.png: the page as the admin listener
 * serves it, with the state of test/fixtures/status.ts. `node docs/screenshots.ts`
 * needs Debian's chromium.
 */
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type BrowserContextOptions } from 'playwright-core'
import { registerPageRoutes } from '../src/admin/page-route.ts'
import { createAdminServer } from '../src/admin/server.ts'
import { registerStatusRoutes } from '../src/admin/status-routes.ts'
import { loadAssets } from '../src/page/assets.ts'
import { HISTORY, REPORT, STATUS } from '../test/fixtures/status.ts'

const SHOTS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1280, height: 1640 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 1640 }, colorScheme: 'dark' },
  phone: { viewport: { width: 360, height: 1100 }, deviceScaleFactor: 2, colorScheme: 'light' }
}

const source = { status: async () => STATUS, history: async () => HISTORY }
const admin = createAdminServer({ host: '127.0.0.1', port: 0, readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })
registerStatusRoutes(admin.app, source)
registerPageRoutes(admin.app, { loadAssets, source, report: async () => REPORT })
await admin.listen()
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const [name, options] of Object.entries(SHOTS)) await shoot(browser, name, options)
} finally {
  await browser.close()
  await admin.close()
}

async function shoot (browser: Browser, name: string, options: BrowserContextOptions): Promise<void> {
  const page = await browser.newPage({ ...options, reducedMotion: 'reduce', timezoneId: 'UTC' })
  await page.goto(`http://127.0.0.1:${admin.port()}/`)
  await page.waitForSelector('#link-state[data-link="live"]')
  await page.waitForSelector('#plot-upstream-errors canvas')
  await page.screenshot({ path: fileURLToPath(new URL(`images/status-${name}.png`, import.meta.url)) })
  await page.close()
}
