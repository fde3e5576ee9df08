import { execFile } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test, type Test } from 'tap'
import { createAccessLog, type AccessLog, type AccessLogOptions, type WriteLines } from '../../../src/log/access-log.ts'
import { createFdWriter, pieceLength } from '../../../src/log/access-log-writer.ts'
import type { RequestHead } from '../../../src/http1/message.ts'
import type { Settled } from '../../../src/proxy/ports.ts'
import { exchange } from '../../helpers/exchange.ts'
import { startNginx } from '../../helpers/nginx.ts'

const NOW = Date.UTC(2026, 10, 2, 3, 4, 5)

function settledOf (requestLine: string, headers: readonly string[] = [], fields: Partial<Settled> = {}): Settled {
  const head: RequestHead = {
    method: 'GET', target: '/', minorVersion: 1, headers, received: null, host: 'h', hostPort: '', framing: 'none', contentLength: 0, keepAlive: true, expectContinue: false
  }
  return {
    listener: '80', route: '/', status: 200, durationMs: 1.6, bytesSent: 3, clientAddress: '127.0.0.1', requestLine, head, requestId: 'f'.repeat(32), mirrorPath: null, ...fields
  }
}

/** Collects what is written; `finish` completes the writes under way. */
function setup (t: Test, options: Partial<AccessLogOptions> = {}): { log: AccessLog, written: string[], finish: () => void } {
  const written: string[] = []
  const waiting: (() => void)[] = []
  const write: WriteLines = (lines, done) => {
    written.push(lines.toString('latin1'))
    waiting.push(done)
  }
  const log = createAccessLog({ format: 'main', write, now: () => NOW, ...options })
  t.teardown(() => log.close({ deadlineMs: 0 }))
  return { log, written, finish: () => { for (const done of waiting.splice(0)) done() } }
}

async function lineOf (t: Test, request: Settled, options: Partial<AccessLogOptions> = {}): Promise<string> {
  const { log, written } = setup(t, options)
  log.settled(request)
  await log.close({ deadlineMs: 0 })
  return written.join('')
}

/** Header lines and request lines that nginx escapes, leaves, or finds nothing in. */
const CASES: readonly (readonly [requestLine: string, headers: readonly string[]])[] = [
  ['GET / HTTP/1.1', []],
  ['GET /a?b="c"\\d HTTP/1.1', ['User-Agent', 'Mozilla/5.0 (X11; "quoted" \\back)', 'Referer', 'https://example.com/?q=1']],
  ['GET /\xc3\xa9?\xff HTTP/1.1', ['User-Agent', 'caf\xe9 \x01\x1f\x7f~', 'Referer', '\ttab\t.']],
  ['GET / HTTP/1.1', ['User-Agent', '', 'Referer', '', 'X-Forwarded-For', '']],
  ['GET / HTTP/1.1', ['X-Forwarded-For', '1.1.1.1, 2.2.2.2', 'x-forwarded-for', '3.3.3.3']],
  ['GET / HTTP/1.1', ['Authorization', `Basic ${btoa('user:secret')}`]],
  ['GET / HTTP/1.1', ['authorization', `basic   ${btoa('u"s\xe9r:')}`]],
  ['GET / HTTP/1.1', ['Authorization', `Basic ${btoa(':secret')}`]],
  ['GET / HTTP/1.1', ['Authorization', `Basic ${btoa('no colon')}`]],
  ['GET / HTTP/1.1', ['Authorization', 'Basic']],
  ['GET / HTTP/1.1', ['Authorization', 'Bearer dXNlcjpzZWNyZXQ=']]
]

test('a line is nginx\'s own, byte for byte', async t => {
  const nginx = await startNginx(t, `
    log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
    server { listen 127.0.0.1:PORT_1; access_log DIR/access.log main; location / { return 200 "abc"; } }`)

  for (const [requestLine, headers] of CASES) {
    const lines = headers.map((text, i) => i % 2 === 0 ? `${text}: ` : `${text}\r\n`).join('')
    await exchange(nginx.port, `${requestLine}\r\nHost: h\r\nConnection: close\r\n${lines}\r\n`)
  }
  const theirs = (await readFile(join(nginx.dir, 'access.log'), 'latin1')).trimEnd().split('\n')

  t.equal(theirs.length, CASES.length)
  for (const [index, [requestLine, headers]] of CASES.entries()) {
    const ours = await lineOf(t, settledOf(requestLine, headers), { now: Date.now })
    const clock = /:\d\d:\d\d:\d\d /
    t.equal(ours.replace(clock, ' '), `${theirs[index]?.replace(clock, ' ')}\n`)
  }
})

test('a request that could not be read has dashes', async t => {
  const line = await lineOf(t, settledOf('', [], { head: null, status: 400, bytesSent: 0 }))

  t.match(line, /^127\.0\.0\.1 - - \[02\/Nov\/2026:\d\d:04:05 [+-]\d{4}\] "-" 400 0 "-" "-" "-"\n$/)
})

test('keys of Sentry are masked in the request and the referer', async t => {
  const line = await lineOf(t, settledOf('POST /api/1/envelope/?sentry_key=abc123&sentry_version=7 HTTP/1.1', ['Referer', 'https://h/?a=1&sentry_key=def456#x']))

  t.match(line, '"POST /api/1/envelope/?sentry_key=***&sentry_version=7 HTTP/1.1"')
  t.match(line, '"https://h/?a=1&sentry_key=***#x"')
})

