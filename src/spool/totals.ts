/** How much the spool holds: counted here for the partitions of this process, read from disk for the rest. */
import { addCounts, countsKey, decodeCounts, noCounts, type Counts } from './counts.ts'
import { partitionOf } from './keys.ts'
import type { Environment } from './store.ts'

export interface Totals {
  /** Rows this process writes, by partition. */
  readonly own: ReadonlyMap<number, Counts>
  /** Counts a partition here from now on. */
  adopt (partition: number): void
  /** Adds what adopted partitions already held on disk. Once for each. */
  load (partition: number, environment: Environment): void
  /** Reads what other processes have written. */
  refresh (environment: Environment): void
  /** The disk is another: only what `entries` count is left. */
  forget (): void
  pending (partition: number, count: number, bytes: number): void
  dead (partition: number, count: number, bytes: number): void
  /** Of the partitions of this process. */
  here (): Counts
  /** Of all. */
  everywhere (): Counts
}

export function createTotals (): Totals {
  const own = new Map<number, Counts>()
  const ownSum = noCounts()
  let others = noCounts()
  let elsewhere = noCounts()

  function rowOf (partition: number): Counts {
    let row = own.get(partition)
    if (row === undefined) own.set(partition, row = noCounts())
    return row
  }

  return {
    own,

    adopt (partition) { rowOf(partition) },

    load (partition, environment) {
      const row = decodeCounts(environment.get('counts', countsKey(partition, 'own')))
      addCounts(rowOf(partition), row)
      addCounts(ownSum, row)
    },

    refresh (environment) {
      others = noCounts()
      elsewhere = noCounts()
      for (const { key, value } of environment.entries('counts', {})) {
        const isOwn = own.has(partitionOf(key))
        if (!isOwn) addCounts(elsewhere, decodeCounts(value))
        else if (key[2] === 1) addCounts(others, decodeCounts(value))
      }
    },

    forget () {
      for (const row of [...own.values(), ownSum]) Object.assign(row, noCounts())
      others = noCounts()
      elsewhere = noCounts()
    },

    pending (partition, count, bytes) {
      const row = rowOf(partition)
      row.pending += count
      row.pendingBytes += bytes
      ownSum.pending += count
      ownSum.pendingBytes += bytes
    },

    dead (partition, count, bytes) {
      const row = rowOf(partition)
      row.dead += count
      row.deadBytes += bytes
      ownSum.dead += count
      ownSum.deadBytes += bytes
    },

    here: () => sum(ownSum, others),
    everywhere: () => sum(ownSum, others, elsewhere)
  }
}

function sum (...parts: Counts[]): Counts {
  const all = noCounts()
  for (const part of parts) addCounts(all, part)
  return all
}
