/** What has changed since the last frame: copies that moved, counts, rows of the ledger and rows for people. */
import type { Counts } from './counts.ts'
import type { Entry, Place } from './entry.ts'
import type { Ledger } from './ledger.ts'
import type { Write } from './store.ts'
import { createScratchRecord, writeMove } from './transaction.ts'
import { encoded, MAX_EXTRAS, writeRows, type ExtraRow, type Unsaved } from './unsaved.ts'

export interface Changes {
  /** What the ledger alone has changed does not count: no frame is written for that. */
  readonly isEmpty: boolean
  /** The entry is to be elsewhere than on disk. */
  move (entry: Entry, to: Place, dueAt: number): void
  put (row: ExtraRow): void
  /**
   * All of it goes into a frame, by `write`, or is left to a checkpoint that comes right
   * after (`null`); in any case to the next checkpoint.
   *
   * @returns The copies that moved.
   */
  absorb (write: Write | null): readonly Entry[]
}

/** @param counts - Of the partitions this process owns. */
export function createChanges (unsaved: Unsaved, ledger: Pick<Ledger, 'takeDirty'>, counts: ReadonlyMap<number, Counts>): Changes {
  const scratchRecord = createScratchRecord()
  let moved: Entry[] = []
  let touched = new Set<number>()
  let extras: ExtraRow[] = []

  return {
    get isEmpty () { return moved.length === 0 && extras.length === 0 },

    move (entry, to, dueAt) {
      unsaved.move(entry, to, dueAt)
      touched.add(entry.partition)
      if (entry.isUnlogged) return
      entry.isUnlogged = true
      moved.push(entry)
    },

    put (row) {
      if (extras.length < MAX_EXTRAS) extras.push(row)
    },

    absorb (write) {
      const absorbed = moved
      moved = []
      for (const entry of absorbed) {
        entry.isUnlogged = false
        if (write === null) continue
        writeMove(entry, entry.logged, entry.loggedDueAt, entry.want, entry.dueAt, write, scratchRecord)
        entry.logged = entry.want
        entry.loggedDueAt = entry.dueAt
      }
      const rows = ledger.takeDirty()
      if (write !== null) writeRows(encoded(touched, counts), rows, extras, write)
      unsaved.add(touched, rows, extras)
      touched = new Set()
      extras = []
      return absorbed
    }
  }
}
