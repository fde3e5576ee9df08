/** Why each package is there, and the licences of all that run: from package.json and the lock. A package without a reason, or of another licence, stops it. */
import { readFileSync } from 'node:fs'

const WHY: Readonly<Record<string, string>> = {
  'fastify': 'the admin listener; no client of Sentry reaches it',
  'lmdb': 'the spool',
  'p-queue': 'the width of delivery',
  'pino': 'the log',
  'pino-pretty': 'the log on a terminal',
  'prom-client': '`/metrics`',
  'uplot': 'plots of the status page; runs in the browser',
  'yaml': 'router.yaml, with line and column of what is wrong'
}
/** Those a closed network or a distributor need not ask about. */
const LICENCES: ReadonlySet<string> = new Set(['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'])

interface Manifest { readonly dependencies: Readonly<Record<string, string>> }
interface Locked { readonly version: string, readonly license?: string, readonly dev?: true, readonly optional?: true }
interface Lock { readonly packages: Readonly<Record<string, Locked>> }

function read (file: string): unknown {
  return JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
}

export function dependenciesPage (): string {
  const { dependencies } = read('package.json') as Manifest
  const { packages } = read('package-lock.json') as Lock
  const running = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  const direct = Object.keys(dependencies).map(name => {
    const why = WHY[name]
    if (why === undefined) throw new Error(`${name} has no reason in docs/dependencies-page.ts`)
    return `| ${name} | ${packages[`node_modules/${name}`]?.version ?? ''} | ${why} |`
  })
  const byLicence = Map.groupBy(running, ([path, { license = 'none' }]) => {
    if (!LICENCES.has(license)) throw new Error(`${path} has the licence ${license}, which docs/dependencies-page.ts does not list`)
    return license
  })
  const licences = [...byLicence].sort(([a], [b]) => a < b ? -1 : 1).map(([licence, list]) =>
    `| ${licence} | ${[...new Set(list.map(([path, { version, optional }]) => `${path.replace(/^.*node_modules\//, '')} ${version}${optional === true ? ' (optional)' : ''}`))].sort().join(', ')} |`)

  return `# Dependencies

Printed from \`package.json\` and \`package-lock.json\` by \`npm run docs\`; do not edit. A test fails when it is not current.

## Policy

- **Few.** What the standard library or a page of code can do is not a package. The way of a request to an upstream
  (\`src/http1/\`, \`src/routing/\`, \`src/proxy/\`) uses none: no package of others parses what a client sends.
- **Pinned.** \`package-lock.json\` fixes each version with its hash; \`npm ci\` takes nothing else, in CI and in the
  image. In the image install scripts do not run (\`--ignore-scripts\`), and packages for development are left out.
- **Upkeep is looked at before a package is added, and at each update**: who publishes it, how old the last release is,
  whether it has known faults (\`npm audit\`), what it brings along. A package that is given up is replaced, not patched.
- **Licences** are those of the table below; another one stops \`npm run docs\` and its test.
- The image carries \`sbom.json\` (CycloneDX) with all of it.

## Why each is there

| package | version | what for |
|---|---|---|
${direct.join('\n')}

Packages for development (\`devDependencies\`) are for tests, types and lint; none is in the image.

## Licences of all that run

\`(optional)\`: taken only where it fits the platform.

| licence | packages |
|---|---|
${licences.join('\n')}
`
}
