/**
 * What the environment lacks: copies that have moved since the last checkpoint, and the
 * counts and rows that go with them. A checkpoint takes all of it at one moment; what
 * of that fails to be written is there for the next.
 */
import { Roster } from '../roster.ts'
import { countsKey, encodeCounts, type Counts } from './counts.ts'
import type { Entry, Place } from './entry.ts'
import type { StoredRow } from './ledger.ts'
import type { Write } from './store.ts'
import { ownRecord, writeMove } from './transaction.ts'

export interface ExtraRow {
  readonly table: 'lost'
  readonly key: Buffer
  readonly value: Buffer
}

/** As all of it was at one moment: a second try must write nothing later. */
export interface Checkpoint {
  readonly entries: readonly Entry[]
  readonly counts: ReadonlyMap<number, Buffer>
  readonly rows: ReadonlyMap<string, StoredRow>
  readonly extras: readonly ExtraRow[]
}

export interface Unsaved {
  readonly hasWork: boolean
  /** Of records that the environment lacks. */
  readonly bytes: number
  /** Copies that the environment has elsewhere than they are: to wait saves nothing of what it takes to move them there. */
  readonly displaced: number
  /** The entry is to be there. */
  move (entry: Entry, to: Place, dueAt: number): void
  /** The entry is nowhere, and never was in the environment. @returns Whether that is all there is to it: no checkpoint has it. */
  forget (entry: Entry): boolean
  /** @param partitions - Whose counts have changed. */
  add (partitions: Iterable<number>, rows: readonly StoredRow[], extras: readonly ExtraRow[]): void
  begin (): Checkpoint
  /** It is in the environment. @param onSaved - For each entry that has not moved since. */
  succeed (checkpoint: Checkpoint, onSaved: (entry: Entry) => void): void
  fail (checkpoint: Checkpoint): void
}

const ROW_BYTES = 256
/** Rows for people that wait for a disk; more are not kept. */
export const MAX_EXTRAS = 10_000

/** @param counts - Of the partitions this process owns. */
export function createUnsaved (counts: ReadonlyMap<number, Counts>): Unsaved {
  let dirty = new Roster<Entry>()
  let touched = new Set<number>()
  let rows = new Map<string, StoredRow>()
  let extras: ExtraRow[] = []
  let bytes = 0
  let displaced = 0

  function soil (entry: Entry): void {
    if (entry.unsaved !== null) return
    entry.unsaved = dirty.add(entry)
    if (entry.disk !== 'none') displaced++
  }

  return {
    get hasWork () { return dirty.size > 0 || touched.size > 0 || rows.size > 0 || extras.length > 0 },
    get bytes () { return bytes },
    get displaced () { return displaced },

    move (entry, to, dueAt) {
      if (entry.disk === 'none') {
        if (entry.want === 'none' && to !== 'none') bytes += entry.recordBytes
        else if (entry.want !== 'none' && to === 'none') bytes -= entry.recordBytes
      }
      entry.want = to
      entry.dueAt = dueAt
      soil(entry)
    },

    forget (entry) {
      if (entry.isGoing) return false
      if (entry.unsaved !== null) dirty.remove(entry.unsaved)
      entry.unsaved = null
      return true
    },

    add (partitions, more, moreExtras) {
      for (const partition of partitions) touched.add(partition)
      for (const row of more) rows.set(row.key.toString('latin1'), row)
      if (moreExtras.length > 0) extras = [...extras, ...moreExtras].slice(0, MAX_EXTRAS)
    },

    begin () {
      const checkpoint = { entries: [...dirty], counts: encoded(touched, counts), rows, extras }
      dirty = new Roster()
      displaced = 0
      touched = new Set()
      rows = new Map()
      extras = []
      for (const entry of checkpoint.entries) {
        entry.unsaved = null
        entry.isGoing = true
        entry.going = entry.want
        entry.goingDueAt = entry.dueAt
      }
      return checkpoint
    },

    succeed ({ entries }, onSaved) {
      for (const entry of entries) {
        if (entry.disk === 'none' && entry.going !== 'none' && entry.want !== 'none') bytes -= entry.recordBytes
        entry.isGoing = false
        entry.disk = entry.going
        entry.diskDueAt = entry.goingDueAt
        if (entry.unsaved === null) onSaved(entry)
      }
    },

    fail (checkpoint) {
      for (const entry of checkpoint.entries) {
        entry.isGoing = false
        soil(entry)
      }
      for (const partition of checkpoint.counts.keys()) touched.add(partition)
      rows = new Map([...checkpoint.rows, ...rows])
      extras = [...checkpoint.extras, ...extras].slice(0, MAX_EXTRAS)
    }
  }
}

export function encoded (partitions: Iterable<number>, counts: ReadonlyMap<number, Counts>): Map<number, Buffer> {
  const rows = new Map<number, Buffer>()
  for (const partition of partitions) {
    const row = counts.get(partition)
    if (row !== undefined) rows.set(partition, encodeCounts(row))
  }
  return rows
}

/** What it takes in the environment, roughly: every row of a copy that moves, its record among them. */
export function checkpointBytes ({ entries, counts, rows, extras }: Checkpoint): number {
  let bytes = (counts.size + rows.size + extras.length) * ROW_BYTES
  for (const { going, recordBytes } of entries) bytes += ROW_BYTES + (going === 'none' ? 0 : recordBytes)
  return bytes
}

export function writeCheckpoint ({ entries, counts, rows, extras }: Checkpoint, write: Write): void {
  for (const entry of entries) writeMove(entry, entry.disk, entry.diskDueAt, entry.going, entry.goingDueAt, write, ownRecord)
  writeRows(counts, rows.values(), extras, write)
}

export function writeRows (counts: ReadonlyMap<number, Buffer>, rows: Iterable<StoredRow>, extras: readonly ExtraRow[], write: Write): void {
  for (const [partition, row] of counts) write('counts', countsKey(partition, 'own'), row)
  for (const { key, value } of rows) write('ledger', key, value)
  for (const { table, key, value } of extras) write(table, key, value)
}
