/**
 * Request streams that are mostly right and here and there a little wrong: cut into
 * any reads they are the same requests, Node's strict parser sees the same ones, and
 * what the router sends on is one request each to every server and to the endpoint.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import t, { test } from 'tap'
import { Deadlines } from '../../src/http1/deadlines.ts'
import { headerValue, type RequestHead } from '../../src/http1/message.ts'
import { RequestReader } from '../../src/http1/request-reader.ts'
import { createEndpoint } from '../../src/mirror/endpoint.ts'
import { createKeepCopy } from '../../src/mirror/keep.ts'
import { fuzz } from '../helpers/fuzz.ts'
import { PERSONALITIES, readAs, type Personality, type SeenRequest } from '../helpers/personalities.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startRecordingServer, type RecordingServer } from '../helpers/recording-server.ts'
import { bytewise, cut, splits } from '../helpers/splits.ts'
import { createStrictParser } from '../helpers/strict-parser.ts'
import { talk } from '../smuggling/talk.ts'
import { requestStreams } from './http1-streams.ts'

// A long run by hand is longer than any test.
t.setTimeout(0)

const BODY_LIMIT = 1000

interface ReadRequest {
  readonly head: RequestHead
  readonly body: string
  /** As received; latin1. */
  readonly raw: string
}

interface Reading {
  readonly requests: readonly ReadRequest[]
  /** The fault it ends in, or how far it came. */
  readonly end: string
}

function readAll (pieces: readonly Buffer[]): Reading {
  const reader = new RequestReader()
  const stream = Buffer.concat(pieces).toString('latin1')
  const requests: ReadRequest[] = []
  let pushed = 0
  let start = 0
  let head: RequestHead | null = null
  let state = 'idle'
  let body: string[] = []
  const step = (): boolean => {
    if (state === 'idle') {
      if (!reader.beginHead()) return false
      start = pushed - reader.bufferedBytes
      state = 'head'
    } else if (state === 'head') {
      const result = reader.readHead()
      if (result === null) return false
      if (result.kind === 'head') head = result.head
      state = result.kind === 'head' ? 'body' : result.code
    } else if (state === 'body') {
      const progress = reader.readBody(BODY_LIMIT, piece => { body.push(piece.toString('latin1')) })
      if (progress === 'incomplete') return false
      state = progress === 'complete' ? 'idle' : progress
      if (progress === 'complete' && head !== null) requests.push({ head, body: body.join(''), raw: stream.slice(start, pushed - reader.bufferedBytes) })
      body = []
    } else {
      return false
    }
    return true
  }
  for (const piece of pieces) {
    reader.push(piece)
    pushed += piece.length
    while (step());
  }
  return { requests, end: state }
}

const NODE_METHODS = new Set(['DELETE', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'PATCH', 'PROPFIND', 'PURGE', 'M-SEARCH', 'LOCK'])

/**
 * Why the router takes a request that Node's parser refuses, as nginx does. None of
 * it says where a message ends, and none of it goes on unread.
 */