test('the key of a DSN in a query is masked, and nothing else of it', async t => {
  const line = await lineOf(t, settledOf('GET /api/embed/error-page/?dsn=https%3A%2F%2Fabc123%40sentry.example%2F1&eventId=e HTTP/1.1', ['Referer', 'https://h/?dsn=http://abc:def456@sentry.example/1']))

  t.match(line, '"GET /api/embed/error-page/?dsn=https%3A%2F%2F***%40sentry.example%2F1&eventId=e HTTP/1.1"')
  t.match(line, '"https://h/?dsn=http://***@sentry.example/1"')
  t.match(await lineOf(t, settledOf('GET /?dsn=https://nobody/1 HTTP/1.1', [])), '"GET /?dsn=https://nobody/1 HTTP/1.1"')
})

test('json lines are ASCII, and say what main says and more', async t => {
  const line = await lineOf(t, settledOf('GET /?sentry_key=k HTTP/1.1', ['User-Agent', 'caf\xe9 "x"']), { format: 'json' })

  t.match(line, /^[\x20-\x7e]*\n$/)
  t.strictSame(JSON.parse(line), {
    time: '2026-11-02T03:04:05Z', remote_addr: '127.0.0.1', request: 'GET /?sentry_key=*** HTTP/1.1', status: 200, body_bytes_sent: 3,
    http_user_agent: 'caf\xe9 "x"', request_id: 'f'.repeat(32), listener: '80', route: '/', duration_ms: 2
  })
})

test('with access: off nothing is written', async t => {
  t.equal(await lineOf(t, settledOf('GET / HTTP/1.1'), { format: 'off' }), '')
})

test('lines are written together, within about a second', async t => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { log } = setup(t, { write: (lines, done) => { resolve(lines.toString('latin1')); done() } })

  log.settled(settledOf('GET /1 HTTP/1.1'))
  log.settled(settledOf('GET /2 HTTP/1.1'))

  t.match(await promise, /GET \/1 .*\n.*GET \/2 .*\n$/)
})

test('64 KiB of lines are written at once; one write at a time; none is lost while the reader reads', async t => {
  const { log, written, finish } = setup(t)
  const count = 2000
  for (let i = 0; i < count; i++) log.settled(settledOf(`GET /${i} HTTP/1.1`))
  t.equal(written.length, 1)

  const closed = log.close({ deadlineMs: 10_000 })
  finish()
  finish()
  await closed

  const numbers = [...written.join('').matchAll(/GET \/(\d+) /g)].map(match => Number(match[1]))
  t.strictSame(numbers, Array.from({ length: count }, (_, i) => i))
  t.equal(log.droppedLines(), 0)
})

test('when the reader is stuck lines are dropped and counted, and closing does not wait for ever', async t => {
  const { log, written } = setup(t)
  const long = `GET /${'x'.repeat(7000)} HTTP/1.1`
  for (let i = 0; i < 1000; i++) log.settled(settledOf(long))

  await log.close({ deadlineMs: 10 })

  const lines = written.join('').split('\n').length - 1
  t.ok(log.droppedLines() > 300)
  t.ok(lines < 20, 'one write is under way, and no second one')
})

test('the writer writes whole texts to a file, one after the other', async t => {
  const path = join(t.testdir(), 'access.log')
  const file = await open(path, 'w')
  t.teardown(() => file.close())
  const write = createFdWriter(file.fd)
  const texts = ['first\n', 'x'.repeat(100_000) + '\n', 'last\n']

  for (const text of texts) await new Promise<void>(resolve => { write(Buffer.from(text), resolve) })

  t.equal(await readFile(path, 'latin1'), texts.join(''))
})

test('a pipe gets whole lines in pieces that it keeps together; a longer line goes alone', async t => {
  const lines = ['a'.repeat(99), 'b'.repeat(199), 'c'.repeat(5000), 'd'.repeat(10), 'e'.repeat(3999)].map(line => `${line}\n`)
  const bytes = Buffer.from(lines.join('') + 'unfinished')
  const pieces: string[] = []

  for (let at = 0; at < bytes.length;) {
    const length = pieceLength(bytes, at, 4096)
    pieces.push(bytes.toString('latin1', at, at + length))
    at += length
  }

  t.strictSame(pieces, [lines.slice(0, 2).join(''), lines[2], `${lines.slice(3).join('')}unfinished`])
  t.equal(pieceLength(bytes, 0, Infinity), bytes.length)
})

test('through a pipe everything arrives, also when its reader is slow', async t => {
  const writer = `import { createFdWriter, pieceLength } from '${new URL('../../../src/log/access-log-writer.ts', import.meta.url).href}'
    const write = createFdWriter(1)
    for (let i = 0; i < 5; i++) await new Promise(resolve => write(Buffer.from((i + 'x'.repeat(150) + '\\n').repeat(400)), resolve))`

  const { stdout } = await promisify(execFile)('sh', ['-c', '"$NODE" --input-type=module -e "$WRITER" | (sleep 0.2; cat)'], {
    env: { ...process.env, NODE: process.execPath, WRITER: writer }, maxBuffer: 64 * 1024 * 1024
  })

  t.equal(stdout, [0, 1, 2, 3, 4].map(i => `${i}${'x'.repeat(150)}\n`.repeat(400)).join(''))
})
