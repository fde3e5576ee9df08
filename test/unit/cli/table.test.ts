import { test } from 'tap'
import { printable, printableJson } from '../../../src/printable.ts'
import { createProgress, renderProgress } from '../../../src/cli/progress.ts'
import { renderTable } from '../../../src/cli/table.ts'

test('columns are as wide as their widest cell, numbers stand on the right', async t => {
  const lines = renderTable([
    { heading: 'name', cell: (row: readonly [string, number]) => row[0] },
    { heading: 'n', cell: row => String(row[1]), right: true },
    { heading: 'last', cell: () => 'x' }
  ], [['a', 1], ['longer', 1234]])

  t.strictSame(lines, [
    'name       n  last',
    'a          1  x',
    'longer  1234  x'
  ])
})

test('a table without rows is its headings', async t => {
  t.strictSame(renderTable([{ heading: 'id', cell: String }], []), ['id'])
})

test('the bar fills up as the work gets done', async t => {
  t.equal(renderProgress('Replaying', 0, 2000), `Replaying ${'░'.repeat(30)} 0 of 2,000, 0 %`)
  t.equal(renderProgress('Replaying', 1000, 2000), `Replaying ${'█'.repeat(15)}${'░'.repeat(15)} 1,000 of 2,000, 50 %`)
  t.equal(renderProgress('Replaying', 2000, 2000), `Replaying ${'█'.repeat(30)} 2,000 of 2,000, 100 %`)
  t.equal(renderProgress('Purging', 1500, null), 'Purging … 1,500')
})

test('the bar is drawn on a terminal alone, and leaves nothing behind', async t => {
  for (const [isTTY, written] of [[true, ['\r\u001b[2KPurging … 1', '\r\u001b[2K']], [false, []]] as const) {
    const seen: string[] = []
    const progress = createProgress({ isTTY, write: text => { seen.push(text) } }, 'Purging')

    progress.show(1, null)
    progress.clear()
    progress.clear()

    t.strictSame(seen, written)
  }
})

test('text from outside steers no terminal', async t => {
  t.equal(printable('a\u001b[31mb\r\nü🙂\u202e\u0085'), 'a\\x1b[31mb\\x0d\\x0aü🙂\\u{202e}\\x85')
  const value = { text: 'a\u001b\u009b\u202eü🙂' }
  t.strictSame(JSON.parse(printableJson(value)), value)
  for (const char of '\u001b\u009b\u202e') t.notOk(printableJson(value).includes(char))
})
