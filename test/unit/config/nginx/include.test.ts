import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { includesFrom } from '../../../../src/config/nginx/include-files.ts'
import { fixture, importConfig, importText } from '../../../helpers/imported.ts'

const STOCK = fixture('stock.conf')

test('included files take the place of the include, and their faults name them', async t => {
  const text = STOCK.replace('keepalive_timeout 75s;', 'include conf.d/*.conf;')

  const { faults } = importText(text, { 'conf.d/a.conf': 'keepalive_timeout 10s;', 'conf.d/b.conf': '\n  gzip_static on;' })

  t.match(faults, [{ file: 'conf.d/b.conf', line: 2, column: 3, message: /"gzip_static on" is not carried over/ }])
  t.equal(importConfig(text, { 'conf.d/a.conf': 'keepalive_timeout 10s;' }).client.keepaliveTimeoutMs, 10_000)
})

test('lines of a map may be included', async t => {
  const text = fixture('document.conf').replaceAll(/<[a-z_]+>/g, 'x').replace('default /rum', 'include projects.map; default /rum')

  const { mirror } = importConfig(text, { 'projects.map': '~^/api/5/ /rum/five;' })

  t.strictSame([...mirror?.projects ?? []], [['5', '/rum/five']])
})

test('directives without effect in an included file are listed with its name', async t => {
  const { yaml } = importText(STOCK.replace('keepalive_timeout 75s;', 'include extra.conf;'), { 'extra.conf': '\nmsie_padding on;' })

  t.match(yaml, /^# {3}extra\.conf:2: msie_padding on \(/m)
})

test('a missing mime.types is noted, any other missing file is a fault', async t => {
  t.match(importText(STOCK).notes, [/mime\.types is not here/, /.*/])
  t.match(importText(STOCK.replace('mime.types', 'other.types')).faults, [{ line: 14, message: /"\/etc\/nginx\/other\.types" cannot be read/ }])
})

test('a pattern that matches no file is no fault', async t => {
  const { faults, yaml } = importText(STOCK.replace('keepalive_timeout 75s;', 'include conf.d/*.conf;'))

  t.strictSame(faults, [])
  t.match(yaml, /^# {3}line 28: include conf\.d\/\*\.conf \(no file matches\)$/m)
})

test('a file that includes itself, also through another, is a fault', async t => {
  const text = STOCK.replace('keepalive_timeout 75s;', 'include a;')

  t.match(importText(text, { a: 'include b;', b: '\ninclude a;' }).faults, [{ file: 'b', line: 2, message: /"a" includes itself/ }])
  t.match(importText(text, { a: 'include a;' }).faults, [{ file: 'a', line: 1, message: /"a" includes itself/ }])
})

test('files that include each other over and over come to an end', async t => {
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, `include f${i + 1}; include f${i + 1};`]))

  const { faults } = importText(STOCK.replace('keepalive_timeout 75s;', 'include f0;'), { ...files, f30: 'gzip off;' })

  t.ok(faults.some(({ message }) => /more than 500 files/.test(message)))
})

test('a syntax error in an included file is a fault of that file', async t => {
  const text = STOCK.replace('keepalive_timeout 75s;', 'include a;')

  t.match(importText(text, { a: 'keepalive_timeout 75s;\n}' }).faults, [{ file: 'a', line: 2, column: 1, message: /no block is open/ }])
  t.match(importText(text, { a: 'server {\n' }).faults, [{ file: 'a', line: 2, message: /close the "server" block/ }])
})

test('files are found on disk as glob finds them: sorted, hidden ones left out', async t => {
  const folder = t.testdir({ 'z.conf': 'z', 'a.conf': 'a', '.h.conf': 'h', 'a.txt': 'no', sub: { 'b.conf': 'b' }, '{x}.conf': 'x' })
  mkdirSync(join(folder, 'sub', 'deep'))
  writeFileSync(join(folder, 'sub', 'deep', 'c.conf'), 'c')
  const read = includesFrom(folder)

  const names = (pattern: string): string[] => read(pattern).map(({ path, text }) => `${path.slice(folder.length + 1)}=${text}`)

  t.strictSame(names('*.conf'), ['a.conf=a', 'z.conf=z', '{x}.conf=x'])
  t.strictSame(names('s*/?.conf'), ['sub/b.conf=b'])
  t.strictSame(names('**/*.conf'), ['sub/b.conf=b'])
  t.strictSame(names('{x}*.conf'), ['{x}.conf=x'])
  t.strictSame(names('[ab].*'), ['a.conf=a', 'a.txt=no'])
  t.strictSame(names(join(folder, 'z.conf')), ['z.conf=z'])
  t.strictSame(names('sub/../z.conf'), ['z.conf=z'])
  t.strictSame(names('none.conf'), [])
  t.strictSame(names('none/*.conf'), [])
})
