import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { PAGES } from '../../docs/pages.ts'

for (const { path, print } of PAGES) {
  test(`${path} is what \`npm run docs\` prints`, async t => {
    const page = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

    t.ok(page === print(), 'run: npm run docs')
  })
}
