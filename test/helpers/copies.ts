/** Copies made by hand, and a mirror put together without the rest of the program. */
import type { Test } from 'tap'
import type { MirrorConfig, RetryConfig } from '../../src/config/config.ts'
import { Deadlines } from '../../src/http1/deadlines.ts'
import { createDelivery, type Delivery } from '../../src/mirror/delivery.ts'
import { createEndpoint, type Endpoint } from '../../src/mirror/endpoint.ts'
import type { MirrorObserver } from '../../src/mirror/observer.ts'
import { logOutage } from '../../src/mirror/outage-log.ts'
import { createMemorySpool } from '../../src/spool/memory-spool.ts'
import type { Copy, CopyBody, ListPending, PendingSummary, Spool } from '../../src/spool/types.ts'
import { createArrivals, type Arrivals } from './arrivals.ts'

export interface CountedBody extends CopyBody {
  /** Holds less releases. */
  readonly holders: () => number
}

/** A body in memory, in one chunk unless more are given. */
export function memoryBody (...chunks: (Buffer | string)[]): CountedBody {
  return countedBody(chunks.map(chunk => typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk), null)
}

export function fileBody (file: string, length: number): CountedBody {
  return countedBody(null, file, length)
}

function countedBody (chunks: readonly Buffer[] | null, file: string | null, length = 0): CountedBody {
  let holders = 0
  return {
    length: chunks === null ? length : chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    chunks,
    file,
    hold () { holders++ },
    release () {
      if (holders === 0) throw new Error('released once more than held')
      holders--
    },
    takeFile: async () => { throw new Error('nothing takes files here') },
    holders: () => holders
  }
}

let copies = 0

export function copyOf (fields: Partial<Copy> = {}): Copy {
  return {
    id: (++copies).toString(16).padStart(32, '0'),
    project: 'default',
    takenAt: Date.now(),
    method: 'POST',
    target: '/rum/sentry/w/s/api/1/envelope/',
    fields: '',
    framed: true,
    body: memoryBody('{}\n'),
    ...fields
  }
}

/** A backlog that is listed as the spool lists its own. */
export function listPending (pending: readonly PendingSummary[]): ListPending {
  return ({ project }, limit, after) => pending
    .slice(after === undefined ? 0 : pending.findIndex(copy => copy.position === after) + 1)
    .filter(copy => project === undefined || copy.project === project)
    .slice(0, limit)
}

export interface Ledger {
  accepted: number
  delivered: number
  dead: Record<string, number>
  dropped: Record<string, number>
  attempts: Record<string, number>
}

export interface StartedMirror {
  readonly spool: Spool
  readonly delivery: Delivery
  readonly ledger: Ledger
  /** Each attempt's code, in order. */
  readonly attempts: Arrivals<string>
  /** Every copy that ended: `delivered`, `dead 400`, `dropped spool_full`. */
  readonly ended: Arrivals<string>
  /** Messages of the log, with their level. */
  readonly log: readonly string[]
  /** Counts the copy as accepted and appends it. */
  readonly keep: (fields?: Partial<Copy>) => Copy
  /** accepted - delivered - dead - dropped - pending: 0, always. */
  readonly unaccounted: () => number
  readonly close: (deadlineMs?: number) => Promise<void>
}

export interface MirrorOptions {
  readonly port: number
  readonly concurrency?: number
  readonly retry?: Partial<RetryConfig>
  readonly endpoint?: Partial<MirrorConfig>
  readonly maxBytes?: number
  readonly now?: () => number
  readonly random?: () => number
  readonly watch?: Watch
}

/** Told of every copy that is handed to the endpoint, and when it comes back. */
export interface Watch {
  readonly sending: (copy: Copy) => void
  readonly sent: (copy: Copy) => void
}

/** Spool, endpoint and delivery, wired as the program wires them. */
export function startMirror (t: Test, options: MirrorOptions): StartedMirror {
  const now = options.now ?? Date.now
  const ledger: Ledger = { accepted: 0, delivered: 0, dead: {}, dropped: {}, attempts: {} }
  const attempts = createArrivals<string>('attempts')
  const ended = createArrivals<string>('copies ended')
  const log: string[] = []
  const observer = observe(ledger, attempts, ended)
  const spool = createMemorySpool({ maxBytes: options.maxBytes ?? 64 * 1024 * 1024, whenFull: 'drop_oldest', onDrop: (project, reason) => { observer.dropped(project, reason) }, now })
  const endpoint = createEndpoint({
    endpoint: new URL(`http://127.0.0.1:${options.port}`),
    host: 'endpoint.example.test',
    ca: null,
    connectTimeoutMs: 5000,
    sendTimeoutMs: 5000,
    readTimeoutMs: 5000,
    deadlines: new Deadlines(),
    ...options.endpoint
  })
  const delivery = createDelivery({
    spool,
    endpoint: options.watch === undefined ? endpoint : watched(endpoint, options.watch),
    observer,
    onOutage: event => {
      logOutage({
        info: (_fields: unknown, message?: string) => { log.push(`info: ${message}`) },
        warn: (_fields: unknown, message?: string) => { log.push(`warn: ${message}`) }
      }, event)
    },
    concurrency: options.concurrency ?? 64,
    retry: { initialMs: 20, maxMs: 100, maxAgeMs: 3_600_000, ...options.retry },
    now,
    ...(options.random ? { random: options.random } : {})
  })
  delivery.start()

  let closing: Promise<void> | null = null
  const close = (deadlineMs = 0): Promise<void> => {
    closing ??= (async () => {
      await delivery.close({ deadlineMs })
      endpoint.close()
      await spool.close()
    })()
    return closing
  }
  t.teardown(() => close())

  return {
    spool, delivery, ledger, attempts, ended, log, close,
    keep (fields) {
      const copy = copyOf({ takenAt: now(), ...fields })
      observer.accepted(copy.project)
      void spool.append(copy)
      return copy
    },
    unaccounted: () => ledger.accepted - ledger.delivered - total(ledger.dead) - total(ledger.dropped) - spool.stats().pending
  }
}

function watched (endpoint: Endpoint, watch: Watch): Endpoint {
  return {
    ...endpoint,
    send (copy, onResult) {
      watch.sending(copy)
      endpoint.send(copy, result => {
        watch.sent(copy)
        onResult(result)
      })
    }
  }
}

function observe (ledger: Ledger, attempts: Arrivals<string>, ended: Arrivals<string>): MirrorObserver {
  return {
    accepted () { ledger.accepted++ },
    skipped () {},
    delivered () {
      ledger.delivered++
      ended.add('delivered')
    },
    dead (_project, reason) {
      ledger.dead[reason] = (ledger.dead[reason] ?? 0) + 1
      ended.add(`dead ${reason}`)
    },
    dropped (_project, reason) {
      ledger.dropped[reason] = (ledger.dropped[reason] ?? 0) + 1
      ended.add(`dropped ${reason}`)
    },
    attempted (code) {
      ledger.attempts[code] = (ledger.attempts[code] ?? 0) + 1
      attempts.add(code)
    },
    lateCommit () {}
  }
}

function total (counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** Name and value in turn as header lines. */
export function fieldLines (...headers: readonly string[]): string {
  return headers.map((text, i) => i % 2 === 0 ? `${text}: ` : `${text}\r\n`).join('')
}
