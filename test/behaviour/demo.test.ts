/** The demo is the shortest proof that the program works; so it must not lie. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { test, type Test } from 'tap'
import { removeFolder } from '../../src/demo/router-process.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

t.setTimeout(90_000)

test('demo --once sends with the real SDK, finds everything at both ends, and ends with 0', async t => {
  const folder = await temporaryFolder(t)

  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'demo', '--once'], { env: { ...process.env, TMPDIR: folder }, timeout: 60_000 })

  const rows = stdout.split('\n').map(line => line.trim().split(/ {2,}/))
  t.strictSame(rows.find(([first]) => first === 'project'), ['project', 'mirror', 'sent', 'answered', 'at relay', 'at RUM', 'delivered', 'skipped'])
  t.strictSame(rows.find(([first]) => first === '1'), ['1', 'on', '80', '80', '80', '80', '80', '0'])
  t.strictSame(rows.find(([first]) => first === '2'), ['2', 'on', '80', '80', '80', '80', '80', '0'])
  t.strictSame(rows.find(([first]) => first === '3'), ['3', 'off', '80', '80', '80', '0', '0', '80'])
  t.match(stdout, 'Every request arrived')
  t.strictSame(await readdir(folder), [], 'it leaves nothing behind')
})

test('demo runs until it is interrupted, and leaves neither files nor processes', async t => {
  const folder = await temporaryFolder(t)
  const child = spawn(process.execPath, [MAIN, 'demo'], { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill('SIGKILL') })
  let output = ''
  const sending = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (/^sent \d+, answered/m.test(output)) resolve()
    })
    child.once('exit', code => { reject(new Error(`it ended with ${code}:\n${output}`)) })
  })
  await sending
  const page = /^ *Sentry UI \(web-rum\) +(\S+)$/m.exec(output)?.[1] ?? ''
  const seen = await (await fetch(page)).text()

  child.kill('SIGINT')
  const [code] = await once(child, 'exit')

  t.equal(code, 0)
  t.match(seen, '<h1>web-rum</h1>')
  t.strictSame(await readdir(folder), [])
  await t.rejects(fetch(page), 'the router is gone')
})

test('demo without the SDK says what to install', async t => {
  const withoutSdk = `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    registerHooks({ resolve: (specifier, context, next) => next(specifier === '@sentry/node' ? '@sentry/not-installed' : specifier, context) })
  `)}`

  const run = promisify(execFile)(process.execPath, ['--import', withoutSdk, MAIN, 'demo', '--once'], { timeout: 60_000 })

  await t.rejects(run, { code: 1, stdout: /@sentry\/node, which is not installed: run npm install/, stderr: '' })
})

async function temporaryFolder (t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  t.teardown(() => removeFolder(folder))
  return folder
}