function excuse ({ head, raw }: ReadRequest): string | null {
  const headText = head.received?.text ?? ''
  const [line = '', ...fields] = headText.split('\r\n')
  if (!NODE_METHODS.has(head.method)) return 'a method that Node does not know'
  if (!/ HTTP\/1\.[01]$/.test(line)) return 'a version that is read as 1.1 or 1.0'
  if (/[^\x21-\x7e]/.test(line.slice(head.method.length + 1, -9))) return 'a target with bytes beyond ASCII'
  if (!/^(?:\/|https?:\/\/[^/?#]+(?:[/?]|$))/i.test(line.slice(head.method.length + 1, -9))) return 'a target that nginx takes for absolute'
  if (fields.some(field => /[^!#-'*+.^_`|~0-9a-z-]/i.test(field.split(':', 1)[0] ?? ''))) return 'a name that the router leaves out'
  if (fields.some(field => /[^\t\x20-\x7e\x80-\xff]/.test(field))) return 'control bytes in a value'
  if (head.framing === 'chunked' && !isPlain(raw.slice(headText.length + 2))) return 'spaces, extensions or trailers that Node reads otherwise; they go no further'
  return null
}

/** Of the last of them, which Node does not see. */
function excuseOf (requests: readonly ReadRequest[], fault: string | null): string | null {
  if (requests.some(({ head }) => headerValue(head.headers, 'upgrade') !== undefined)) return 'an upgrade, which Node serves in its own way'
  if (fault === 'HPE_CLOSED_CONNECTION' && requests.slice(0, -1).some(({ raw }) => /\r\nconnection:.*close/i.test(raw))) return 'Connection: close in a trailer, which is none'
  if (fault === 'HPE_CLOSED_CONNECTION' && requests.slice(0, -1).some(({ head }) => head.minorVersion === 0 && head.keepAlive)) return 'keep-alive on HTTP/1.0, within a longer word'
  return excuse(requests.at(-1) as ReadRequest)
}

/** Whether a chunked body that was read has nothing but sizes and data in it. */
function isPlain (body: string): boolean {
  for (let at = 0; ;) {
    const end = body.indexOf('\r\n', at)
    const line = body.slice(at, end)
    if (!/^[0-9a-f]+$/i.test(line)) return false
    const size = Number.parseInt(line, 16)
    if (size === 0) return body.slice(end) === '\r\n\r\n'
    at = end + 2 + size + 2
  }
}

test('any reads of a stream are the same requests, and Node sees no others', async t => {
  const strictly = createStrictParser()
  const excused = new Map<string, number>()
  let compared = 0

  await fuzz(t, fc.tuple(requestStreams(), splits()), async ([bytes, places]) => {
    const whole = readAll([bytes])
    deepStrictEqual(readAll(cut(bytes, places)), whole)
    deepStrictEqual(readAll(bytewise(bytes)), whole)

    // Node takes PRI for HTTP/2 and forgets what came before it.
    if (bytes.includes('PRI')) return
    const strict = await strictly(bytes)
    for (const [i, request] of whole.requests.entries()) {
      const theirs = strict.requests[i]
      if (theirs === undefined) {
        const why = excuseOf(whole.requests.slice(0, i + 1), strict.fault)
        ok(why !== null, `taken, though Node says ${strict.fault}`)
        excused.set(why, (excused.get(why) ?? 0) + 1)
        break
      }
      compared++
      strictEqual(theirs.method, request.head.method)
      strictEqual(theirs.body, request.body)
      ok(theirs.target.endsWith(request.head.target) || request.head.target === '/' || !theirs.target.startsWith('/'), 'the same target')
      if (!request.head.keepAlive) break
    }
  })
  t.comment(`${compared} requests compared; taken in spite of Node: ${JSON.stringify(Object.fromEntries(excused))}`)
})

test('what goes on is what was sent, once, on both legs, and the next client gets its own answer', async t => {
  const upstream = await startRecordingServer(t, PERSONALITIES[0] as Personality)
  const endpoint = await startRecordingServer(t, PERSONALITIES[1] as Personality)
  const strictly = createStrictParser()
  const sending = new Set<Promise<unknown>>()
  const sender = createEndpoint({
    endpoint: new URL(`http://127.0.0.1:${endpoint.port}`), host: 'endpoint.example.test', ca: null,
    connectTimeoutMs: 5000, sendTimeoutMs: 5000, readTimeoutMs: 5000, deadlines: new Deadlines()
  })
  t.teardown(() => { sender.abort() })
  const { port } = await startProxy(t, {
    servers: [upstream.port],
    keepCopy: createKeepCopy({
      mirror: { default: '/rum/others', projects: new Map([['1', '/rum/one']]), endpoints: 'all', methods: 'all', dropHeaders: [] },
      spool: {
        append: copy => {
          copy.body.hold()
          sending.add(new Promise(resolve => { sender.send(copy, resolve) }).then(() => { copy.body.release() }))
          return null
        }
      },
      observer: { accepted () {}, skipped () {}, dropped () {}, delivered () {}, dead () {}, attempted () {}, lateCommit () {} },
      commitTimeoutMs: 50,
      now: Date.now
    })
  })

  await fuzz(t, fc.tuple(requestStreams(), splits()), async ([bytes, places]) => {
    const { requests } = readAll([bytes])

    const answers = await talk(port, cut(bytes, places), { leaves: true })
    const victim = await talk(port, [Buffer.from('POST /victim HTTP/1.1\r\nHost: v\r\nConnection: close\r\nContent-Length: 6\r\n\r\nvictim')], { leaves: false })
    await Promise.all(sending)
    sending.clear()

    ok(answers.ended, 'every connection comes to an end')
    ok(answers.statuses.every(status => !Number.isNaN(status)), 'every answer can be read')
    ok(answers.statuses.length <= requests.length + 1, 'no more answers than requests, and one refusal')
    deepStrictEqual([victim.statuses, victim.bodies], [[200], ['/victim']])
    const forwarded = await seenBy(upstream, strictly)
    const copied = await seenBy(endpoint, strictly)
    strictEqual(forwarded.filter(({ target }) => target === '/victim').length, 1)
    const own = forwarded.filter(({ target }) => target !== '/victim')
    // In order, unless the connection to the upstream was another one in between.
    const sent = requests.map(({ head, body }) => `${head.method} ${head.target}\n${body}`)
    for (const { method, target, body } of own) ok(sent.includes(`${method} ${target}\n${body}`), `nobody sent ${method} ${target}`)
    ok(own.length <= sent.length, 'no more than were sent')
    // Which path a project maps to is the corpus's to say.
    deepStrictEqual(copied.map(copy => inWords({ ...copy, target: copy.target.replace(/^\/rum\/(?:one|others)/, '') })).toSorted(), forwarded.map(inWords).toSorted(), 'each has its copy, and there is no other')
  })
})

function inWords ({ method, target, body }: { method: string, target: string, body: string }): string {
  return `${method} ${target}\n${body}`
}

/** What every personality, and Node's parser, see in what arrived since the last call. */
async function seenBy (server: RecordingServer, strictly: ReturnType<typeof createStrictParser>): Promise<SeenRequest[]> {
  const all: SeenRequest[] = []
  for (const stream of server.take()) {
    const [first = [], ...others] = PERSONALITIES.map(personality => readAs(personality, stream))
    strictEqual(first.map(({ raw }) => raw).join(''), stream, 'nothing is left between requests')
    for (const other of others) deepStrictEqual(other, first, 'all see the same')
    for (const request of first) {
      const { requests, fault } = await strictly(Buffer.from(request.raw, 'latin1'))
      if (fault === null) deepStrictEqual(requests, [{ method: request.method, target: request.target, body: request.body }])
      else if (request.method !== 'PRI') ok(['HPE_INVALID_METHOD', 'HPE_INVALID_HEADER_TOKEN', 'HPE_INVALID_URL'].includes(fault), `Node refuses what goes on with ${fault}: ${JSON.stringify(request.raw)}`)
    }
    all.push(...first)
  }
  return all
}
