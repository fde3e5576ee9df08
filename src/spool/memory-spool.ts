/**
 * The spool in memory: nothing survives the process. Bounded by `maxBytes`, dead
 * letters included. When a copy does not fit, old dead letters go first (they have
 * been counted), then, by `whenFull`, the oldest waiting copies or the new one.
 *
 * A body is held from append until its copy is acked or dropped, or its dead letter
 * goes; a body in a file stays in that file. Holds and releases balance.
 *
 * At every moment: appended = acked + buried + dropped + waiting + claimed.
 */
import { createSchedule, type Scheduled } from './schedule.ts'
import type { ClaimedCopy, Copy, DeadLetter, OnDrop, Spool } from './types.ts'

export interface MemorySpoolOptions {
  /** Bodies, headers, targets and a fixed overhead per copy, pending and dead. */
  readonly maxBytes: number
  readonly whenFull: 'drop_oldest' | 'drop_newest'
  readonly onDrop: OnDrop
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What a copy costs besides its bytes: the objects that hold it. Measured generously. */
const COPY_OVERHEAD_BYTES = 512
/** The part of `maxBytes` that dead letters may fill. */
const DEAD_SHARE = 0.25

interface Entry extends Scheduled {
  readonly copy: Copy
  readonly bytes: number
  failures: number
}

interface Buried extends DeadLetter {
  readonly bytes: number
}

export function createMemorySpool (options: MemorySpoolOptions): Spool {
  const { maxBytes, whenFull, onDrop, now } = options
  const schedule = createSchedule<Entry>()
  const claimed = new Map<ClaimedCopy, Entry>()
  const graveyard = createGraveyard(maxBytes * DEAD_SHARE)
  let order = 0
  let pending = 0
  let pendingBytes = 0
  let claimedBytes = 0
  let closed = false

  function add (copy: Copy, bytes: number): void {
    copy.body.hold()
    schedule.add({
      copy, bytes, takenAt: copy.takenAt, order: order++, failures: 0,
      place: 'fresh', dueAt: 0, older: null, younger: null, heapIndex: -1
    })
    pending++
    pendingBytes += bytes
  }

  function remove (entry: Entry): void {
    schedule.remove(entry)
    pending--
    pendingBytes -= entry.bytes
  }

  function drop (entry: Entry, reason: 'spool_full' | 'spool_error'): void {
    remove(entry)
    entry.copy.body.release()
    onDrop(entry.copy.project, reason)
  }

  /** Whether there is room for `bytes`, after making some where the rules allow it. */
  function makeRoom (bytes: number): boolean {
    // Claimed copies cannot give way: nothing is evicted for a copy that would not fit beside them.
    if (bytes > maxBytes - claimedBytes) return false
    const excess = (): number => pendingBytes + graveyard.bytes() + bytes - maxBytes
    if (excess() <= 0) return true
    graveyard.shrink(excess())
    while (excess() > 0) {
      const oldest = whenFull === 'drop_oldest' ? schedule.oldestUnclaimed() : null
      if (oldest === null) return false
      drop(oldest, 'spool_full')
    }
    return true
  }

  /** The entry behind a token; once. A token given back twice is a bug of the caller. */
  function unclaim (token: ClaimedCopy): Entry {
    const entry = claimed.get(token)
    if (entry === undefined) throw new Error('This copy is not claimed.')
    claimed.delete(token)
    claimedBytes -= entry.bytes
    return entry
  }

  const spool: Spool = {
    onAppend: null,

    append (copy) {
      const bytes = copyBytes(copy)
      if (closed) onDrop(copy.project, 'spool_error')
      else if (!makeRoom(bytes)) onDrop(copy.project, 'spool_full')
      else {
        add(copy, bytes)
        spool.onAppend?.()
      }
      return null
    },

    claim (limit, time) {
      const taken: Entry[] = []
      while (taken.length < limit) {
        const entry = schedule.claim(time)
        if (entry === undefined) break
        claimed.set(entry, entry)
        claimedBytes += entry.bytes
        taken.push(entry)
      }
      return taken
    },

    nextDueAt: () => schedule.nextDueAt(),

    ack (token) {
      const entry = unclaim(token)
      remove(entry)
      entry.copy.body.release()
    },

    retry (token, dueAt, counted = true) {
      const entry = unclaim(token)
      if (counted) entry.failures++
      if (closed) drop(entry, 'spool_error')
      else schedule.postpone(entry, dueAt)
    },

    bury (token, reason, answer) {
      const entry = unclaim(token)
      remove(entry)
      graveyard.add({ copy: entry.copy, failures: entry.failures, reason, answer, buriedAt: now(), bytes: entry.bytes + answer.length })
      graveyard.shrink(closed ? Infinity : pendingBytes + graveyard.bytes() - maxBytes)
    },

    deadLetters: () => graveyard.letters(),

    stats: () => ({
      pending,
      pendingBytes,
      oldestTakenAt: schedule.oldest()?.takenAt ?? null,
      dead: graveyard.count(),
      deadBytes: graveyard.bytes()
    }),

    /** What still waits is lost with the process, and says so; a claimed copy is settled by who claimed it. */
    async close () {
      closed = true
      for (let entry = schedule.oldestUnclaimed(); entry !== null; entry = schedule.oldestUnclaimed()) drop(entry, 'spool_error')
      graveyard.shrink(Infinity)
    }
  }
  return spool
}

/** What a copy counts for against `maxBytes`. */
export function copyBytes (copy: Copy): number {
  let bytes = COPY_OVERHEAD_BYTES + copy.method.length + copy.target.length + copy.body.length
  for (const text of copy.headers) bytes += text.length
  return bytes
}

interface Graveyard {
  /** Keeps a dead letter, and its body's hold. */
  add (letter: Buried): void
  /** Lets the oldest letters go until `bytes` are free, or none is left. */
  shrink (bytes: number): void
  letters (): Iterable<DeadLetter>
  count (): number
  bytes (): number
}

/** Dead letters up to a bound of their own; the oldest go first. */
function createGraveyard (maxBytes: number): Graveyard {
  let letters: (Buried | undefined)[] = []
  /** Slots before this index are empty; cut off now and then, so that removal costs O(1). */
  let first = 0
  let used = 0

  function shrink (bytes: number): void {
    for (let freed = 0; freed < bytes && first < letters.length;) {
      const letter = letters[first] as Buried
      letters[first] = undefined
      first++
      freed += letter.bytes
      used -= letter.bytes
      letter.copy.body.release()
    }
    if (first > 64 && first * 2 > letters.length) {
      letters = letters.slice(first)
      first = 0
    }
  }

  return {
    add (letter) {
      letters.push(letter)
      used += letter.bytes
      if (used > maxBytes) shrink(used - maxBytes)
    },
    shrink,
    letters: () => letters.slice(first) as Buried[],
    count: () => letters.length - first,
    bytes: () => used
  }
}
