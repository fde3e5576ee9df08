/**
 * Who is next. Every pending copy stands in one list by age, and besides is in one
 * of four places:
 *
 *   fresh    never attempted, younger than a second: found by walking the list
 *   ready    due now, by age (a heap)
 *   backoff  due later, by due time (a heap)
 *   claimed  under way
 *
 * Three of four claims go to fresh copies while there are any, the fourth to the
 * oldest ready one: a backlog delays nobody, and is not starved either. A copy in
 * backoff blocks nothing. Every operation is O(log n) at most, and no copy leaves
 * a trace once it is removed.
 */
import { createHeap, type HeapMember } from './heap.ts'

export interface Scheduled extends HeapMember {
  /** Milliseconds since the epoch. */
  readonly takenAt: number
  /** Position by age; unique. */
  readonly order: number
  place: 'fresh' | 'ready' | 'backoff' | 'claimed' | 'gone'
  /** Milliseconds since the epoch; meaningful in `backoff`. */
  dueAt: number
  older: Scheduled | null
  younger: Scheduled | null
}

export interface Schedule<T extends Scheduled> {
  /** Adds the youngest copy, due at once. */
  add (entry: T): void
  /** Takes the next due copy and marks it claimed; `undefined` when none is due. */
  claim (now: number): T | undefined
  /** Gives a claimed copy back, due at `dueAt`. */
  postpone (entry: T, dueAt: number): void
  /** Takes a copy out, whatever its place. */
  remove (entry: T): void
  /** The oldest pending copy, claimed ones included. */
  oldest (): T | null
  /** The oldest copy that is not claimed. */
  oldestUnclaimed (): T | null
  /** Milliseconds since the epoch; 0 when a copy is due already, `null` when none waits. */
  nextDueAt (): number | null
}

/** How long a copy that was never attempted goes before the backlog. */
const FRESH_MS = 1000
/** One claim in so many is the oldest copy's, however many fresh ones there are. */
const BACKLOG_TURN = 4

export function createSchedule<T extends Scheduled> (): Schedule<T> {
  const ready = createHeap<T>((a, b) => a.order < b.order)
  const backoff = createHeap<T>((a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order))
  let head: T | null = null
  let tail: T | null = null
  /** No fresh copy is older than this one. Moves towards the young end only. */
  let freshFrom: T | null = null
  let turn = 0

  /** The oldest copy that is still fresh; those that are no longer become ready. */
  function oldestFresh (now: number): T | null {
    while (freshFrom !== null) {
      if (freshFrom.place === 'fresh') {
        if (now - freshFrom.takenAt < FRESH_MS) return freshFrom
        freshFrom.place = 'ready'
        ready.push(freshFrom)
      }
      freshFrom = freshFrom.younger as T | null
    }
    return null
  }

  function leavePlace (entry: T): void {
    if (entry.place === 'ready') ready.remove(entry)
    else if (entry.place === 'backoff') backoff.remove(entry)
  }

  return {
    add (entry) {
      entry.place = 'fresh'
      entry.older = tail
      if (tail === null) head = entry
      else tail.younger = entry
      tail = entry
      freshFrom ??= entry
    },

    claim (now) {
      for (let due = backoff.peek(); due !== undefined && due.dueAt <= now; due = backoff.peek()) {
        backoff.remove(due)
        due.place = 'ready'
        ready.push(due)
      }
      const fresh = oldestFresh(now)
      const aged = ready.peek()
      turn = (turn + 1) % BACKLOG_TURN
      const next = fresh === null || (aged !== undefined && turn === 0) ? aged : fresh
      if (next === undefined) return undefined
      leavePlace(next)
      next.place = 'claimed'
      return next
    },

    postpone (entry, dueAt) {
      entry.place = 'backoff'
      entry.dueAt = dueAt
      backoff.push(entry)
    },

    remove (entry) {
      leavePlace(entry)
      entry.place = 'gone'
      if (entry === freshFrom) freshFrom = entry.younger as T | null
      if (entry.older === null) head = entry.younger as T | null
      else entry.older.younger = entry.younger
      if (entry.younger === null) tail = entry.older as T | null
      else entry.younger.older = entry.older
      entry.older = null
      entry.younger = null
    },

    oldest: () => head,

    oldestUnclaimed () {
      let entry = head
      while (entry !== null && entry.place === 'claimed') entry = entry.younger as T | null
      return entry
    },

    nextDueAt () {
      for (let entry = freshFrom; entry !== null; entry = entry.younger as T | null) {
        if (entry.place === 'fresh') return 0
        freshFrom = entry.younger as T | null
      }
      return ready.size > 0 ? 0 : backoff.peek()?.dueAt ?? null
    }
  }
}
