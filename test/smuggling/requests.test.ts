/**
 * Every case of the corpus through the whole router, in several cuts, with the
 * request of another client behind it: what goes on to the upstream and to the
 * endpoint is what the case says, whoever reads it, and nobody gets another's answer.
 */
import t, { test, type Test } from 'tap'
import { PERSONALITIES, readAs, type Personality } from '../helpers/personalities.ts'
import { startRecordingServer, type RecordingServer } from '../helpers/recording-server.ts'
import { startRouter, type StartedRouter } from '../helpers/router.ts'
import { bytewise, cut } from '../helpers/splits.ts'
import { createStrictParser } from '../helpers/strict-parser.ts'
import { CORPUS } from './corpus.ts'
import { marked, markOf, type SmugglingCase } from './corpus-parts.ts'
import { talk, type Talk } from './talk.ts'

t.setTimeout(120_000)

const MAPPED = { 1: '/rum/one' } as const
const DEFAULT = '/rum/others'
/** Clients at once. */
const WIDTH = 8

interface Stage {
  readonly router: StartedRouter
  readonly upstream: RecordingServer
  readonly endpoint: RecordingServer
}

/** Everything is mirrored, whatever its method and path. */
async function startStage (t: Test, acts: Personality | null): Promise<Stage> {
  const [upstream, endpoint] = await Promise.all([startRecordingServer(t, acts), startRecordingServer(t, acts)])
  const router = await startRouter(t, {
    upstreams: { relay: { servers: [`127.0.0.1:${upstream.port}`] }, web: { servers: [`127.0.0.1:${upstream.port}`] }, 'web-rum': { servers: [`127.0.0.1:${upstream.port}`] } },
    routes: [
      { location: '/_assets/', upstream: 'relay', rewrite: '/_static/dist/sentry/', mirror: true },
      { location: '= /gone', internal: true },
      { location: '/', upstream: 'relay', mirror: true }
    ],
    mirror: { endpoint: `http://127.0.0.1:${endpoint.port}`, default: DEFAULT, projects: MAPPED, endpoints: 'all', methods: 'all' },
    // Whether the copies are on disk yet is no question here.
    spool: { commit_timeout: '1ms' }
  })
  return { router, upstream, endpoint }
}

type CutUp = (bytes: Buffer, index: number) => Buffer[]

const WHOLE: CutUp = bytes => [bytes]
const BYTES: CutUp = bytes => bytes.length > 1200 ? cut(bytes, [1, 9, 200, 8191, 8192, 8193, bytes.length - 1]) : bytewise(bytes)
const IN_LINE_ENDS: CutUp = bytes => cut(bytes, [...bytes.keys()].filter(i => bytes[i] === 10 || bytes[i] === 58).slice(0, 200))
/** One of the two for each case; whether any reads give the same is what test/fuzz is about. */
const IN_PIECES: CutUp = (bytes, index) => index % 2 === 0 ? BYTES(bytes, index) : IN_LINE_ENDS(bytes, index)

for (const acts of [...PERSONALITIES.slice(0, 2), null]) {
  test(`in front of a server that reads ${acts === null ? 'as Node does' : `generously, ${acts.name}`}: one request is one request, on both legs`, async t => {
    const stage = await startStage(t, acts)
    const cases = CORPUS.filter(item => acts !== null || !item.strictRefuses)
    const cuts = acts === PERSONALITIES[0] ? [['in one piece', WHOLE], ['in pieces', IN_PIECES]] as const : [['in one piece', WHOLE]] as const

    let mark = 0
    for (const [how, cutUp] of cuts) {
      const first = mark
      const entries = cases.entries()
      const run = async (): Promise<void> => {
        for (const [index, item] of entries) await attack(t, stage.router.port80, item, first + 2 * index, how, bytes => cutUp(bytes, index))
      }
      await Promise.all(Array.from({ length: WIDTH }, run))
      mark += 2 * cases.length
    }
    await stage.router.metricIs(0, 'mirror_pending')

    const marks = cuts.flatMap(([how], round) => cases.map((item, index) => ({ item, how, client: 2 * (round * cases.length + index) })))
    judge(t, 'upstream', stage.upstream, marks)
    judge(t, 'endpoint', stage.endpoint, marks)
    await judgeStreams(t, 'upstream', stage.upstream)
    await judgeStreams(t, 'endpoint', stage.endpoint)
  })
}

/** The case, then another client on what may be the same connection to the upstream. */
async function attack (t: Test, port: number, item: SmugglingCase, client: number, how: string, cutUp: (bytes: Buffer) => Buffer[]): Promise<void> {
  const name = `${item.family}: ${item.name}, ${how}`
  const bytes = Buffer.from(marked(item.bytes, client), 'latin1')
  const answers = await talk(port, cutUp(bytes), { leaves: !item.refusal })
  const own = item.meant.map(([, target]) => marked(item.rewritten ?? target, client))
  // What follows a request that asked for the end, and comes after that end, may cost a client its answer (RFC 9112 section 9.6).
  const cutOff = answers.fault !== null && answers.statuses.length === 0 && how !== 'in one piece' && /^Connection:.*close/im.test(item.bytes)
  const problem = cutOff ? null : problemOf(item, own, answers)
  if (problem !== null) t.fail(`${name}: ${problem}`, { answers })

  const other = markOf(client + 1)
  const target = `/api/1/envelope/?${other}`
  const victim = await talk(port, [Buffer.from(`POST ${target} HTTP/1.1\r\nHost: victim\r\nConnection: close\r\nContent-Length: ${other.length}\r\n\r\n${other}`)], { leaves: false })
  if (victim.statuses.join() !== '200' || victim.bodies.join() !== target) t.fail(`${name}: the next client got another's answer`, { victim })
}

