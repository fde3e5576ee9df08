/** A copy in memory: on its way to disk, in the window, or claimed. */
import type { Seat } from '../roster.ts'
import { ANSWER_BYTES } from './dead-letter.ts'
import type { HeapMember } from './heap.ts'
import type { ClaimedCopy, Copy } from './types.ts'
import type { History } from './history.ts'

/** Where the record of a copy is, or is to be; `none` is nowhere (yet, or any more). */
export type Place = 'none' | 'fresh' | 'waiting' | 'dead'

export interface Entry extends ClaimedCopy, HeapMember {
  readonly key: Buffer
  readonly partition: number
  readonly copy: Copy
  /** As it was read; `null`: the copy was taken by this process, and is encoded when it is needed. */
  readonly record: Buffer | null
  readonly recordBytes: number
  /** `null`: the body is in the record. */
  readonly fileId: Buffer | null
  /** What it counts for against `max_bytes`. */
  readonly bytes: number
  failures: number
  history: History | null
  state: 'window' | 'claimed' | 'retrying' | 'settled'
  /** Where the environment has it. */
  disk: Place
  diskDueAt: number
  /** A checkpoint is under way, and puts it there. */
  isGoing: boolean
  going: Place
  goingDueAt: number
  /** Where the environment and the log together say it is. */
  logged: Place
  loggedDueAt: number
  /** It has moved since. */
  isUnlogged: boolean
  /** The environment lacks it, or has it elsewhere: its place among those. */
  unsaved: Seat<Entry> | null
  /** Where it is to be. */
  want: Place
  dueAt: number
  /** Its place among the held. */
  seat: Seat<Entry> | null
  /** Held, and hidden from whoever reads the environment. */
  isHidden: boolean
  older: Entry | null
  younger: Entry | null
}

export interface NewEntry extends Pick<Entry, 'key' | 'partition' | 'copy' | 'record' | 'recordBytes' | 'fileId' | 'bytes' | 'state' | 'disk' | 'want'> {
  readonly history?: History
  readonly diskDueAt?: number
}

export function createEntry (entry: NewEntry): Entry {
  const { key, partition, copy, record, recordBytes, fileId, bytes, state, disk, want, history = null, diskDueAt = 0 } = entry
  return {
    key, partition, copy, record, recordBytes, fileId, bytes, history, state, disk, want, diskDueAt,
    failures: history === null ? 0 : history.failures,
    isGoing: false, going: 'none', goingDueAt: 0, logged: disk, loggedDueAt: diskDueAt, isUnlogged: false, unsaved: null, seat: null, isHidden: false,
    dueAt: diskDueAt, older: null, younger: null, heapIndex: -1
  }
}

/** The entry's history once it was attempted, or given back unattempted; not buried. */
export function historyAfter (entry: Entry, attempted: boolean, answer: string, now: number): History {
  const last = entry.history
  return {
    failures: entry.failures,
    takenAt: entry.copy.takenAt,
    firstAttemptAt: last?.firstAttemptAt || (attempted ? now : 0),
    lastAttemptAt: attempted ? now : last?.lastAttemptAt ?? 0,
    buriedAt: 0,
    reason: '',
    answer: answer === '' ? last?.answer ?? '' : answer.slice(0, ANSWER_BYTES)
  }
}
