/**
 * The spool in memory: nothing survives the process. Bounded by `maxBytes`, dead
 * letters included. When a copy does not fit, old dead letters go first (they have
 * been counted), then, by `whenFull`, the oldest waiting copies or the new one.
 *
 * A body is held from append until its copy is acked or dropped, or its dead letter
 * goes; a body in a file stays in that file. Holds and releases balance.
 *
 * At every moment: appended + replayed = acked + buried + dropped + waiting + claimed.
 */
import { attemptsMade, matches } from './dead-letter.ts'
import { createSchedule, type Scheduled } from './schedule.ts'
import type { ClaimedCopy, Copy, DeadLetter, DeadLetterFilter, OnDrop, Spool } from './types.ts'

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
  /** What the endpoint said last. */
  answer: string
}

interface Buried extends DeadLetter {
  readonly copyBytes: number
  /** With the answer. */
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
      copy, bytes, takenAt: copy.takenAt, order: order++, failures: 0, answer: '',
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

    claim (limit, time, mostOld = limit) {
      const taken: Entry[] = []
      while (taken.length < Math.min(limit, mostOld)) {
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

    retry (token, dueAt, counted = true, answer = '') {
      const entry = unclaim(token)
      if (counted) entry.failures++
      if (answer !== '') entry.answer = answer
      if (closed) drop(entry, 'spool_error')
      else schedule.postpone(entry, dueAt)
    },

    bury (token, reason, answer) {
      const entry = unclaim(token)
      remove(entry)
      graveyard.add(letterOf(entry, reason, answer === '' ? entry.answer : answer, now()))
      graveyard.shrink(closed ? Infinity : pendingBytes + graveyard.bytes() - maxBytes)
    },

    deadLetters: {
      list: (filter, limit, after) => graveyard.list(filter, limit, after),
      get: id => graveyard.get(id),

      async replay (filter) {
        const time = now()
        const letters = closed ? [] : graveyard.take(filter)
        for (const { copy, copyBytes } of letters) {
          // Its age begins anew, or one that expired would expire again at once.
          add({ ...copy, takenAt: time }, copyBytes)
          copy.body.release()
        }
        if (letters.length > 0) spool.onAppend?.()
        return letters.map(letter => letter.project)
      },

      async purge (filter) {
        const letters = graveyard.take(filter)
        for (const { copy } of letters) copy.body.release()
        return letters.length
      }
    },

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
  bytes += copy.fields.length
  return bytes
}

function letterOf (entry: Entry, reason: string, answer: string, buriedAt: number): Buried {
  const { copy, failures, bytes } = entry
  return {
    id: copy.id,
    project: copy.project,
    reason,
    attempts: attemptsMade(failures, reason),
    takenAt: copy.takenAt,
    buriedAt,
    bodyBytes: copy.body.length,
    // Not kept here.
    firstAttemptAt: null,
    lastAttemptAt: null,
    answer,
    copy,
    copyBytes: bytes,
    bytes: bytes + answer.length
  }
}

interface Graveyard {
  /** Keeps a dead letter, and its body's hold. */
  add (letter: Buried): void
  /** Lets the oldest letters go until `bytes` are free, or none is left. */
  shrink (bytes: number): void
  /** Takes letters out; their bodies stay held. */
  take (filter: DeadLetterFilter): readonly Buried[]
  list (filter: DeadLetterFilter, limit: number, after?: string): readonly Buried[]
  get (id: string): Buried | null
  count (): number
  bytes (): number
}

/** Dead letters up to a bound of their own; the oldest go first. */
function createGraveyard (maxBytes: number): Graveyard {
  /** By id, oldest first. */
  const letters = new Map<string, Buried>()
  let used = 0

  function remove (letter: Buried): void {
    letters.delete(letter.id)
    used -= letter.bytes
  }

  function shrink (bytes: number): void {
    let freed = 0
    for (const letter of letters.values()) {
      if (freed >= bytes) break
      remove(letter)
      freed += letter.bytes
      letter.copy.body.release()
    }
  }

  function list (filter: DeadLetterFilter, limit: number, after?: string): Buried[] {
    const found: Buried[] = []
    let begun = after === undefined || !letters.has(after)
    for (const letter of letters.values()) {
      if (found.length >= limit) break
      if (begun && matches(filter, letter)) found.push(letter)
      begun ||= letter.id === after
    }
    return found
  }

  return {
    add (letter) {
      letters.set(letter.id, letter)
      used += letter.bytes
      if (used > maxBytes) shrink(used - maxBytes)
    },
    shrink,
    take (filter) {
      const taken = list(filter, Infinity)
      for (const letter of taken) remove(letter)
      return taken
    },
    list,
    get: id => letters.get(id) ?? null,
    count: () => letters.size,
    bytes: () => used
  }
}
