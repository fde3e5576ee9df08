/** What fuzzing has found in the import of nginx.conf: most took minutes, or for ever. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { loadConfigFile } from '../../src/config/config-file.ts'
import { filledDocument, importText } from '../helpers/imported.ts'

/** Generous: all of them took minutes or longer, none takes more than a few seconds now. */
const SOON_MS = 20_000

const DOCUMENT = filledDocument()
const lines = (count: number, line: (i: number) => string): string => Array.from({ length: count }, (_, i) => line(i)).join('\n')

const LARGE: Readonly<Record<string, string>> = {
  'a time of spaces': DOCUMENT.replace('keepalive_timeout 75s', `keepalive_timeout "${' '.repeat(10_000)}x"`),
  'twenty thousand addresses to listen on': DOCUMENT.replace('listen 80;', `nonsense on;${lines(20_000, i => `listen ${i + 100};`)}`),
  'sixty thousand unknown directives': DOCUMENT.replace('listen 80;', `listen 80;${'\nfoo bar;'.repeat(60_000)}`),
  'twenty thousand times the same address': DOCUMENT.replace('listen 80;', 'listen 80;\n'.repeat(20_000)),
  'twenty thousand locations': DOCUMENT.replace('listen 80;', lines(20_000, i => `location /a${i}/ { proxy_pass http://sentry; }`))
}

for (const [name, text] of Object.entries(LARGE)) {
  test(`${name} are read soon, and refused`, async t => {
    const started = performance.now()
    const { faults } = importText(text)

    t.ok(faults.length > 0 && faults.length <= 201, `${faults.length} faults`)
    t.ok(performance.now() - started < SOON_MS)
  })
}

test('an included pipe or device is not waited for', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'mirror-router-regression-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  execFileSync('mkfifo', [join(folder, 'fifo')])
  for (const path of ['fifo', '/dev/zero', folder]) {
    writeFileSync(join(folder, 'nginx.conf'), `include ${path};\n${DOCUMENT}`)
    const { faults } = await loadConfigFile(join(folder, 'nginx.conf'), {})

    t.match(faults, [{ line: 1, message: `"${path}" cannot be read` }])
  }
})

test('authorities in a pipe or a device are not waited for', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'mirror-router-regression-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  execFileSync('mkfifo', [join(folder, 'fifo')])
  for (const path of ['fifo', '/dev/zero', folder]) {
    writeFileSync(join(folder, 'router.yaml'), `mirror: { endpoint: https://rum.example, ca: ${path} }\n`)
    const { faults } = await loadConfigFile(join(folder, 'router.yaml'), {})

    t.match(faults, [{ line: 1, message: 'mirror.ca: the file cannot be read (it is no file)' }])
  }
})

test('a word that every JavaScript object knows is no level of the log', t => {
  for (const word of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    const { faults } = importText(DOCUMENT.replace(/error_log [^;]*;/, `error_log /var/log/x ${word};`))

    t.match(faults, [{ message: `"error_log /var/log/x ${word}" has no level nginx knows; write one such as warn` }])
  }
  t.end()
})
