/**
 * The mixed traffic: a request every so often, whatever became of the others, of a kind
 * drawn by its share. Each client knows what it must get; what it got instead is a
 * failure, and somebody has to explain it.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../crash/random.ts'
import type { Book } from './book.ts'
import type { Ask, Client } from './client.ts'
import type { Envelope, EnvelopeMaker } from './envelopes.ts'
import { relayStatusOf, uiAnswer } from './known-answers.ts'
import { STATIC_FILE, type MapName } from './router-file.ts'
import { leave, sendMalformed, sendsWhole, sendTogether, STAGES } from './rude-clients.ts'
import type { Trouble, Windows } from './windows.ts'

export interface Failure {
  readonly kind: string
  readonly from: number
  readonly to: number
  readonly says: string
}

/** What was the matter while a request was under way. */
export type Weather = 'calm' | 'endpoint' | 'primary'

export interface Tally {
  /** Requests begun, by kind. */
  readonly begun: Readonly<Record<string, number>>
  readonly failed: number
  /** Failures that no fault explains, the first 50. */
  readonly unexplained: readonly Failure[]
  readonly unexplainedCount: number
  /** Ordinary requests, in milliseconds. */
  readonly latency: Readonly<Record<Weather, RecordableHistogram>>
  /** Requests not begun, because too many were under way. */
  readonly heldBack: number
}

export interface TrafficOptions {
  readonly ports: readonly [main: number, rum: number]
  readonly book: Book
  readonly envelopes: EnvelopeMaker
  readonly client: Client
  readonly windows: Windows
  readonly random: Random
  readonly now: () => number
  /** The map in force; `null` while it changes. */
  readonly map: () => MapName | null
  /** Requests per second. */
  readonly rate: number
}

export interface Traffic {
  /** Until the signal; resolves once no request is under way. */
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly tally: Tally
}

const MOST_UNDER_WAY = 400
const MOST_FAILURES = 50
const TICK_MS = 20
const UNSETTLED = new Set<Trouble>(['relay', 'ui', 'process', 'slow'])

/** What may keep a client from its answer: never the endpoint. */
const EXCUSES = { relay: ['relay', 'process'], ui: ['ui', 'process'], router: ['process'] } as const satisfies Record<string, readonly Trouble[]>

