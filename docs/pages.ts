/** Every file that is printed from a table in the code. `npm run docs` writes them; a test fails when one is stale. */
import { metricsPage } from '../src/admin/metrics-page.ts'
import { printJsonSchema } from '../src/config/json-schema.ts'
import { printManual } from '../src/config/manual.ts'
import { commandLinePage } from './command-line-page.ts'
import { dependenciesPage } from './dependencies-page.ts'
import { errorsPage } from './errors-page.ts'
import { faultsPage } from './faults-page.ts'

export interface Page {
  /** From the repository's root. */
  readonly path: string
  readonly print: () => string
}

// Commands are loaded when they are asked for.
const commandLine = await commandLinePage()

export const PAGES: readonly Page[] = [
  { path: 'config/router.schema.json', print: printJsonSchema },
  { path: 'docs/configuration.md', print: printManual },
  { path: 'docs/command-line.md', print: () => commandLine },
  { path: 'docs/metrics.md', print: metricsPage },
  { path: 'docs/errors.md', print: errorsPage },
  { path: 'docs/dependencies.md', print: dependenciesPage },
  { path: 'docs/faults.md', print: faultsPage }
]
