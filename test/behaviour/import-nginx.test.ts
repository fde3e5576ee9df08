/** `mirror-router import-nginx`, as an operator calls it. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { filledDocument } from '../helpers/imported.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

interface Outcome { readonly code: number, readonly out: string, readonly err: string }

function mirrorRouter (cwd: string, args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, ...args], { cwd }, (_error, out, err) => { resolve({ code: child.exitCode ?? -1, out, err }) })
    child.stdin?.end(input)
  })
}

test('the document\'s nginx.conf is written as router.yaml, which check accepts', async t => {
  const folder = t.testdir({ 'nginx.conf': filledDocument().replace('/etc/nginx/mime.types', 'none/mime.types') })

  const imported = await mirrorRouter(folder, ['import-nginx', 'nginx.conf'])

  t.equal(imported.code, 0)
  t.match(imported.out, /^# Imported from nginx\.conf by mirror-router import-nginx\.\n/)
  t.match(imported.err, /^nginx\.conf: note: none\/mime\.types is not here/)
  t.notMatch(imported.err, /rum\/sentry/)

  const checked = await mirrorRouter(t.testdir({ 'router.yaml': imported.out }), ['check', '--config', 'router.yaml'])

  t.equal(checked.code, 0)
  t.match(checked.out, /^router\.yaml: ok: listens on 0\.0\.0\.0:80 \(ui: sentry\), 0\.0\.0\.0:81 \(ui: sentry_rum\)/)
})

test('faults are named as file:line:column on stderr, and nothing is written to stdout', async t => {
  const folder = t.testdir({ 'nginx.conf': filledDocument().replace('gzip off;', 'gzip on;').replace('listen 81;', 'listen 81 ssl;') })

  const { code, out, err } = await mirrorRouter(folder, ['import-nginx', 'nginx.conf'])

  t.equal(code, 1)
  t.equal(out, '')
  const lines = err.trimEnd().split('\n')
  t.equal(lines.length, 2)
  t.match(lines[0], /^nginx\.conf:30:2: "gzip on" is not carried over/)
  t.match(lines[1], /^nginx\.conf:152:3: "listen 81 ssl" is not carried over/)
})

test('included files are found in the folder of the file', async t => {
  const folder = t.testdir({
    conf: {
      'nginx.conf': filledDocument().replace('include /etc/nginx/mime.types;', 'include mime.types; include extra/*.conf;'),
      'mime.types': 'types { text/javascript js; }',
      extra: { 'a.conf': 'client_header_timeout 7s;', 'b.conf': 'autoindex on;' }
    }
  })

  const refused = await mirrorRouter(folder, ['import-nginx', 'conf/nginx.conf'])

  t.equal(refused.code, 1)
  t.match(refused.err, /conf\/extra\/b\.conf:1:1: "autoindex on" is not carried over/)
})

test('- is stdin, and its faults are named after it', async t => {
  const good = await mirrorRouter(t.testdir({}), ['import-nginx', '-'], readFileSync(new URL('../fixtures/nginx/stock.conf', import.meta.url), 'utf8'))

  t.equal(good.code, 0)
  t.match(good.out, /^listeners:\n {2}- \{ port: 80, host: "0\.0\.0\.0", ui: sentry \}$/m)

  const bad = await mirrorRouter(t.testdir({}), ['import-nginx', '-'], 'events {')

  t.strictSame(bad, { code: 1, out: '', err: 'stdin:1:9: unexpected end of file; close the "events" block of line 1 with "}"\n' })
})

test('a file that is not there is a fault', async t => {
  const { code, out, err } = await mirrorRouter(t.testdir({}), ['import-nginx', 'none.conf'])

  t.equal(code, 1)
  t.equal(out, '')
  t.match(err, /^none\.conf: there is no such file/)
})