function problemOf (item: SmugglingCase, own: readonly string[], answers: Talk): string | null {
  const served = answers.statuses.slice(0, own.length)
  const rest = answers.statuses.slice(own.length)
  if (served.length < own.length || served.some(status => status !== 200)) return `answered with ${answers.statuses.join()}`
  if (own.some((target, i) => answers.bodies[i] !== target)) return 'got an answer that is not its own'
  if (!item.refusal && rest.length > 0) return `answered beyond its requests, with ${rest.join()}`
  if (item.refusal && (rest.length !== 1 || (rest[0] as number) < 400)) return `not refused once, but ${JSON.stringify(rest)}`
  return answers.ended ? null : 'nothing more is to come, and the connection stays open'
}

/** What a leg got under each mark is what the case means. */
function judge (t: Test, leg: 'upstream' | 'endpoint', server: RecordingServer, marks: readonly { item: SmugglingCase, how: string, client: number }[]): void {
  const byMark = new Map<string, { line: string, body: string, head: string }[]>()
  for (const stream of server.streams()) {
    // Node's parser and all personalities are asked whether this is the right reading, below.
    for (const { method, target, body, raw } of readAs(PERSONALITIES[3] as Personality, stream)) {
      const found = new Set(raw.match(/m\d+m/g))
      if (found.size !== 1) t.fail(`${leg}: a request with the bytes of ${found.size} clients`, { raw })
      for (const mark of found) byMark.set(mark, [...byMark.get(mark) ?? [], { line: `${method} ${target}`, body, head: raw.slice(0, raw.length - body.length) }])
    }
  }
  for (const { item, how, client } of marks) {
    const name = `${item.family}: ${item.name}, ${how}: ${leg}`
    const got = byMark.get(markOf(client)) ?? []
    const wanted = item.meant.map(([method, target, body]) => {
      const there = leg === 'upstream' ? item.rewritten ?? target : mapped(target)
      return { line: marked(`${method} ${there}`, client), body: marked(body, client) }
    })
    // In any order: they may have come over several connections. Those to the upstream were answered in theirs.
    t.strictSame(got.map(inWords).toSorted(), wanted.map(inWords).toSorted(), name)
    const present = leg === 'upstream' ? marked(item.present, client) : ''
    if (got.length > 0 && !got.some(({ head }) => head.includes(present))) t.fail(`${name}: without ${item.present}`, { got })
    if (item.absent !== '' && got.some(({ head }) => head.includes(`\r\n${item.absent}`))) t.fail(`${name}: with ${item.absent}`, { got })
  }
}

function inWords ({ line, body }: { line: string, body: string }): string {
  return `${line}\n${body}`
}

/** As `mirror.projects` has it: by the project of the normalised path, which only these spellings of it have. */
function mapped (target: string): string {
  const one = /^(?:\/+|\/%61pi|\/api\/2\/\.\.)(?:api)?\/+(?:1|%31)\/|^\/api\/1(?:\?|%2f\.\.%2f2|$)/.test(target)
  return (one && !target.includes('%2f..%2f2') ? MAPPED[1] : DEFAULT) + target
}

/** Every personality, and Node's parser, see the same requests in what was written. */
async function judgeStreams (t: Test, leg: string, server: RecordingServer): Promise<void> {
  const strictly = createStrictParser()
  for (const [index, stream] of server.streams().entries()) {
    const readings = PERSONALITIES.map(personality => readAs(personality, stream))
    const [first = []] = readings
    t.equal(first.reduce((sum, request) => sum + request.raw.length, 0), stream.length, `${leg}, connection ${index}: nothing is left between requests`)
    for (const [i, reading] of readings.entries()) {
      if (!sameRequests(reading, first)) t.fail(`${leg}, connection ${index}: read as ${PERSONALITIES[i]?.name}, there are other requests`, { reading, first })
    }
    // One by one: one that it refuses must not hide the next.
    for (const request of first) {
      const { requests, fault } = await strictly(Buffer.from(request.raw, 'latin1'))
      if (fault === null) {
        if (!sameRequests(requests, [request])) t.fail(`${leg}: Node's parser sees something else`, { raw: request.raw, requests })
      } else if (!['HPE_INVALID_METHOD', 'HPE_INVALID_HEADER_TOKEN', 'HPE_INVALID_URL'].includes(fault)) {
        t.fail(`${leg}: Node's parser refuses with ${fault}`, { raw: request.raw })
      }
    }
  }
}

function sameRequests (some: readonly { method: string, target: string, body: string }[], others: readonly { method: string, target: string, body: string }[]): boolean {
  return some.length === others.length && some.every(({ method, target, body }, i) => method === others[i]?.method && target === others[i]?.target && body === others[i]?.body)
}
