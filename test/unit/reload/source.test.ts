import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { formatFault } from '../../../src/config/fault.ts'
import { createSource } from '../../../src/reload/source.ts'

test('the fingerprint is that of the content, by whichever way it came there', async t => {
  const file = join(t.testdir({ 'router.yaml': 'workers: 1\n' }), 'router.yaml')
  const source = createSource(file, {})
  const before = await source.fingerprint()

  await rm(file)
  const missing = await source.fingerprint()
  await writeFile(file, 'workers: 2\n')
  const other = await source.fingerprint()
  await writeFile(file, 'workers: 1\n')

  t.not(missing, before)
  t.not(other, before)
  t.not(other, missing)
  t.equal(await source.fingerprint(), before)
})

test('the files that a configuration leads to belong to its fingerprint: mirror.ca', async t => {
  const folder = t.testdir({ 'router.yaml': 'mirror: { endpoint: "https://rum.example", default: off, ca: ca.pem }\n' })
  const source = createSource(join(folder, 'router.yaml'), {})
  const { loaded, fingerprint } = await source.load()

  await writeFile(join(folder, 'ca.pem'), 'no certificate')

  t.match(loaded.faults, [{ message: /mirror\.ca: the file cannot be read/ }])
  t.not(await source.fingerprint(), fingerprint)
})

test('the files that a configuration leads to belong to its fingerprint: includes of an nginx.conf', async t => {
  const folder = t.testdir({
    'nginx.conf': 'events {}\nhttp { include servers/*.conf; }\n',
    servers: { 'a.conf': 'server { listen 80; location / { proxy_pass http://web:9000; } }\n' }
  })
  const source = createSource(join(folder, 'nginx.conf'), {})
  const { fingerprint } = await source.load()
  const unchanged = await source.fingerprint()

  await writeFile(join(folder, 'servers', 'a.conf'), 'server { listen 81; location / { proxy_pass http://web:9000; } }\n')

  t.equal(unchanged, fingerprint)
  t.not(await source.fingerprint(), fingerprint)
})

test('an empty file is a fault: it is being written, or was lost', async t => {
  const file = join(t.testdir({ 'router.yaml': ' \n' }), 'router.yaml')

  const { loaded } = await createSource(file, {}).load()

  t.strictSame(loaded.faults?.map(formatFault), [`${file}: the file is empty; write at least a comment to mean the defaults`])
})

test('what is no file is never read by a look', async t => {
  const folder = t.testdir()
  await mkdir(join(folder, 'router.yaml'))

  t.match(await createSource(join(folder, 'router.yaml'), {}).fingerprint(), /no file$/)
})
