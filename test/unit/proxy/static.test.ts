import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constantFrom, option, record, sample } from 'fast-check'
import { test, type Test } from 'tap'
import { NGINX_MIME_TYPES } from '../../../src/config/mime-types.ts'
import { normalisePath } from '../../../src/routing/normalise.ts'
import { redirectLocation } from '../../../src/routing/target.ts'
import { serveStatic, type StaticResponse } from '../../../src/proxy/static/serve.ts'
import { exchange } from '../../helpers/exchange.ts'
import { startNginx } from '../../helpers/nginx.ts'

const MODIFIED = new Date('2024-01-01T00:00:00Z')
const DATE = 'Mon, 01 Jan 2024 00:00:00 GMT'
/** Of `ten.js`, ten bytes long. */
const ETAG = `"${(MODIFIED.getTime() / 1000).toString(16)}-a"`
const ADDED = [['Access-Control-Allow-Origin', '*']] as const
const TYPES = { foo: 'text/x-foo', js: 'text/own-javascript' }

const FILES: Record<string, string> = {
  'ten.js': '0123456789', 'empty.js': '', 'a/b.min.js': 'x', 'a/b.min.js.map': '{}', 'style.css': 'a{}', 'noext': 'n', 'what.xyz': 'x', 'own.foo': 'f', 'UPPER.CSS': 'u', 'mod.mjs': 'm', 'x.tar.gz': 'z', 'dot.': 'd',
  '.hidden': 'h', '.css': 'c', '..css': 'c', '...css': 'c', '....css': 'c', '.a.css': 'c', '.a/b': 'c', 'x.constructor': 'c', 'indexed/index.html': '<p>', 'with space.css': 's', 'été.css': 'e', 'a+b.css': 'p', 'q?.css': 'q', 'hash#.css': 'h', 'pct%41.css': 'p', 'ten.js.gz': 'g',
  'big.bin': Array.from({ length: 30_000 }, (_, i) => String(i)).join(',')
}

async function createRoot (t: Test): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'mirror-router-static-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const folder = join(root, 'js-sdk')
  for (const [name, content] of Object.entries(FILES)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), content)
    await utimes(join(folder, name), MODIFIED, MODIFIED)
  }
  await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('\xff.css', 'latin1')]), 'bytes')
  await utimes(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('\xff.css', 'latin1')]), MODIFIED, MODIFIED)
  await mkdir(join(folder, 'bare folder'))
  await mkdir(join(folder, 'odd/index.html'), { recursive: true })
  await symlink('ten.js', join(folder, 'link.js'))
  await symlink('nowhere', join(folder, 'dangling.js'))
  await symlink('loop.js', join(folder, 'loop.js'))
  await mkdir(join(folder, 'looping'))
  await symlink('index.html', join(folder, 'looping/index.html'))
  execFileSync('mkfifo', [join(folder, 'fifo')])
  await symlink('/dev/null', join(folder, 'device'))
  const socket = createServer().listen(join(folder, 'socket'))
  await once(socket, 'listening')
  t.teardown(() => { socket.close() })
  return root
}

async function setup (t: Test): Promise<{ compare: (method: string, target: string, headers?: string[]) => Promise<void> }> {
  const root = await createRoot(t)
  const types = { ...Object.fromEntries(NGINX_MIME_TYPES), ...TYPES }
  const { port } = await startNginx(t, `
    types { ${Object.entries(types).map(([extension, type]) => `${type} ${extension};`).join(' ')} }
    default_type application/octet-stream;
    server { listen 127.0.0.1:PORT_1; location ^~ /js-sdk/ { root ${root}/; add_header Access-Control-Allow-Origin *; } }`)

  return {
    async compare (method, target, headers = []) {
      const lines = Array.from({ length: headers.length / 2 }, (_, i) => `${headers[2 * i]}: ${headers[2 * i + 1]}\r\n`).join('')
      const nginx = await exchange(port, `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n`)

      const { path, query } = normalisePath(target) ?? { path: '', query: null }
      const response = await serveStatic({
        method,
        path,
        query,
        headers,
        redirect: (path, query) => redirectLocation({ host: 'a', hostPort: '', localAddress: '127.0.0.1', listenPort: port, path, query })
      }, { root, symlinks: 'any', addHeaders: ADDED, types: TYPES })
      t.strictSame(await seen(response), nginxSeen(nginx.status, nginx.headers, nginx.body), `${method} ${target} ${JSON.stringify(headers)}`)
    }
  }
}

