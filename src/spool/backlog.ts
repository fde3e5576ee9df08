/**
 * Copies that wait on disk, read a page of keys at a time. Three orders:
 *
 *   fresh    never attempted, by age: a cursor per partition, which only moves on
 *   due      attempted, due now: by due time, and within a page by age
 *   aged     attempted, due or not, by age: who gives way when the spool is full
 *
 * Reads what is committed; `isHidden` leaves out what memory knows better about. Whatever is
 * handed out must be hidden until a transaction has moved it.
 */
import type { Environment } from './store.ts'
import { after, copyKeyOfWaiting, dueOf, partitionEnd, partitionStart, timeOf } from './keys.ts'

export interface Backlog {
  /** Takes a partition in. @param freshEnd - Where its fresh copies end that this process reads from disk; moves with time. */
  add (partition: number, freshEnd: () => Buffer): void
  /** The oldest copy that was never attempted. */
  peekFresh (): Buffer | null
  /** The oldest copy of those that are due, as its key in `waiting`. */
  peekDue (now: number): Buffer | null
  /** The oldest copy that was attempted, due or not. */
  peekAged (): Buffer | null
  takeFresh (): void
  takeDue (): void
  takeAged (): void
  /** When the next one is due; `null` when none waits. May be early, never late. */
  nextDueAt (): number | null
  /** A copy has come to wait until `dueAt`. */
  expect (dueAt: number): void
  /** Another process may have added what waits. */
  lookAgain (): void
}

const PAGE = 256
const itself = (key: Buffer): Buffer => key

interface Cursor {
  readonly partition: number
  readonly freshEnd: () => Buffer
  next: Buffer
  /** Youngest first. */
  fresh: Buffer[]
}

/**
 * @param environment - `null`: nothing can be read now.
 * @param isHidden - By copy key.
 */
export function createBacklog (environment: () => Environment | null, isHidden: (key: Buffer) => boolean): Backlog {
  const cursors: Cursor[] = []
  let due: Buffer[] = []
  let aged: Buffer[] = []
  /** Least due time among those on disk and not in `due`; Infinity when there is none. */
  let nextDue = Infinity

  function fillFresh (cursor: Cursor): void {
    const open = environment()
    if (open === null) return
    const end = cursor.freshEnd()
    while (cursor.fresh.length === 0 && Buffer.compare(cursor.next, end) < 0) {
      const page: Buffer[] = []
      let seen = 0
      let next = cursor.next
      for (const key of open.keys('fresh', { start: cursor.next, end, limit: PAGE })) {
        seen++
        next = after(key)
        if (!isHidden(key)) page.push(key)
      }
      // Not before all of the page is read: a disk that fails half-way must not hide what came before.
      cursor.next = seen < PAGE ? end : next
      cursor.fresh = page.toReversed()
    }
  }

  function oldestCursor (): Cursor | null {
    let oldest: Cursor | null = null
    let oldestTime = Infinity
    for (const cursor of cursors) {
      fillFresh(cursor)
      const key = cursor.fresh.at(-1)
      if (key === undefined || timeOf(key) >= oldestTime) continue
      oldest = cursor
      oldestTime = timeOf(key)
    }
    return oldest
  }

  function fillDue (now: number): void {
    const open = environment()
    if (open === null || due.length > 0 || nextDue > now) return
    const page: Buffer[] = []
    let next = Infinity
    for (const { partition } of cursors) {
      let count = 0
      for (const key of open.keys('waiting', { start: partitionStart(partition), end: partitionEnd(partition) })) {
        if (isHidden(copyKeyOfWaiting(key))) continue
        const dueAt = dueOf(key)
        if (dueAt > now || count === PAGE) {
          next = Math.min(next, dueAt)
          break
        }
        page.push(key)
        count++
      }
    }
    due = page.sort((a, b) => timeOf(copyKeyOfWaiting(b)) - timeOf(copyKeyOfWaiting(a)))
    nextDue = next
  }

  function fillAged (): void {
    const open = environment()
    if (open === null || aged.length > 0) return
    const page: Buffer[] = []
    for (const { partition } of cursors) {
      for (const key of open.keys('ages', { start: partitionStart(partition), end: partitionEnd(partition) })) {
        if (isHidden(key)) continue
        page.push(key)
        if (page.length >= PAGE) break
      }
    }
    aged = page.sort((a, b) => timeOf(b) - timeOf(a))
  }

  /** Drops from the end of a page what has become hidden since it was read. */
  function last (page: Buffer[], copyKey: (key: Buffer) => Buffer): Buffer | null {
    for (let key = page.at(-1); key !== undefined; key = page.at(-1)) {
      if (!isHidden(copyKey(key))) return key
      page.pop()
    }
    return null
  }

  return {
    add (partition, freshEnd) {
      cursors.push({ partition, freshEnd, next: partitionStart(partition), fresh: [] })
      aged = []
      nextDue = 0
    },

    peekFresh () {
      for (let cursor = oldestCursor(); cursor !== null; cursor = oldestCursor()) {
        const key = last(cursor.fresh, itself)
        if (key !== null) return key
      }
      return null
    },

    takeFresh () { oldestCursor()?.fresh.pop() },

    peekDue (now) {
      fillDue(now)
      const key = last(due, copyKeyOfWaiting)
      if (key !== null || nextDue > now) return key
      fillDue(now)
      return last(due, copyKeyOfWaiting)
    },

    takeDue () { due.pop() },

    peekAged () {
      fillAged()
      const key = last(aged, itself)
      if (key !== null) return key
      fillAged()
      return last(aged, itself)
    },

    takeAged () { aged.pop() },

    nextDueAt () {
      if (due.length > 0) return 0
      return nextDue === Infinity ? null : nextDue
    },

    expect (dueAt) {
      nextDue = Math.min(nextDue, dueAt)
      aged = []
    },

    lookAgain () {
      nextDue = 0
      aged = []
    }
  }
}
