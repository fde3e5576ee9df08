/** What clients were promised against what arrived, and what lies in the spool's folder. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isPoison, type Load } from './load.ts'
import type { Arrival, Recorder } from './recorder.ts'

export interface Account {
  /** Requests that a client got an answer to. */
  readonly answered: number
  /** Answered, and never settled by the endpoint. */
  readonly lost: readonly string[]
  /** Bytes at the endpoint or at Relay that the client did not send. */
  readonly altered: readonly string[]
  /** Delivered with another `X-Request-Id` than an earlier attempt, or than Relay got. */
  readonly renamed: readonly string[]
  /** Deliveries beyond the first of each copy. */
  readonly duplicates: number
  /** Copies settled with 400. */
  readonly dead: number
}

const isSettled = ({ answered }: Arrival): boolean => answered === 200 || answered === 400

export function account (load: Load, relay: Recorder, endpoint: Recorder): Account {
  const lost: string[] = []
  const altered: string[] = []
  const renamed: string[] = []
  let answered = 0
  let duplicates = 0
  let dead = 0

  for (const [nonce, { status, digest }] of load.sent) {
    const copies = endpoint.arrivals.get(nonce) ?? []
    const forwarded = relay.arrivals.get(nonce) ?? []
    const settled = copies.filter(isSettled).length
    if (status !== null) answered++
    if (status !== null && settled === 0) lost.push(nonce)
    if ([...copies, ...forwarded].some(arrival => arrival.digest !== digest)) altered.push(nonce)
    if (new Set([...copies, ...forwarded].map(arrival => arrival.id)).size > 1) renamed.push(nonce)
    if (settled > 0) duplicates += settled - 1
    if (settled > 0 && isPoison(nonce)) dead++
  }
  return { answered, lost, altered, renamed, duplicates, dead }
}

/** Answered requests that the endpoint has not settled yet. */
export function unsettled (load: Load, endpoint: Recorder): number {
  let count = 0
  for (const [nonce, { status }] of load.sent) {
    if (status !== null && !endpoint.arrivals.get(nonce)?.some(isSettled)) count++
  }
  return count
}

/** Dead letters whose body lies in a file: the only files that may stay. */
export function deadFiles (load: Load, endpoint: Recorder): number {
  let count = 0
  for (const [nonce, { bytes }] of load.sent) {
    if (isPoison(nonce) && bytes > 256 * 1024 && endpoint.arrivals.get(nonce)?.some(isSettled)) count++
  }
  return count
}

/** Regular files below a folder of the spool; none when it does not exist. */
export async function filesIn (spool: string, folder: 'bodies' | 'incoming'): Promise<string[]> {
  const entries = await readdir(join(spool, folder), { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}
