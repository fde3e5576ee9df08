import { readFile } from 'node:fs/promises'
import { test } from 'tap'
import { metricsPage } from '../../../src/admin/print-docs.ts'

test('docs/metrics.md is what the table of metrics prints', async t => {
  const page = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')

  t.equal(page, metricsPage(), 'stale: node src/admin/print-docs.ts > docs/metrics.md')
})
