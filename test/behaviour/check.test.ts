/** `mirror-router check`, as an operator calls it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { freePorts } from '../../src/demo/router-process.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

interface Outcome { readonly code: number, readonly out: string, readonly err: string }

function mirrorRouter (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, ...args], { cwd, env }, (_error, out, err) => { resolve({ code: child.exitCode ?? -1, out, err }) })
  })
}

const GOOD = `
mirror:
  endpoint: https://rum.example
  projects:
    1: /rum/sentry/s3cr3t/one
    2: /rum/sentry/s3cr3t/two
    7: off
`

test('a right file is told in one line what is in force, without its mapped paths', async t => {
  const folder = t.testdir({ 'router.yaml': GOOD })

  const outcome = await mirrorRouter(folder, ['check', '--config', 'router.yaml'])

  t.strictSame(outcome, {
    code: 0,
    out: 'router.yaml: ok: listens on [::]:80 (ui: web), [::]:81 (ui: web-rum); upstreams relay, web, web-rum; 7 routes; mirror to rum.example, 2 projects mapped, others off\n',
    err: ''
  })
})

test('the admin token is told by no command, right or wrong', async t => {
  const [port] = await freePorts(1)
  const folder = t.testdir({ 'router.yaml': `${GOOD}admin: { host: "::", port: ${port}, token: "\${MIRROR_ROUTER_ADMIN_TOKEN}" }\n` })
  const told: string[] = []

  for (const token of ['t0p-s3cret-t0p-s3cret', 't0p-s3cret']) {
    for (const args of [['check'], ['explain', 'POST', '/api/1/envelope/', '--json', '--show-secrets'], ['status'], ['reload'], ['spool', 'ls'], ['report'], ['start']]) {
      // A token that is right starts a router: on ports that are not ours.
      if (args[0] === 'start' && token.length >= 16) continue
      const { out, err } = await mirrorRouter(folder, [...args, '--config', 'router.yaml'], { MIRROR_ROUTER_ADMIN_TOKEN: token })
      told.push(out, err)
    }
  }

  t.notMatch(told.join('\n'), /t0p-s3cret/)
  t.match(told.join('\n'), /admin\.token: expected a token of 16 characters or more/)
})

test('a wrong file is told every fault, and exits 1', async t => {
  const folder = t.testdir({ 'router.yaml': `${GOOD}  concurency: 4\n  read_timeout: 5\nadmin: { port: http }\n` })

  const outcome = await mirrorRouter(folder, ['check', '--config', 'router.yaml'])

  t.strictSame(outcome, {
    code: 1,
    out: '',
    err: [
      'router.yaml:8:3: mirror.concurency: unknown option; did you mean concurrency?',
      'router.yaml:9:17: mirror.read_timeout: expected a time such as 5s, got 5',
      'router.yaml:10:16: admin.port: expected a number from 0 to 65535, got http',
      ''
    ].join('\n')
  })
})

test('what is legal and probably not meant is a warning, and exits 0', async t => {
  const folder = t.testdir({ 'router.yaml': 'mirror: { endpoint: http://rum.example, default: /rum/s3cr3t }\n' })

  const { code, out, err } = await mirrorRouter(folder, ['check', '--config', 'router.yaml'])

  t.equal(code, 0)
  t.match(out, /^router\.yaml: ok: .*; mirror to rum\.example, 0 projects mapped, others by default\n$/)
  t.match(err, /^router\.yaml: warning: mirror\.endpoint is http:\/\/.*\n$/)
  t.notMatch(out + err, /s3cr3t/)
})

test('-t checks the file the environment names, and fills it in from there', async t => {
  const folder = t.testdir({ 'other.yaml': 'listeners: [{ port: "${PORT}" }]\n' })
  const env = { MIRROR_ROUTER_CONFIG: 'other.yaml' }

  const set = await mirrorRouter(folder, ['-t'], { ...env, PORT: '8080' })
  const unset = await mirrorRouter(folder, ['-t'], env)

  t.match(set.out, /^other\.yaml: ok: listens on \[::\]:8080 /)
  t.equal(set.code, 0)
  t.equal(unset.err, 'other.yaml:1:21: listeners[0].port: the environment variable PORT is not set; set it, or write ${PORT:-default}\n')
  t.equal(unset.code, 1)
})

test('a file that is not there, and a command line that makes no sense, are told apart', async t => {
  const folder = t.testdir({})

  const missing = await mirrorRouter(folder, ['check', '--config', 'none.yaml'])
  const nonsense = await mirrorRouter(folder, ['check', '--config'])

  t.strictSame(missing, { code: 1, out: '', err: 'none.yaml: there is no such file; write its path after --config\n' })
  t.equal(nonsense.code, 2)
})
