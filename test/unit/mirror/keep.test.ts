import { test } from 'tap'
import type { RequestHead } from '../../../src/http1/message.ts'
import { copyFields, createKeepCopy, decideCopy, type CopyRules, type KeepCopyOptions } from '../../../src/mirror/keep.ts'
import type { CopySource } from '../../../src/proxy/ports.ts'
import type { Copy } from '../../../src/spool/types.ts'
import { fieldLines, memoryBody } from '../../helpers/copies.ts'

const RULES: CopyRules = {
  default: '/rum/default',
  projects: new Map([['1', '/rum/one'], ['7', null]]),
  endpoints: ['envelope'],
  methods: ['POST', 'PUT']
}

function headOf (fields: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'POST', target: '/api/1/envelope/?x=1', minorVersion: 1, headers: [], received: null, host: 'sentry.example.com', hostPort: '',
    framing: 'length', contentLength: 3, keepAlive: true, expectContinue: false, ...fields
  }
}

function sourceOf (head: Partial<RequestHead> = {}, path = '/api/1/envelope/'): CopySource {
  return { head: headOf(head), path, body: memoryBody('{}\n'), clientAddress: '192.0.2.7', requestId: 'f'.repeat(32) }
}

function setup (append: (copy: Copy) => Promise<void> | null, options: Partial<KeepCopyOptions> = {}) {
  const copies: Copy[] = []
  const events: string[] = []
  const keepCopy = createKeepCopy({
    mirror: { ...RULES, dropHeaders: ['cookie'] },
    spool: { append: copy => { copies.push(copy); return append(copy) } },
    observer: {
      accepted: project => { events.push(`accepted ${project}`) },
      skipped: (project, reason) => { events.push(`skipped ${project} ${reason}`) },
      dropped: (project, reason) => { events.push(`dropped ${project} ${reason}`) },
      lateCommit: () => { events.push('late') },
      delivered () {}, dead () {}, attempted () {}
    },
    commitTimeoutMs: 60_000,
    now: () => 1234,
    ...options
  })
  return { keepCopy, copies, events }
}

for (const [method, path, expected] of [
  ['POST', '/api/1/envelope/', 'copy 1 /rum/one'],
  ['PUT', '/api/1/envelope', 'copy 1 /rum/one'],
  ['POST', '/api/1/envelope/more', 'copy 1 /rum/one'],
  ['POST', '/api/2/envelope/', 'copy default /rum/default'],
  ['POST', '/api/12345678901234567890123/envelope/', 'copy default /rum/default'],
  ['POST', '/api/7/envelope/', 'skip 7 off'],
  ['POST', '/api/1/store/', 'skip 1 endpoint'],
  ['POST', '/api/1/', 'skip 1 endpoint'],
  ['POST', '/api/1/Envelope/', 'skip 1 endpoint'],
  ['POST', '/other', 'skip default endpoint'],
  ['GET', '/api/1/envelope/', 'skip 1 method'],
  ['post', '/api/3/envelope/', 'skip default method']
] as const) {
  test(`${method} ${path}: ${expected}`, async t => {
    const decision = decideCopy(RULES, method, path)

    t.equal(decision.kind === 'copy' ? `copy ${decision.project} ${decision.mappedPath}` : `skip ${decision.project} ${decision.reason}`, expected)
  })
}

test('with all endpoints and methods every request is copied, of the default only where it is on', async t => {
  const all: CopyRules = { ...RULES, endpoints: 'all', methods: 'all' }

  t.match(decideCopy(all, 'OPTIONS', '/api/1/'), { kind: 'copy', project: '1' })
  t.match(decideCopy(all, 'GET', '/elsewhere'), { kind: 'copy', project: 'default' })
  t.match(decideCopy({ ...all, default: null }, 'GET', '/api/2/envelope/'), { kind: 'skip', project: 'default', reason: 'off' })
})

const OURS = ['X-Request-Id', 'id', 'X-Forwarded-Proto', 'http', 'X-Forwarded-For', '192.0.2.7']
const options = { dropHeaders: ['cookie'], clientAddress: '192.0.2.7', requestId: 'id' }