interface Seen { status: number, headers: string[], body: string }

/** What a client sees; of a page that is not the file's content only the status and our own headers. */
async function seen (response: StaticResponse): Promise<Seen> {
  const headers = response.body === null ? response.headers : [...response.headers, 'Content-Length', String(response.body.length)]
  const chunks: Buffer[] = []
  if (response.body !== null) for await (const chunk of response.body.chunks()) chunks.push(chunk)
  return comparable(response.status, headers, Buffer.concat(chunks).toString('latin1'))
}

function nginxSeen (status: number, headers: readonly string[], body: Buffer): Seen {
  const page = status === 301 || status >= 400
  const ignored = ['server', 'date', 'connection', ...(page ? ['content-type', 'content-length'] : [])]
  const kept = pairs(headers).filter(([name]) => !ignored.includes(name.toLowerCase())).flat()
  return comparable(status, kept, page ? '' : body.toString('latin1'))
}

function comparable (status: number, headers: readonly string[], body: string): Seen {
  return { status, headers: pairs(headers).map(([name, value]) => `${name}: ${withoutBoundary(value)}`).sort(), body: withoutBoundary(body) }
}

function withoutBoundary (text: string): string {
  return text.replaceAll(/(?<=boundary=|--)\d{20}/g, 'BOUNDARY')
}

function pairs (flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as string, flat[2 * i + 1] as string])
}

test('every kind of file and name is answered as nginx answers it', async t => {
  const { compare } = await setup(t)
  const targets = [
    ...Object.keys(FILES).map(name => `/js-sdk/${encodeURIComponent(name).replaceAll('%2F', '/')}`),
    '/js-sdk/%ff.css', '/js-sdk/\xff.css', '/js-sdk/ten%2ejs', '/js-sdk/a/../ten.js', '/js-sdk//ten.js', '/js-sdk/ten.js?v=1',
    '/js-sdk/', '/js-sdk/missing', '/js-sdk/missing/', '/js-sdk/missing/x', '/js-sdk/ten.js/', '/js-sdk/ten.js/x', `/js-sdk/${'x'.repeat(300)}`, `/js-sdk/${'x'.repeat(300)}/`,
    '/js-sdk/indexed', '/js-sdk/indexed?', '/js-sdk/indexed?a=%zz', '/js-sdk/indexed/', '/js-sdk/indexed/?a', '/js-sdk/bare%20folder', '/js-sdk/bare%20folder/', '/js-sdk/odd/', '/js-sdk/odd', '/js-sdk/odd/index.html',
    '/js-sdk/link.js', '/js-sdk/dangling.js', '/js-sdk/loop.js', '/js-sdk/loop.js/', '/js-sdk/looping/', '/js-sdk/fifo', '/js-sdk/fifo/', '/js-sdk/device', '/js-sdk/socket'
  ]

  for (const target of targets) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']) await compare(method, target)
  }
})

