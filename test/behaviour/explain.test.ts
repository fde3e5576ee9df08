/** What `explain` says is what the router does: the same requests go to both. */
import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { test, type Test } from 'tap'
import { removeFolder } from '../../src/demo/router-process.ts'
import type { Backend } from '../helpers/backends.ts'
import { exchange } from '../helpers/exchange.ts'
import { startAll } from '../helpers/router.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const ENDPOINT = 'https://rum.example.com'

interface Run { readonly code: number, readonly stdout: string, readonly stderr: string }

function explain (...args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [MAIN, 'explain', ...args], (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

async function configured (t: Test, text: string): Promise<(...args: readonly string[]) => Promise<Run>> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-explain-'))
  t.teardown(() => removeFolder(folder))
  const file = join(folder, 'router.yaml')
  await writeFile(file, text)
  return (...args) => explain(...args, '--config', file)
}

const MIRROR = `mirror: { endpoint: "${ENDPOINT}", default: off, projects: { 1: /rum/sentry/workspace/service-1, 7: off } }\n`

t.setTimeout(60_000)

test('the requests it shows are the ones that arrive', async t => {
  const { relay, web, webRum, endpoint, router } = await startAll(t, { real_ip: { trusted: ['127.0.0.0/8'] } })
  const cases: readonly { method: string, target: string, headers: readonly string[], on81?: boolean, upstream: Backend, copied: boolean }[] = [
    { method: 'POST', target: '/api/1/envelope/?sentry_key=a&b=%zz', headers: ['Content-Length: 0', 'Cookie: a=b', 'X-Forwarded-For: 5.6.7.8, 127.0.0.3', 'TE: trailers'], upstream: relay, copied: true },
    { method: 'POST', target: '//api/%32/x/../envelope/', headers: ['Content-Length: 0', 'X-Sentry-Auth: Sentry sentry_key=a'], upstream: relay, copied: true },
    { method: 'GET', target: '/api/1/envelope/', headers: ['x-forwarded-for: junk'], upstream: relay, copied: false },
    { method: 'GET', target: '/_assets/a%20b//c?d', headers: ['Accept: */*'], upstream: web, copied: false },
    { method: 'GET', target: '/auth/login/', headers: [], on81: true, upstream: webRum, copied: false }
  ]

  for (const { method, target, headers, on81, upstream, copied } of cases) {
    const port = on81 === true ? router.port81 : router.port80
    const before = [upstream.requests.length, endpoint.requests.length]
    await exchange(port, `${method} ${target} HTTP/1.1\r\nHost: Sentry.example.com:${port}\r\n${headers.map(line => `${line}\r\n`).join('')}Connection: close\r\n\r\n`)
    const [atUpstream, atEndpoint] = [upstream.requests[before[0] ?? 0], copied ? (await endpoint.received((before[1] ?? 0) + 1)).at(-1) : undefined]

    const { stdout } = await explain(method, `http://Sentry.example.com:${port}${target}`, ...headers.flatMap(line => ['--header', line]), '--json', '--show-secrets', '--config', join(router.folder, 'router.yaml'))

    const { answer, mirror } = JSON.parse(stdout)
    t.strictSame(sorted(answer.head), sorted(linesOf(atUpstream?.head)), target)
    t.equal(mirror.copied, copied, target)
    if (copied) t.strictSame(sorted(mirror.head), sorted(linesOf(atEndpoint?.head)), target)
  }
})

function linesOf (head: Buffer | undefined): string[] {
  return (head?.toString('latin1') ?? '').replace(/(?<=X-Request-Id: )[0-9a-f]{32}/, '<request id>').split('\r\n').filter(line => line !== '')
}

function sorted (lines: readonly string[]): string[] {
  return lines.toSorted()
}

test('it names the route, why it won, and where the copy would go', async t => {
  const run = await configured(t, MIRROR)

  const { code, stdout } = await run('POST', '/api/1/envelope/?sentry_key=a')

  t.equal(code, 0)
  t.match(stdout, /^listener +80 \(ui: web\)$/m)
  t.match(stdout, /^route +~ \^\/api\/\[1-9\]\\d\*\/ {2}\(the first regular expression that matches; it goes before the prefix \/\)$/m)
  t.match(stdout, /^upstream +relay \(relay:3000\)$/m)
  t.match(stdout, /^mirror +copied to https:\/\/rum\.example\.com\/\[secret\]\/api\/1\/envelope\/\?sentry_key=a \(project: 1\)$/m)
})

test('a mapped path is shown only when asked for', async t => {
  const run = await configured(t, MIRROR)

  const [text, json, shown] = await Promise.all([run('POST', '/api/1/envelope/'), run('POST', '/api/1/envelope/', '--json'), run('POST', '/api/1/envelope/', '--show-secrets')])

  t.notMatch(text.stdout + text.stderr + json.stdout + json.stderr, /service-1/)
  t.match(shown.stdout, `${ENDPOINT}/rum/sentry/workspace/service-1/api/1/envelope/`)
})

test('it says why a request is not copied', async t => {
  const run = await configured(t, MIRROR)
  const cases: [method: string, target: string, why: RegExp][] = [
    ['POST', '/api/7/envelope/', /the mirror is off for this project \(project: 7\)/],
    ['GET', '/api/1/envelope/', /not one of mirror\.methods \(project: 1\)/],
    ['POST', '/api/1/store/', /not one of mirror\.endpoints \(project: 1\)/],
    ['POST', '/api/9/envelope/', /the mirror is off for this project \(project: default\)/],
    ['POST', '/auth/login/', /the route has no mirror: true/],
    ['POST', '/js-sdk/a.js', /only requests that are forwarded/]
  ]

  for (const [method, target, why] of cases) t.match((await run(method, target)).stdout, new RegExp(`^mirror +not copied: .*${why.source}`, 'm'), target)
})

test('answers the router gives itself are explained', async t => {
  const run = await configured(t, MIRROR + 'routes: [{ location: "= /hidden", internal: true }, { location: /files/, root: /srv/ }, { location: /app/, upstream: ui }]\n')
  const cases: [method: string, target: string, answer: RegExp][] = [
    ['GET', '/../x', /^answer +400, .*leads above the root/m],
    ['get', '/app/', /^answer +400, .*not well-formed/m],
    ['TRACE', '/app/', /^answer +405, /m],
    ['GET', '/other', /^answer +404, .*no location matches/m],
    ['GET', '/hidden', /^answer +404, .*internal/m],
    ['GET', '/app?a=b', /^location +http:\/\/localhost\/app\/\?a=b$/m],
    ['GET', '/files/%1b%ff', /^answer +the file \/srv\/files\/\\x1b\\xff$/m]
  ]

  for (const [method, target, answer] of cases) {
    const { code, stdout } = await run(method, target)
    t.equal(code, 0)
    t.match(stdout, answer, target)
  }
})

test('the client is found behind trusted peers only', async t => {
  const run = await configured(t, MIRROR)
  const header = ['--header', 'X-Forwarded-For: 9.9.9.9']

  const [trusted, untrusted] = await Promise.all([run('GET', '/', ...header, '--peer', '172.18.0.1'), run('GET', '/', ...header)])

  t.match(trusted.stdout, /^client +9\.9\.9\.9$/m)
  t.match(untrusted.stdout, /^client +127\.0\.0\.1$/m)
})

test('a port that is published for another is said to be', async t => {
  const run = await configured(t, MIRROR)

  const { stdout, stderr } = await run('GET', 'http://localhost:9000/_static')

  t.match(stderr, /no listener has port 9000; taken as the published port of 80/)
  t.match(stdout, /^location +http:\/\/localhost:9000\/_static\/$/m)
})

test('what cannot be explained is refused with what to write', async t => {
  const run = await configured(t, MIRROR)
  const wrong = await configured(t, 'mirror: { endpoint: 5 }\n')

  t.match(await run('GET', 'localhost/x'), { code: 2, stderr: /a URL starts with/ })
  t.match(await run('GET'), { code: 2, stderr: /URL is missing/ })
  t.match(await run('GET', '/', '--peer', 'localhost'), { code: 2, stderr: /not an IP address/ })
  t.match(await run('GET', '/', '--header', 'x'), { code: 2, stderr: /write it as "Name: value"/ })
  t.match(await run('GET', '/', '--header', 'a: b\r\nc: d'), { code: 2, stderr: /write it as/ })
  t.match(await run('GET', '/', '--listener', '9000'), { code: 2, stderr: /there is 80, 81/ })
  t.match(await wrong('GET', '/'), { code: 1, stdout: '', stderr: /router\.yaml:1:/ })
})