export function createTraffic ({ ports, book, envelopes, client, windows, random, now, map, rate }: TrafficOptions): Traffic {
  const tally = {
    begun: {} as Record<string, number>,
    failed: 0,
    unexplained: [] as Failure[],
    unexplainedCount: 0,
    latency: { calm: createHistogram(), endpoint: createHistogram(), primary: createHistogram() },
    heldBack: 0
  }
  const port = (): number => random.pick(ports)

  function fail (kind: string, excuses: readonly Trouble[], from: number, says: string): void {
    tally.failed++
    const to = now()
    if (windows.excuse(excuses, from, to)) return
    tally.unexplainedCount++
    if (tally.unexplained.length < MOST_FAILURES) tally.unexplained.push({ kind, from, to, says })
  }

  function weather (from: number, to: number): Weather {
    if (windows.excuse([...UNSETTLED], from, to)) return 'primary'
    return windows.excuse(['endpoint'], from, to) ? 'endpoint' : 'calm'
  }

  /** Posts an envelope, and looks at the answer. */
  async function post (kind: string, envelope: Envelope, options: Partial<Ask> = {}): Promise<void> {
    const { number, target, headers, body } = envelope
    const from = now()
    const mapBefore = map()
    let status: number | null = null
    try {
      const reply = await client.ask({ port: port(), method: 'POST', target, headers, body, ...options, onSentWhole: () => { book.sentWhole(number) } })
      status = reply.status
      const text = reply.body.toString('latin1')
      if (status !== relayStatusOf(number)) fail(kind, EXCUSES.relay, from, `request ${number} was answered ${status}, not ${relayStatusOf(number)}`)
      else if (text !== JSON.stringify({ id: String(number) })) fail(kind, [], from, `request ${number} got an answer that is not its own: ${text.slice(0, 100)}`)
      else if (options.slowMs === undefined) tally.latency[weather(from, now())].record(Math.max(1, Math.round(now() - from)))
    } catch (error) {
      fail(kind, EXCUSES.relay, from, `request ${number}: ${String(error)}`)
    }
    book.ended(number, status, now())
    if (envelope.dependsOnMap && map() !== mapBefore) book.unsure(number)
  }

  async function page (kind: string, options: Partial<Ask> = {}): Promise<void> {
    const from = now()
    const at = port()
    const target = `/issues/${random.between(1, 1e6)}/?bytes=${random.between(0, 120_000)}`
    await expect(kind, EXCUSES.ui, from, { port: at, method: 'GET', target, ...options }, 200, uiAnswer(at === ports[0] ? 'web' : 'web-rum', target))
  }

  /** @param body - `null`: any. */
  async function expect (kind: string, excuses: readonly Trouble[], from: number, ask: Ask, status: number, body: Buffer | null): Promise<void> {
    try {
      const reply = await client.ask(ask)
      if (reply.status !== status) fail(kind, excuses, from, `${ask.method} ${ask.target} was answered ${reply.status}, not ${status}`)
      else if (body !== null && !reply.body.equals(body)) fail(kind, [], from, `${ask.method} ${ask.target} got ${reply.body.length} bytes that are not its answer`)
      else if (ask.slowMs === undefined) tally.latency[weather(from, now())].record(Math.max(1, Math.round(now() - from)))
    } catch (error) {
      fail(kind, excuses, from, `${ask.method} ${ask.target}: ${String(error)}`)
    }
  }

  /** A request to Relay that is not copied: by its method, or by its path. */
  async function uncopied (kind: string, method: string, path: string): Promise<void> {
    const from = now()
    const number = book.open({ due: 'no', poison: false, at: from })
    book.filled(number, EMPTY_DIGEST, 0)
    await expect(kind, EXCUSES.relay, from, { port: port(), method, target: `${path}?n=${number}` }, relayStatusOf(number), null)
  }

  async function aborted (kind: string): Promise<void> {
    const stage = random.pick(STAGES)
    const envelope = envelopes.make(400_000)
    if (sendsWhole(stage)) book.sentWhole(envelope.number)
    book.unsure(envelope.number)
    await leave(port(), envelope, stage, random)
    tally.begun[`${kind}:${stage}`] = (tally.begun[`${kind}:${stage}`] ?? 0) + 1
  }

  async function pipelined (kind: string): Promise<void> {
    const from = now()
    const mapBefore = map()
    const pair = [envelopes.make(2_000), envelopes.make(2_000)] as const
    for (const { number } of pair) book.sentWhole(number)
    const text = await sendTogether(port(), ...pair).catch(String)
    const answers = [...text.matchAll(/HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n\{"id":"(\d+)"\}/g)]
    for (const [i, { number, dependsOnMap }] of pair.entries()) {
      if (dependsOnMap && map() !== mapBefore) book.unsure(number)
      const status = answers[i]?.[2] === String(number) ? Number(answers[i]?.[1]) : null
      book.ended(number, status, now())
      if (status !== relayStatusOf(number)) fail(kind, EXCUSES.relay, from, `request ${number}, number ${i + 1} of two in one write, was answered: ${JSON.stringify(text.slice(0, 300))}`)
    }
  }

  async function malformed (kind: string): Promise<void> {
    const from = now()
    const wrong = await sendMalformed(port(), random)
    if (wrong !== null) fail(kind, EXCUSES.router, from, wrong)
  }

  /** How many of a thousand. */
  const kinds: ReadonlyArray<readonly [kind: string, share: number, run: (kind: string) => Promise<void>]> = [
    ['envelope', 430, kind => post(kind, envelopes.make())],
    ['envelope-chunked', 100, kind => post(kind, envelopes.make(), { chunked: true })],
    ['envelope-fresh', 120, kind => post(kind, envelopes.make(), { fresh: true })],
    ['envelope-slow', 15, kind => post(kind, envelopes.make(400_000), { fresh: true, slowMs: { send: random.between(200, 4_000) } })],
    ['pipelined', 15, pipelined],
    ['preflight', 20, kind => uncopied(kind, 'OPTIONS', `/api/${random.between(1, 400)}/envelope/`)],
    ['minidump', 10, kind => uncopied(kind, 'POST', `/api/${random.between(1, 30)}/minidump/`)],
    ['store', 10, kind => uncopied(kind, 'POST', '/api/store/')],
    ['page', 110, kind => page(kind)],
    ['page-fresh', 30, kind => page(kind, { fresh: true })],
    ['page-slow-reader', 10, kind => page(kind, { fresh: true, slowMs: { read: random.between(200, 3_000) } })],
    ['static', 50, kind => expect(kind, EXCUSES.router, now(), { port: port(), method: 'GET', target: STATIC_FILE.target }, 200, STATIC_FILE.body)],
    ['abort', 50, aborted],
    ['malformed', 30, malformed]
  ]

  function begin (): Promise<void> {
    let draw = random.between(0, 999)
    for (const [kind, share, run] of kinds) {
      draw -= share
      if (draw >= 0) continue
      tally.begun[kind] = (tally.begun[kind] ?? 0) + 1
      return run(kind)
    }
    throw new RangeError('the shares of the kinds are not a thousand')
  }

  return {
    tally,
    async run (signal) {
      const underWay = new Set<Promise<void>>()
      let last = now()
      let owed = 0
      while (!signal.aborted) {
        await sleep(TICK_MS)
        const at = now()
        // After a pause of the machine the requests of a second, not all of them at once.
        owed = Math.min(rate, owed + (at - last) / 1_000 * rate)
        last = at
        for (; owed >= 1; owed--) {
          if (underWay.size >= MOST_UNDER_WAY) {
            tally.heldBack++
            continue
          }
          const request = begin().finally(() => { underWay.delete(request) })
          underWay.add(request)
        }
      }
      await Promise.all(underWay)
    }
  }
}

/** SHA-256 of nothing. */
const EMPTY_DIGEST = Buffer.from('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex')
