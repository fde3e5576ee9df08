/**
 * Which copy is next, over the four places where copies wait: the window and the
 * backlog of those never attempted, and those attempted, on disk or on their way to it.
 * Hands out entries that are held and in none of the four any more.
 */
import type { Backlog } from './backlog.ts'
import { diskBytes } from './counts.ts'
import { createEntry, type Entry } from './entry.ts'
import type { Heap } from './heap.ts'
import type { Held } from './held.ts'
import { copyKeyOfWaiting, partitionOf, readTime, timeOf, waitingKey } from './keys.ts'
import type { Environment } from './store.ts'
import { readFresh, readWithHistory, type PathOf, type StoredCopy } from './stored-copy.ts'
import type { Window } from './window.ts'

export interface Supply {
  /** The oldest of those due by `dueBy`; Infinity means due or not. */
  oldest (dueBy: number): Entry | null
  /** The next to be delivered: see `Spool.claim`. @param mayBeOld - Else only one that was taken within the last second. */
  next (now: number, mayBeOld: boolean): Entry | null
  /** Milliseconds since the epoch; 0 when a copy is due already, `null` when none waits. */
  nextDueAt (): number | null
  /** Of all pending copies, claimed ones included. */
  oldestTakenAt (): number | null
}

export interface SupplyOptions {
  readonly environment: () => Environment | null
  readonly window: Window
  readonly backlog: Backlog
  readonly retrying: Heap<Entry>
  readonly held: Held
  readonly pathOf: PathOf
  /** The record of this entry is damaged; it is held. */
  readonly onCorrupt: (entry: Entry) => void
  /** Reading from disk failed. */
  readonly onFault: (error: unknown) => void
}

/** One claim in so many is the oldest copy's, however many fresh ones there are. */
const BACKLOG_TURN = 4

export function createSupply (options: SupplyOptions): Supply {
  const { environment, window, backlog, retrying, held, pathOf, onCorrupt, onFault } = options
  let turn = 0

  function takeYoung (entry: Entry): Entry {
    window.remove(entry)
    entry.state = 'claimed'
    held.add(entry)
    return entry
  }

  function takeRetried (entry: Entry): Entry {
    retrying.remove(entry)
    entry.state = 'claimed'
    return entry
  }

  /** @returns `null` when the record is gone, or damaged. */
  function load (key: Buffer, dueAt: number | null): Entry | null {
    const value = dueAt === null ? environment()?.get('fresh', key) : environment()?.get('waiting', waitingKey(key, dueAt))
    if (value === undefined) return null
    const stored = dueAt === null ? readFresh(value, pathOf) : readWithHistory(value, pathOf)
    const entry = entryOf(key, dueAt, stored)
    held.add(entry)
    if (!stored.corrupt) return entry
    onCorrupt(entry)
    return null
  }

  function oldestOnce (dueBy: number): Entry | 'none' | null {
    // What was read of a disk that is not there now stays where it is.
    const isReadable = environment() !== null
    const fresh = isReadable ? backlog.peekFresh() : null
    const due = isReadable && dueBy !== Infinity ? backlog.peekDue(dueBy) : null
    const tried = isReadable && dueBy === Infinity ? backlog.peekAged() : due === null ? null : copyKeyOfWaiting(due)
    const young = window.oldest()
    const retried = retriedBy(dueBy)
    const least = older(older(fresh, tried), older(young?.key ?? null, retried?.key ?? null))
    if (least === null) return 'none'
    if (young !== null && least === young.key) return takeYoung(young)
    if (retried !== null && least === retried.key) return takeRetried(retried)
    // Taken once it is loaded: what cannot be read now is still there when it can.
    if (least === fresh) {
      const entry = load(fresh, null)
      backlog.takeFresh()
      return entry
    }
    if (due !== null) {
      const entry = load(least, readTime(due, 2))
      backlog.takeDue()
      return entry
    }
    const dueAt = environment()?.get('ages', least)
    const entry = dueAt === undefined ? null : load(least, readTime(dueAt, 0))
    backlog.takeAged()
    return entry
  }

  function retriedBy (dueBy: number): Entry | null {
    const entry = retrying.peek()
    return entry !== undefined && entry.dueAt <= dueBy ? entry : null
  }

  function oldest (dueBy: number): Entry | null {
    try {
      for (;;) {
        const entry = oldestOnce(dueBy)
        if (entry === 'none') return null
        if (entry !== null) return entry
      }
    } catch (error) {
      onFault(error)
      const young = window.oldest()
      return young === null ? null : takeYoung(young)
    }
  }

  return {
    oldest,

    next (now, mayBeOld) {
      const fresh = window.oldestFresh(now)
      turn = (turn + 1) % BACKLOG_TURN
      if (fresh !== null && (turn !== 0 || !mayBeOld)) return takeYoung(fresh)
      return mayBeOld ? oldest(now) : null
    },

    nextDueAt () {
      if (window.oldest() !== null) return 0
      try {
        if (environment() !== null && backlog.peekFresh() !== null) return 0
      } catch (error) {
        onFault(error)
      }
      const onDisk = environment() === null ? null : backlog.nextDueAt()
      const inMemory = retrying.peek()?.dueAt ?? null
      return onDisk === null || inMemory === null ? onDisk ?? inMemory : Math.min(onDisk, inMemory)
    },

    oldestTakenAt () {
      let oldest = window.oldest()?.copy.takenAt ?? Infinity
      for (const { copy, state } of held) {
        if (state !== 'settled') oldest = Math.min(oldest, copy.takenAt)
      }
      try {
        const onDisk = older(backlog.peekFresh(), backlog.peekAged())
        if (onDisk !== null) oldest = Math.min(oldest, timeOf(onDisk))
      } catch (error) {
        onFault(error)
      }
      return oldest === Infinity ? null : oldest
    }
  }
}

function older (a: Buffer | null, b: Buffer | null): Buffer | null {
  if (a === null || b === null) return a ?? b
  return timeOf(a) <= timeOf(b) ? a : b
}

function entryOf (key: Buffer, dueAt: number | null, stored: StoredCopy): Entry {
  const { copy, record, fileId, history } = stored
  return createEntry({
    key, copy, record, recordBytes: record.length, fileId,
    partition: partitionOf(key),
    bytes: diskBytes(record.length, fileId === null ? 0 : copy.body.length),
    state: 'claimed',
    disk: dueAt === null ? 'fresh' : 'waiting',
    want: dueAt === null ? 'fresh' : 'waiting',
    ...(dueAt === null ? {} : { diskDueAt: dueAt }),
    ...(history === null ? {} : { history })
  })
}
