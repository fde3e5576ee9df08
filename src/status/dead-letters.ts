/**
 * Dead letters by project and reason, counted from the spool itself. There may be
 * hundreds of thousands: new ones are added to the count, and only when some are gone
 * all are counted again, a few at a time and not too often.
 */
import { setImmediate } from 'node:timers/promises'
import type { DeadReason } from '../spool/dead-reasons.ts'
import type { DeadLetterCount } from './status.ts'

/** The part of a SpoolReader that is needed. */
export interface DeadLetterSource {
  deadReasons (after: Buffer | null): Iterable<DeadReason>
  stats (): { readonly dead: number }
}

export interface DeadLetterCounter {
  /** Resolves when the count is as the spool is now, or as it was a moment ago. Never rejects. */
  refresh (): Promise<void>
  counts (): readonly DeadLetterCount[]
}

/** Reading goes on for this long before others have their turn. */
const SLICE_MS = 2
/** Counting all again takes a twentieth of the time at most. */
const REST_FACTOR = 20
/** What counts keep no trace of, such as one letter gone and one older come, is found by then. */
const MAX_TRUST_MS = 600_000

/** @param clock - Milliseconds; only differences matter. */
export function createDeadLetterCounter (source: DeadLetterSource, clock: () => number): DeadLetterCounter {
  let counts = new Map<string, DeadLetterCount>()
  let counted = 0
  let last: Buffer | null = null
  let fullAt = -Infinity
  let restUntil = -Infinity
  let running: Promise<void> | null = null

  /** Adds those behind `from`; `true` once the end is reached. */
  function addSlice (into: Map<string, DeadLetterCount>, from: Buffer | null): { readonly last: Buffer | null, readonly added: number, readonly done: boolean } {
    const end = clock() + SLICE_MS
    let [at, added] = [from, 0]
    for (const { key, project, reason } of source.deadReasons(from)) {
      const row = `${project}\n${reason}`
      into.set(row, { project, reason, count: (into.get(row)?.count ?? 0) + 1 })
      at = key
      added++
      if (clock() >= end) return { last: at, added, done: false }
    }
    return { last: at, added, done: true }
  }

  async function addAll (into: Map<string, DeadLetterCount>, from: Buffer | null): Promise<{ readonly last: Buffer | null, readonly added: number }> {
    let [at, added] = [from, 0]
    for (;;) {
      const slice = addSlice(into, at)
      at = slice.last
      added += slice.added
      if (slice.done) return { last: at, added }
      await setImmediate()
    }
  }

  async function count (): Promise<void> {
    const more = await addAll(counts, last)
    last = more.last
    counted += more.added
    // The first time, these were all.
    if (fullAt === -Infinity) fullAt = clock()
    const isTrusted = counted === source.stats().dead && clock() - fullAt < MAX_TRUST_MS
    if (isTrusted || clock() < restUntil) return

    const startedAt = clock()
    const fresh = new Map<string, DeadLetterCount>()
    const all = await addAll(fresh, null)
    counts = fresh
    last = all.last
    counted = all.added
    fullAt = clock()
    restUntil = fullAt + (fullAt - startedAt) * REST_FACTOR
  }

  return {
    refresh () {
      // A disk that fails leaves the last count.
      running ??= count().catch(() => {}).finally(() => { running = null })
      return running
    },
    counts: () => [...counts.values()]
  }
}
