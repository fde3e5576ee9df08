/**
 * Copies that were taken lately and wait, in memory, by age: what a healthy endpoint
 * gets is never read back from disk. Bounded by who fills it (`evict`).
 */
import type { Entry } from './entry.ts'
import type { Copy } from './types.ts'

export interface Window {
  readonly bytes: number
  /** Adds the youngest. */
  add (entry: Entry): void
  remove (entry: Entry): void
  oldest (): Entry | null
  /** The oldest that was taken within the last second. */
  oldestFresh (now: number): Entry | null
}

/** How long a copy that was never attempted goes before the backlog. */
const FRESH_MS = 1000

/** Whether it is no part of a backlog yet. */
export function isFresh ({ takenAt }: Pick<Copy, 'takenAt'>, now: number): boolean {
  return now - takenAt < FRESH_MS
}

/** What an entry costs in memory besides its record: the objects, and the strings of its head once more. */
const ENTRY_OVERHEAD_BYTES = 1024

export function windowBytes (entry: Entry): number {
  return ENTRY_OVERHEAD_BYTES + entry.recordBytes
}

export function createWindow (): Window {
  let head: Entry | null = null
  let tail: Entry | null = null
  /** Nothing before it is fresh. Moves towards the young end only. */
  let freshFrom: Entry | null = null
  let bytes = 0

  return {
    get bytes () { return bytes },

    add (entry) {
      entry.older = tail
      if (tail === null) head = entry
      else tail.younger = entry
      tail = entry
      freshFrom ??= entry
      bytes += windowBytes(entry)
    },

    remove (entry) {
      if (entry === freshFrom) freshFrom = entry.younger
      if (entry.older === null) head = entry.younger
      else entry.older.younger = entry.younger
      if (entry.younger === null) tail = entry.older
      else entry.younger.older = entry.older
      entry.older = null
      entry.younger = null
      bytes -= windowBytes(entry)
    },

    oldest: () => head,

    oldestFresh (now) {
      while (freshFrom !== null && !isFresh(freshFrom.copy, now)) freshFrom = freshFrom.younger
      return freshFrom
    }
  }
}
