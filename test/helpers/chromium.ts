/**
 * A real browser, and a site for it that is not the router's origin, so that what
 * its pages send is cross-origin. A machine without Chromium fails these tests.
 */
import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

/** Where Debian's package puts it. */
const CHROMIUM = '/usr/bin/chromium'

/** No sandbox: containers have no user namespaces. The rest keeps it from calling home. */
const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'
]

/** Without symbolic links, as `import.meta.resolve` answers. */
const NODE_MODULES = realpathSync(fileURLToPath(new URL('../../node_modules/', import.meta.url)))

/** Every package that the browser SDK's modules name, by its entry for `import`. */
const SPECIFIERS = [
  '@sentry/browser', '@sentry/browser-utils', '@sentry/core', '@sentry/core/browser', '@sentry/feedback', '@sentry/replay',
  '@sentry/replay-canvas', '@sentry/conventions/attributes', '@sentry/conventions/metrics', '@sentry/conventions/op', 'web-vitals'
]

export async function launchChromium (t: Test): Promise<Browser> {
  await access(CHROMIUM).catch((cause: unknown) => {
    throw new Error(`${CHROMIUM} is missing: the browser tests need it (Debian: chromium)`, { cause })
  })
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  t.teardown(() => browser.close())
  return browser
}

/**
 * A page whose modules may `import '@sentry/browser'`: the files of the package as
 * they are, through an import map.
 *
 * @returns The page's address.
 */
export async function startSite (t: Test): Promise<string> {
  const server = createServer((request, response) => {
    const file = join(NODE_MODULES, normalize(new URL(request.url ?? '/', 'http://site').pathname).replace(/^\/node_modules\//, ''))
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(pageText())
    } else if (request.url?.startsWith('/node_modules/') && /^\.m?js$/.test(extname(file))) {
      readFile(file).then(
        bytes => response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=600' }).end(bytes),
        () => response.writeHead(404).end()
      )
    } else {
      response.writeHead(404).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function pageText (): string {
  const imports = Object.fromEntries(SPECIFIERS.map(specifier =>
    [specifier, `/node_modules/${relative(NODE_MODULES, fileURLToPath(import.meta.resolve(specifier)))}`]))
  return `<!doctype html><title>shop</title><script type="importmap">${JSON.stringify({ imports })}</script><h1>Shop</h1>`
}
