import { test } from 'tap'
import { colour, createScreen, fit } from '../../../src/cli/screen.ts'
import type { StatusLine } from '../../../src/status/text.ts'

const plain = (text: string): StatusLine => ({ text, kind: 'plain' })
const texts = (lines: readonly StatusLine[]): string[] => lines.map(({ text }) => text)

test('sentences are wrapped, rows of a table are cut, and nothing is wider than the window', async t => {
  const lines = fit([plain('! The endpoint is down since ten'), plain('relay   12  last answer long ago'), plain('')], 20, 10)

  t.strictSame(texts(lines), ['! The endpoint is', '  down since ten', 'relay   12  last an…', ''])
})

test('what the window has no room for is counted, and the last line stays', async t => {
  const lines = fit(['a', 'b', 'c', 'd', 'e', 'end'].map(plain), 80, 4)

  t.strictSame(texts(lines), ['a', 'b', '… 3 more lines; make the window taller, or see them with: status', 'end'])
  t.equal(fit(['a', 'b', 'c'].map(plain), 80, 1).length, 1)
})

test('a screen leaves the terminal as it was, and follows its window', async t => {
  let out = ''
  const output = { columns: 10, rows: 3, write: (text: string) => { out += text } }
  const screen = createScreen(output)
  screen.draw([plain('one'), plain('two')], text => text)
  output.columns = 3
  screen.draw([plain('a  longer')], text => text)
  screen.close()

  t.equal(out, ['\x1b[?1049h\x1b[?25l', '\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J', '\x1b[Ha …\x1b[K\x1b[J', '\x1b[?25h\x1b[?1049l'].join(''))
})

test('a colour ends with its line, and a line without one has none', async t => {
  t.equal(colour('bad', 'trouble'), '\x1b[1;31mbad\x1b[0m')
  t.equal(colour('row', 'plain'), 'row')
  t.equal(colour('', 'trouble'), '')
})
