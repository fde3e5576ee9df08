/**
 * The queue of copies between the hot path and delivery. It knows no HTTP: a copy
 * is a key, a few strings and a body of bytes.
 *
 * Every copy appended is in exactly one state, and every change of state has one verb:
 *
 *   append ─► waiting ─ claim ─► claimed ─ ack  ─► delivered (gone)
 *                ▲                  ├─ retry ─► waiting, not before a time
 *                └──────────────────┘
 *                                   └─ bury ─► dead letter
 *
 * At every moment: appended = acked + buried + dropped + waiting + claimed.
 */
export interface Copy {
  /** The `X-Request-Id`: 32 hex digits. The same on every attempt. */
  readonly id: string
  /** Label: an id listed under `mirror.projects`, or `default`. */
  readonly project: string
  /** Milliseconds since the epoch. */
  readonly takenAt: number
  readonly method: string
  /** Mapped path and raw request target. A secret: never logged. */
  readonly target: string
  /** Header lines, each ended by CRLF, ready to be sent; without `Host` and `Content-Length`. Bytes as latin1. */
  readonly fields: string
  /** Whether the client framed a body, even an empty one: only then does `Content-Length` go out. */
  readonly framed: boolean
  readonly body: CopyBody
}

/** Structurally what the proxy's request body offers; declared here so that the spool depends on nobody. */
export interface CopyBody {
  readonly length: number
  readonly chunks: readonly Buffer[] | null
  readonly file: string | null
  hold (): void
  release (): void
  takeFile (path: string): Promise<void>
}

/** The spool's token for a claimed copy: give back the very object that `claim` returned. */
export interface ClaimedCopy {
  readonly copy: Copy
  /** Failed attempts so far. */
  readonly failures: number
}

/** What is known of a dead letter without reading its body. */
export interface DeadLetterSummary {
  /** The `X-Request-Id` of its copy. */
  readonly id: string
  readonly project: string
  /** A status (`400`), `expired`, `body_lost` or `corrupt`. */
  readonly reason: string
  /** Attempts made. */
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly takenAt: number
  readonly buriedAt: number
  /** Bytes of its body. */
  readonly bodyBytes: number
}

export interface DeadLetter extends DeadLetterSummary {
  /** Milliseconds since the epoch; `null` when no attempt was made. */
  readonly firstAttemptAt: number | null
  readonly lastAttemptAt: number | null
  /** First 512 bytes of the endpoint's last answer. */
  readonly answer: string
  readonly copy: Copy
}

/** Which dead letters; all that are given must hold. An empty filter means every one. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[]
  readonly project?: string
  readonly reason?: string
  /** Buried before this, in milliseconds since the epoch. */
  readonly buriedBefore?: number
}

/** What an operator does with dead letters, from any process that has the spool open. */
export interface DeadLetters {
  /** Oldest first. @param after - The last id of the page before. */
  list (filter: DeadLetterFilter, limit: number, after?: string): readonly DeadLetterSummary[]
  get (id: string): DeadLetter | null
  /** Puts them back among the copies, due at once and without failures. @returns Projects of those replayed. */
  replay (filter: DeadLetterFilter): Promise<readonly string[]>
  /** Removes them for good. @returns How many. */
  purge (filter: DeadLetterFilter): Promise<number>
}

/** What is known of a pending copy without reading its body. */
export interface PendingSummary {
  /** The `X-Request-Id`. */
  readonly id: string
  readonly project: string
  /** Failed attempts so far. */
  readonly attempts: number
  /** Milliseconds since the epoch. */
  readonly takenAt: number
  /** When the next attempt is due, in milliseconds since the epoch; `null`: never attempted, due at once. */
  readonly dueAt: number | null
  readonly bodyBytes: number
  /** Its place in the list; holds when the copy is gone. */
  readonly position: string
}

/** Those never attempted first, then those attempted; each by partition and age. @param after - `position` of the last one of the page before. */
export type ListPending = (filter: { readonly project?: string }, limit: number, after?: string) => readonly PendingSummary[]

export type DropReason = 'spool_full' | 'spool_error'

/** Told of every copy that is lost, so that no loss goes uncounted. */
export type OnDrop = (project: string, reason: DropReason) => void

export interface SpoolStats {
  /** Waiting and claimed. */
  readonly pending: number
  readonly pendingBytes: number
  /** `takenAt` of the oldest pending copy; `null` when none is. */
  readonly oldestTakenAt: number | null
  readonly dead: number
  readonly deadBytes: number
}

export interface Spool {
  /** Resolves when the copy is as durable as this spool makes it, also when it was dropped instead. Never rejects. */
  append (copy: Copy): Promise<void> | null
  /**
   * Up to `limit` copies that are due; they stay claimed until acked, retried or
   * buried. Oldest first, but a copy taken within the last second does not wait
   * behind a backlog.
   *
   * @param mostOld - Of them, at most so many that were taken more than a second ago; default `limit`.
   */
  claim (limit: number, now: number, mostOld?: number): readonly ClaimedCopy[]
  /** When the next waiting copy is due, in milliseconds since the epoch; `null` when none waits. */
  nextDueAt (): number | null
  ack (claimed: ClaimedCopy): void
  /** Gives a claimed copy back, due at `dueAt`, with one failure more unless `counted` is false. `answer`: what the endpoint said, for a later dead letter. */
  retry (claimed: ClaimedCopy, dueAt: number, counted?: boolean, answer?: string): void
  bury (claimed: ClaimedCopy, reason: string, answer: string): void
  readonly deadLetters: DeadLetters
  stats (): SpoolStats
  /** Called when an append, a replay or an adoption makes a copy due at once. */
  onAppend: (() => void) | null
  close (): Promise<void>
}