test('ranges are read as nginx reads them', async t => {
  const { compare } = await setup(t)
  const ranges = [
    'bytes=0-0', 'bytes=0-', 'bytes=5-', 'bytes=9-', 'bytes=10-', 'bytes=-1', 'bytes=-10', 'bytes=-11', 'bytes=-0', 'bytes=2-5', 'bytes=5-2', 'bytes=0-9', 'bytes=0-99', 'bytes=9-99', 'bytes=10-99',
    'bytes=0-1,3-4', 'bytes=0-1, 3-4', 'bytes=0-1 , 3-4', 'bytes=0-1,-1', 'bytes=0-5,0-5', 'bytes=0-4,5-9', 'bytes=0-5,5-9', 'bytes=0-1,20-30', 'bytes=20-30,40-', 'bytes=0-1,5-2', 'bytes=5-2,0-1', 'bytes=0-1,x', 'bytes=0-1,', 'bytes=,0-1', 'bytes=0-1,-0',
    'bytes=', 'bytes= 0-1', 'bytes=0 - 1', 'bytes=0- 1', 'bytes=- 1', 'bytes=0-1 ', 'bytes=0-1\t', 'bytes=0-1x', 'bytes=x-1', 'bytes=0--1', 'bytes=--1', 'bytes=-', 'bytes=--', 'bytes=1', 'bytes=+1-2', 'bytes=0x1-2',
    'bytes=9223372036854775807-', 'bytes=9223372036854775808-', 'bytes=0-9223372036854775807', 'bytes=0-9223372036854775808', 'bytes=-9223372036854775807', 'bytes=-99999999999999999999', 'bytes=00000000000000000000000-1', 'bytes=10-,0-1',
    'BYTES=0-1', 'Bytes=0-1', 'bytes 0-1', 'bytes=0', 'items=0-1', '0-1', ''
  ]

  for (const target of ['/js-sdk/ten.js', '/js-sdk/empty.js']) {
    for (const range of ranges) await compare('GET', target, ['Range', range])
  }
  for (const range of ['bytes=0-1', 'bytes=0-1,3-4', 'bytes=10-']) await compare('HEAD', '/js-sdk/ten.js', ['Range', range])
  for (const range of ['bytes=100-150000', 'bytes=-70000', 'bytes=0-0,65535-65537,100000-']) await compare('GET', '/js-sdk/big.bin', ['rAnGe', range])
  await compare('GET', '/js-sdk/ten.js', ['Range', 'bytes=0-1', 'Range', 'bytes=2-3'])
})

const TAGS = [ETAG, `W/${ETAG}`, '"x"', '*', `"x", ${ETAG}`, `"x",W/${ETAG}`, `${ETAG}x`, `${ETAG} , "x"`, `x${ETAG}`, ETAG.slice(0, -1), '', ',', `,${ETAG}`, ` W/`, 'W/', `"x" ${ETAG}`, `*, ${ETAG}`, '**', `${ETAG}\t`]
const DATES = [
  DATE, 'Monday, 01-Jan-24 00:00:00 GMT', 'Mon Jan  1 00:00:00 2024', 'Mon Jan 1 00:00:00 2024', 'Mon Jan 01 00:00:00 2024', 'Mon, 01 Jan 2024 00:00:01 GMT', 'Sun, 31 Dec 2023 23:59:59 GMT', 'Xxx, 01 Jan 2024 00:00:00 GMT', ', 01 Jan 2024 00:00:00', 'Mon, 01 Jax 2024 00:00:00 GMT', 'Mon,01 Jan 2024 00:00:00 GMT', 'Mon,   01 Jan 2024 00:00:00 GMT',
  'Mon, 1 Jan 2024 00:00:00 GMT', 'Mon, 01-Jan-2024 00:00:00 GMT', 'Mon, 01 Jan 24 00:00:00 GMT', 'Mon, 01 Jan 2024 24:00:00 GMT', 'Mon, 01 Jan 2024 00:60:00 GMT', 'Mon, 01 Jan 2024 00:00:60 GMT', 'Mon, 32 Dec 2023 00:00:00 GMT', 'Thu, 29 Feb 2024 00:00:00 GMT', 'Thu, 29 Feb 2023 00:00:00 GMT', 'Thu, 29 Feb 2400 00:00:00 GMT', 'Thu, 00 Jan 2024 00:00:00 GMT', 'Mon, 01 Qan 2024 00:00:00 GMT',
  'Monday, 01-Jan-69 00:00:00 GMT', 'Monday, 01-Jan-70 00:00:00 GMT', 'Mon, 01 Jan 2024 00:00', 'Mon, 01 Jan 2024 000000 GMT', '1704067200', 'junk', '', '0', 'Mon', 'Mon,', 'Mon ', 'Mon, 01 Jan 2024', 'Mon Jan 1 00:00:00', 'Mon, 01 Jun 2024 00:00:00 GMT', 'Mon, 01 Jul 2024 00:00:00 GMT', 'Mon, 01 Mar 2024 00:00:00 GMT', 'Mon, 01 May 2024 00:00:00 GMT', 'Mon, 01 Apr 2024 00:00:00 GMT', 'Mon, 01 Aug 2023 00:00:00 GMT', 'Fri, 01 Sep 2023 00:00:00 GMT', 'Fri, 01 Oct 2023 00:00:00 GMT', 'Fri, 01 Nov 2023 00:00:00 GMT'
]

