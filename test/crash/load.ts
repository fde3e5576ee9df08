/**
 * Clients that post envelopes of every size that is treated in its own way, each with
 * a number of its own in the query, and that remember which were answered.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { openConnection, post } from '../helpers/client.ts'
import type { Random } from './random.ts'

export interface Sent {
  readonly digest: string
  readonly bytes: number
  /** `null`: no answer came, so nothing is promised. */
  status: number | null
}

export interface Load {
  /** By number. */
  readonly sent: ReadonlyMap<string, Sent>
  readonly answered: () => number
  /** Posts over `connections` until `signal` aborts or `most` were sent; connections that end are opened again. Never rejects. */
  readonly run: (options: { connections: number, most: number, signal: AbortSignal }) => Promise<void>
  /** Posts over `connections` until `count` more are answered. @throws When a connection fails. */
  readonly post: (count: number, options?: { connections?: number, sizes?: Sizes }) => Promise<void>
  /** Longest wait for an answer since its request began, in milliseconds; of `post` only. */
  readonly longestMs: () => number
  /** Begins a large request that never ends. */
  readonly dawdle: () => Promise<void>
}

/** Body sizes in bytes, as ranges; drawn with equal chance. */
export type Sizes = readonly [readonly [from: number, to: number], ...(readonly [from: number, to: number])[]]

const EMPTY = [0, 0] as const
const SMALL = [200, 4000] as const
/** Above the 256 KiB that fit into a record: a file of the spool. */
const FILE = [270_000, 330_000] as const
/** Above the 1 MiB that the router keeps in memory: a file already, moved by rename. */
const RECEIVED_AS_FILE = [1_100_000, 1_600_000] as const

const MIXED: Sizes = [EMPTY, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, SMALL, FILE, FILE, RECEIVED_AS_FILE]
export const SMALL_ONLY: Sizes = [SMALL]
export const LARGE_ONLY: Sizes = [FILE, RECEIVED_AS_FILE]

const POISON = 'poison'
const NONCE = /[?&]n=([\w-]+)/

/** The number that the client gave a request. */
export function nonceOf (target: string): string {
  return NONCE.exec(target)?.[1] ?? 'none'
}

/** Whether the endpoint is to refuse this one for good. */
export function isPoison (nonce: string): boolean {
  return nonce.startsWith(POISON)
}

/**
 * @param port - Of the router.
 * @param options - `poison`: whether a few are for the endpoint to refuse; yes unless said.
 */
export function createLoad (t: Test, port: number, random: Random, { poison = true } = {}): Load {
  const sent = new Map<string, Sent>()
  const pool = random.fill(Buffer.alloc(4 * 1024 * 1024))
  let count = 0
  let answered = 0
  let longestMs = 0

  function next (sizes: Sizes): { request: Sent, bytes: Buffer } {
    const length = random.between(...random.pick(sizes))
    const from = random.between(0, pool.length - length)
    const body = pool.subarray(from, from + length)
    const nonce = `${poison && random.chance(0.02) ? POISON : 'copy'}-${++count}`
    const request: Sent = { digest: createHash('sha256').update(body).digest('hex'), bytes: length, status: null }
    sent.set(nonce, request)
    const target = `/api/${random.pick(['1', '2'])}/envelope/?sentry_key=abc&n=${nonce}`
    return { request, bytes: length > 0 && random.chance(0.2) ? chunked(target, body) : post(target, body) }
  }

  return {
    sent,
    answered: () => answered,
    longestMs: () => longestMs,

    async run ({ connections, most, signal }) {
      let left = most
      const client = async (): Promise<void> => {
        while (!signal.aborted && left > 0) {
          try {
            const connection = await openConnection(t, port)
            while (!signal.aborted && left > 0) {
              left--
              const { request, bytes } = next(MIXED)
              await connection.send(bytes)
              request.status = (await connection.answer()).status
              answered++
              await sleep(random.between(0, 6))
            }
            connection.socket.end()
          } catch {
            // The process at the other end was killed: what was under way has no answer.
            await sleep(10)
          }
        }
      }
      await Promise.all(Array.from({ length: connections }, client))
    },

    async post (wanted, { connections = 8, sizes = MIXED } = {}) {
      let left = wanted
      const client = async (): Promise<void> => {
        const connection = await openConnection(t, port)
        while (left-- > 0) {
          const { request, bytes } = next(sizes)
          const startedAt = performance.now()
          await connection.send(bytes)
          request.status = (await connection.answer()).status
          longestMs = Math.max(longestMs, performance.now() - startedAt)
          answered++
        }
        connection.socket.end()
      }
      await Promise.all(Array.from({ length: connections }, client))
    },

    async dawdle () {
      const connection = await openConnection(t, port)
      const bytes = post('/api/1/envelope/?n=never-ends', pool.subarray(0, 1_500_000))
      await connection.send(bytes.subarray(0, 1_300_000))
    }
  }
}

/** The body in three chunks, as a client does that does not know its length. */
function chunked (target: string, body: Buffer): Buffer {
  const third = Math.ceil(body.length / 3)
  const chunks = [body.subarray(0, third), body.subarray(third, 2 * third), body.subarray(2 * third)].filter(chunk => chunk.length > 0)
  return Buffer.concat([
    Buffer.from(`POST ${target} HTTP/1.1\r\nHost: sentry.example.test\r\nTransfer-Encoding: chunked\r\n\r\n`),
    ...chunks.flatMap(chunk => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    Buffer.from('0\r\n\r\n')
  ])
}
