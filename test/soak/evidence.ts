/** What a run left behind, counted: from the book of requests, and from the router's own accounts. */
import type { LedgerCounts } from '../crash/ledger.ts'
import type { Book, Entry } from './book.ts'
import type { Sample } from './samples.ts'
import type { Counts } from './stand-ins.ts'
import type { Tally } from './traffic.ts'
import type { Windows } from './windows.ts'

/** The parts that are looked at of `mirror-router report --json`. */
export interface ReportFile {
  readonly complete: boolean
  readonly damagedRows: number
  readonly totals: {
    readonly accepted: number
    readonly delivered: number
    readonly pending: number
    readonly dead: Readonly<Record<string, number>>
    readonly dropped: Readonly<Record<string, number>>
  }
  readonly notDelivered: ReadonlyArray<{ readonly requestId: string, readonly state: string, readonly reason: string }>
}

export interface Evidence {
  readonly minutes: number
  readonly tally: Tally
  readonly book: BookCounts
  readonly endpoint: Counts
  readonly wrongs: readonly string[]
  readonly ledger: LedgerCounts
  readonly report: ReportFile
  readonly samples: readonly Sample[]
  /** Before the traffic, and after the drain. */
  readonly first: Sample
  readonly last: Sample
  /** Files of request bodies that are left: in `bodies/`, and in `incoming/`. */
  readonly leftFiles: { readonly bodies: number, readonly incoming: number }
  /** When the last process was killed and its successor was there; 0 if none was. */
  readonly lastKillAt: number
  readonly faultCount: number
  readonly surprises: readonly string[]
  readonly errors: ReadonlyMap<string, { readonly count: number, readonly first: string }>
  readonly exitCode: number | null
}

export interface BookCounts {
  readonly requests: number
  /** Answered, and their copies are due. */
  readonly owed: number
  /** Owed, and the endpoint never took them. */
  readonly lost: readonly Entry[]
  /** Copies that the endpoint took, each counted once; and those it refused for good. */
  readonly delivered: number
  readonly refused: number
  /** Copied, and not to be copied. */
  readonly uncalledFor: readonly Entry[]
  /** Sent whole and cut off by the end of a process: their copies may be anywhere. */
  readonly cutOff: number
  /** Sent whole and copied, or maybe: there can be no more copies than these. */
  readonly possible: number
}

/** Statuses that the router gives itself, after it has offered the copy to the mirror. */
const AFTER_COPY = new Set([200, 502, 504])
const MOST_LISTED = 1_000

export function countBook (book: Book, windows: Windows, endedAt: number): BookCounts {
  const lost: Entry[] = []
  const uncalledFor: Entry[] = []
  let owed = 0
  let delivered = 0
  let refused = 0
  let cutOff = 0
  let possible = 0

  for (const entry of book.entries()) {
    const { due, status, taken, atRelay, atEndpoint, poison, sentWhole, beganAt } = entry
    if (due === 'no') {
      if (atEndpoint > 0 && uncalledFor.length < MOST_LISTED) uncalledFor.push(entry)
      continue
    }
    if (sentWhole) possible++
    if (taken > 0) {
      if (poison) refused++
      else delivered++
    }
    if (sentWhole && status === null && windows.excuse(['process'], beganAt, entry.endedAt === 0 ? Math.min(endedAt, beganAt + 10_000) : entry.endedAt)) cutOff++
    if (due !== 'yes' || status === null || (atRelay === 0 && !AFTER_COPY.has(status))) continue
    owed++
    if (taken === 0 && lost.length < MOST_LISTED) lost.push(entry)
  }
  return { requests: book.count(), owed, lost, delivered, refused, uncalledFor, cutOff, possible }
}