test('each condition decides as it does in nginx', async t => {
  const { compare } = await setup(t)

  for (const tag of TAGS) {
    for (const name of ['If-None-Match', 'If-Match']) await compare('GET', '/js-sdk/ten.js', [name, tag])
    await compare('GET', '/js-sdk/ten.js', ['If-Range', tag, 'Range', 'bytes=0-1'])
  }
  for (const date of DATES) {
    for (const name of ['If-Modified-Since', 'If-Unmodified-Since']) await compare('GET', '/js-sdk/ten.js', [name, date])
    await compare('GET', '/js-sdk/ten.js', ['If-Range', date, 'Range', 'bytes=0-1'])
  }
})

test('conditions and ranges together decide as they do in nginx', async t => {
  const { compare } = await setup(t)
  const tag = option(constantFrom(ETAG, `W/${ETAG}`, '"x"', '*'), { freq: 2 })
  const date = option(constantFrom(DATE, 'Sun, 31 Dec 2023 00:00:00 GMT', 'Tue, 02 Jan 2024 00:00:00 GMT', 'junk'), { freq: 2 })
  const conditions = record({
    method: constantFrom('GET', 'GET', 'HEAD', 'POST'),
    target: constantFrom('/js-sdk/ten.js', '/js-sdk/ten.js', '/js-sdk/empty.js', '/js-sdk/missing', '/js-sdk/indexed/', '/js-sdk/indexed'),
    headers: record({
      'If-None-Match': tag, 'If-Match': tag, 'If-Modified-Since': date, 'If-Unmodified-Since': date,
      'If-Range': option(constantFrom(ETAG, '"x"', DATE)), Range: option(constantFrom('bytes=0-1', 'bytes=1-2,4-5', 'bytes=50-'))
    })
  })

  for (const { method, target, headers } of sample(conditions, 400)) {
    await compare(method, target, Object.entries(headers).flatMap(([name, value]) => value === null ? [] : [name, value]))
  }
})

test('a failed precondition ends the connection, nothing else does', async t => {
  const root = await createRoot(t)
  const request = { method: 'GET', path: '/js-sdk/ten.js', query: null, redirect: () => '' }
  const options = { root, symlinks: 'any' as const, addHeaders: ADDED, types: {} }

  const failed = await serveStatic({ ...request, headers: ['If-Match', '"x"'] }, options)
  const missing = await serveStatic({ ...request, path: '/js-sdk/missing', headers: [] }, options)

  t.match(failed, { status: 412, close: true, body: null })
  t.match(missing, { status: 404, close: false, body: null })
})

test('a file that becomes shorter while it is sent is an error, not a short answer', async t => {
  const root = await createRoot(t)
  const { body } = await serveStatic({ method: 'GET', path: '/js-sdk/big.bin', query: null, headers: [], redirect: () => '' }, { root, symlinks: 'any', addHeaders: [], types: {} })
  const chunks = body?.chunks()

  const first = await chunks?.next()
  await truncate(join(root, 'js-sdk/big.bin'), 10)

  t.equal(first?.done === false && first.value.length, 64 * 1024)
  await t.rejects(async () => { await chunks?.next() }, /became shorter/)
})

test('no file stays open, whether the body is read, given up or not wanted', async t => {
  const root = await createRoot(t)
  const ask = (method: string): Promise<StaticResponse> => serveStatic({ method, path: '/js-sdk/big.bin', query: null, headers: [], redirect: () => '' }, { root, symlinks: 'any', addHeaders: [], types: {} })
  const [read, givenUp, unread] = await Promise.all([ask('GET'), ask('GET'), ask('GET')])
  await ask('HEAD')
  t.equal(await openFiles(root), 3)

  for await (const chunk of read.body?.chunks() ?? []) t.ok(chunk.length > 0)
  for await (const chunk of givenUp.body?.chunks() ?? []) if (chunk.length > 0) break
  await unread.body?.close()
  await unread.body?.close()

  t.equal(await openFiles(root), 0)
  await t.rejects(async () => { await unread.body?.chunks().next() }, /closed before its end/)
})

/** Files below `root` that this process has open. */
async function openFiles (root: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd')
  const names = await Promise.all(descriptors.map(descriptor => readlink(`/proc/self/fd/${descriptor}`).catch(() => '')))
  return names.filter(name => name.startsWith(root)).length
}