test('every header of the client goes, in its order, case and number, but those of one connection', async t => {
  const kept = ['X-Sentry-Auth', 'Sentry sentry_key=k', 'Authorization', 'a', 'accept', '1', 'Accept', '2', 'X-Empty', '', 'Content-Encoding', 'gzip',
    'Proxy-Connection', 'x', 'Trailer', 'y', 'Forwarded', 'for=1', 'X-Real-IP', '9', 'Via', '1.1 v', 'Named-In-Connection', 'stays']
  const gone = ['Host', 'h', 'connection', 'close, Named-In-Connection', 'Keep-Alive', '5', 'TE', 'trailers', 'Expect', '100-continue', 'Upgrade', 'h2c',
    'Transfer-Encoding', 'chunked', 'CONTENT-LENGTH', '3', 'x-request-id', 'theirs', 'X-Forwarded-Proto', 'https', 'COOKIE', 'sentrysid=1']
  const mixed = kept.flatMap((text, i) => i % 2 === 0 ? [...gone.slice(i, i + 2), text] : [text])

  t.equal(copyFields(headOf({ headers: mixed }), options), fieldLines(...OURS, ...kept))
})

for (const [what, lines, expected] of [
  ['none', [], '192.0.2.7'],
  ['one', ['1.1.1.1, 2.2.2.2'], '1.1.1.1, 2.2.2.2, 192.0.2.7'],
  ['two', ['1.1.1.1', '2.2.2.2'], '1.1.1.1, 2.2.2.2, 192.0.2.7'],
  ['an empty one', [''], ', 192.0.2.7']
] as const) {
  test(`X-Forwarded-For with ${what} of the client's: ${expected}`, async t => {
    const headers = lines.flatMap(line => ['x-forwarded-for', line])

    t.equal(copyFields(headOf({ headers }), options), fieldLines(...OURS.slice(0, 5), expected))
  })
}

test('drop_headers holds for the headers the router sets as well', async t => {
  const fields = copyFields(headOf({ headers: ['X-Empty', '', 'X-Forwarded-For', '1.1.1.1'] }), { ...options, dropHeaders: ['x-forwarded-for', 'x-request-id', 'x-forwarded-proto'] })

  t.equal(fields, 'X-Empty: \r\n')
})

test('the copy carries the raw target behind the mapped path, and what the client said of its body', async t => {
  const { keepCopy, copies, events } = setup(() => null)
  const source = sourceOf({ target: '//api/1/../1/envelope/?x=%zz' })

  t.equal(keepCopy(source), null)
  t.equal(keepCopy(sourceOf({ framing: 'none' })), null)
  t.equal(keepCopy(sourceOf({ framing: 'chunked' })), null)

  t.match(copies[0], { id: 'f'.repeat(32), project: '1', takenAt: 1234, method: 'POST', target: '/rum/one//api/1/../1/envelope/?x=%zz' })
  t.equal(copies[0]?.body, source.body)
  t.strictSame(copies.map(copy => copy.framed), [true, false, true])
  t.strictSame(events, ['accepted 1', 'accepted 1', 'accepted 1'])
})

test('a request that is skipped never reaches the spool', async t => {
  const { keepCopy, copies, events } = setup(() => null)

  t.equal(keepCopy(sourceOf({ method: 'GET' })), null)

  t.strictSame(copies, [])
  t.strictSame(events, ['skipped 1 method'])
})

test('the client waits until the copy is durable', async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { keepCopy, events } = setup(() => promise)
  let answered = false
  const durable = keepCopy(sourceOf())?.then(() => { answered = true })
  await new Promise(setImmediate)
  t.equal(answered, false)

  resolve()
  await durable

  t.strictSame(events, ['accepted 1'])
})

test('a copy that is not durable in time is late, and the answer goes out', async t => {
  const { keepCopy, events } = setup(() => new Promise(() => {}), { commitTimeoutMs: 5 })

  await keepCopy(sourceOf())

  t.strictSame(events, ['accepted 1', 'late'])
})

test('a spool that fails neither throws nor rejects', async t => {
  const rejecting = setup(() => Promise.reject(new Error('ENOSPC')))
  const throwing = setup(() => { throw new Error('a bug') })

  await rejecting.keepCopy(sourceOf())
  t.equal(throwing.keepCopy(sourceOf()), null)

  t.strictSame(rejecting.events, ['accepted 1'])
  t.strictSame(throwing.events, ['accepted 1', 'dropped 1 spool_error'])
})
