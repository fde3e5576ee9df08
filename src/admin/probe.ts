/**
 * Does anybody listen there? One TCP connection, closed as soon as it is open; the
 * answer holds for a few seconds, so that no health check becomes a load.
 */
import { lookup } from 'node:dns'
import { connect, type LookupFunction } from 'node:net'
import type { ServerAddress } from '../config/config.ts'
import { faultReason, type FaultReason } from '../http1/socket-fault.ts'

export interface ProbeResult {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `null`: it accepts connections. */
  readonly failure: FaultReason | null
}

export type Probe = (server: ServerAddress) => Promise<ProbeResult>

export interface ProberOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly timeoutMs?: number
  /** How long an answer holds. */
  readonly validMs?: number
}

interface Entry {
  readonly result: Promise<ProbeResult>
  /** `null` while it is under way. */
  doneAt: number | null
  /** A name server that does not answer keeps a thread busy long after the probe has ended. */
  resolving: boolean
}

/** Bounded by the servers of the configurations there were. */
export function createProber ({ now, timeoutMs = 1000, validMs = 3000 }: ProberOptions): Probe {
  const entries = new Map<string, Entry>()

  return ({ host, port }) => {
    const key = `${host} ${port}`
    const known = entries.get(key)
    if (known !== undefined && (known.resolving || known.doneAt === null || now() - known.doneAt < validMs)) return known.result
    const { promise, resolve } = Promise.withResolvers<ProbeResult>()
    const entry: Entry = { result: promise, doneAt: null, resolving: false }
    entries.set(key, entry)

    const find: LookupFunction = (hostname, options, callback) => {
      entry.resolving = true
      lookup(hostname, options, (error, address, family) => {
        entry.resolving = false
        callback(error, address, family)
      })
    }
    const socket = connect({ host, port, lookup: find })
    const timer = setTimeout(() => { settle('timeout') }, timeoutMs)
    socket.once('connect', () => { settle(null) })
    socket.once('error', error => { settle(faultReason(error, false)) })

    function settle (failure: FaultReason | null): void {
      if (entry.doneAt !== null) return
      clearTimeout(timer)
      entry.doneAt = now()
      socket.destroy()
      resolve({ at: entry.doneAt, failure })
    }

    return promise
  }
}
