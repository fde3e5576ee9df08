/**
 * Relay, the two UIs and the endpoint. Each knows a request by the number in its target,
 * compares its bytes with what was sent, and remembers nothing else of it.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Random } from '../crash/random.ts'
import type { Book } from './book.ts'
import { openGate, type Gate } from './gate.ts'
import { numberOf, relayStatusOf, uiAnswer } from './known-answers.ts'
import { serviceFits } from './router-file.ts'

/** How the endpoint treats whole requests. */
export type Mood = 'well' | 'failing' | 'limiting' | 'slow' | 'resetting' | 'cutting'

export interface StandIns {
  readonly relay: Gate
  readonly web: Gate
  readonly webRum: Gate
  readonly endpoint: Gate
  readonly setMood: (mood: Mood) => void
  readonly counts: () => Counts
  /** What must never be, the first 20 of them in words. */
  readonly wrongs: () => readonly string[]
  readonly wrong: (says: string) => void
  readonly close: () => Promise<void>
}

export interface Counts {
  /** Whole requests. */
  readonly atRelay: number
  readonly atEndpoint: number
  /** 2xx, at least their head. */
  readonly delivered: number
  /** 400, at least their head. */
  readonly refused: number
  /** 2xx for a copy that had one. */
  readonly duplicates: number
  /** Duplicates at a time when nothing explains them. */
  readonly unexplained: number
}

export interface StandInsOptions {
  readonly book: Book
  readonly random: Random
  readonly now: () => number
  /** Whether an answer written at this time may have been lost. */
  readonly mayBeLost: (at: number) => boolean
}

interface ArrivedCopy {
  readonly number: number
  readonly poison: boolean
  readonly arrivedAt: number
}

const MOST_WRONGS = 20
/** A router that has waited longer may be about to give up: it does after 2 s, `mirror.read_timeout`. */
const PATIENCE_MS = 1_000

export async function openStandIns ({ book, random, now, mayBeLost }: StandInsOptions): Promise<StandIns> {
  const counts = { atRelay: 0, atEndpoint: 0, delivered: 0, refused: 0, duplicates: 0, unexplained: 0 }
  const wrongs: string[] = []
  let wrongCount = 0
  let mood: Mood = 'well'

  function wrong (says: string): void {
    if (++wrongCount <= MOST_WRONGS) wrongs.push(says)
    else wrongs[MOST_WRONGS] = `… and ${wrongCount - MOST_WRONGS} more`
  }

  /** The number of a request on a leg, if its bytes are those that were sent. */
  function register (request: IncomingMessage, where: 'relay' | 'endpoint', digest: Buffer): number | null {
    const target = request.url ?? ''
    const number = numberOf(target)
    if (number === null || number >= book.count()) {
      wrong(`${where} got ${request.method} ${target}, which nobody may send on`)
      return null
    }
    if (!book.arrived(number, where, digest, String(request.headers['x-request-id'] ?? ''))) wrong(`${where} got other bytes than were sent as request ${number}`)
    return number
  }

  const relay = await openGate((request, response) => {
    whole(request, digest => {
      counts.atRelay++
      const number = register(request, 'relay', digest)
      relay.pass(response, () => { answer(response, relayStatusOf(number ?? 0), JSON.stringify({ id: String(number) })) })
    })
  })

  const endpoint = await openGate((request, response) => {
    const cuts = mood === 'cutting' && random.chance(0.5)
    if (cuts) request.once('data', () => { request.socket.resetAndDestroy() })
    whole(request, digest => {
      counts.atEndpoint++
      const number = register(request, 'endpoint', digest)
      if (number === null) return
      const entry = book.read(number)
      if (!serviceFits(request.url ?? '')) wrong(`request ${number} came to the service of another project`)
      const copy = { number, poison: entry?.poison === true, arrivedAt: now() }
      endpoint.pass(response, () => { settle(response, copy) })
    })
  })

  function settle (response: ServerResponse, copy: ArrivedCopy): void {
    switch (mood) {
      case 'failing': answer(response, random.pick([500, 502, 503, 403]), '{}'); break
      case 'limiting': answer(response, 429, '{}', { 'Retry-After': '1' }); break
      case 'slow': setTimeout(() => { take(response, copy, false) }, random.between(20, 2_500)); break
      default: take(response, copy, mood === 'resetting' && random.chance(0.5)); break
    }
  }

  function take (response: ServerResponse, { number, poison, arrivedAt }: ArrivedCopy, cut: boolean): void {
    if (response.socket === null || response.socket.destroyed) return
    const last = book.taken(number, now(), cut || now() - arrivedAt > PATIENCE_MS)
    if (poison) counts.refused++
    else {
      counts.delivered++
      if (last !== null) {
        counts.duplicates++
        if (!last.doubtful && !mayBeLost(last.at)) counts.unexplained++
      }
    }
    if (cut) {
      // Taken, and the router hears half of it or nothing.
      if (random.chance(0.5)) response.writeHead(poison ? 400 : 200, { 'Content-Length': 100 }).write('{')
      setImmediate(() => { response.socket?.resetAndDestroy() })
    } else answer(response, poison ? 400 : 200, '{"code":200}')
  }

  const ui = (name: string): Promise<Gate> => {
    const gate = openGate((request, response) => {
      whole(request, () => {
        const target = request.url ?? ''
        if (numberOf(target) !== null) wrong(`${name} got ${request.method} ${target}, which is Relay's`)
        void gate.then(({ pass }) => {
          pass(response, () => {
            const body = uiAnswer(name, target)
            response.writeHead(200, { 'Content-Type': 'text/html', ...body.length % 2 === 0 && { 'Content-Length': body.length } }).end(body)
          })
        })
      })
    })
    return gate
  }
  const [web, webRum] = await Promise.all([ui('web'), ui('web-rum')])

  return {
    relay,
    web,
    webRum,
    endpoint,
    setMood: next => { mood = next },
    counts: () => ({ ...counts }),
    wrongs: () => wrongs,
    wrong,
    close: async () => { await Promise.all([relay, web, webRum, endpoint].map(gate => gate.refuse())) }
  }
}

function whole (request: IncomingMessage, onWhole: (digest: Buffer) => void): void {
  const hash = createHash('sha256')
  request.on('data', (chunk: Buffer) => { hash.update(chunk) })
  request.on('end', () => { onWhole(hash.digest()) })
}

function answer (response: ServerResponse, status: number, body: string, headers: Readonly<Record<string, string>> = {}): void {
  if (response.socket === null || response.socket.destroyed) return
  response.writeHead(status, { ...headers, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body)
}
