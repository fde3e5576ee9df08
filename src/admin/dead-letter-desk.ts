/**
 * What an operator asks of dead letters, whoever asks: the admin listener, or the
 * command line on a spool that no router has open.
 *
 * There may be hundreds of thousands, and traffic may go through the same process:
 * they are looked through and moved a few at a time, and traffic gets its turn.
 */
import { setImmediate } from 'node:timers/promises'
import { matches } from '../spool/dead-letter.ts'
import type { DeadLetterFilter, DeadLetters, DeadLetterSummary, ListPending, PendingSummary } from '../spool/types.ts'
import { describeDeadLetter, viewDeadLetter, viewPending, type DeadLetterDetails, type DeadLetterView, type PendingView } from './dead-letter-view.ts'

/** Which dead letters; all that are given must hold. An empty one means every one. */
export interface Query {
  readonly ids?: readonly string[]
  readonly project?: string
  readonly reason?: string
  /** Age since it was buried; of pending copies, since they were taken. */
  readonly olderThanMs?: number
}

export interface Page {
  /** Oldest first. */
  readonly deadLetters: readonly DeadLetterView[]
  /** Give it as `after` for the page behind this one; `null` on the last. */
  readonly next: string | null
}

export interface Backlog {
  readonly pending: readonly PendingView[]
  /** Give it as `after` for what is behind; `null` at the end. */
  readonly next: string | null
}

export interface Done {
  /** How many were replayed, or purged. */
  readonly count: number
  /** Those of the ids asked for that no dead letter that matches has. */
  readonly missing: readonly string[]
}

export interface DeadLetterDesk {
  list (query: Query, limit: number, after?: string): Promise<Page>
  pending (query: Pick<Query, 'project' | 'olderThanMs'>, limit: number, after?: string): Promise<Backlog>
  show (id: string): Promise<DeadLetterDetails | null>
  replay (query: Query): Promise<Done>
  purge (query: Query): Promise<Done>
}

export interface DeskOptions {
  readonly deadLetters: DeadLetters
  readonly pending: ListPending
  /** The project of every copy that was replayed, for the counters; and their spool has work. */
  readonly onReplayed: (projects: readonly string[]) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Measured: 25 µs each to read, 0.25 ms each to move. */
const SCANNED_AT_ONCE = 200
const MOVED_AT_ONCE = 100

export function createDeadLetterDesk ({ deadLetters, pending, onReplayed, now }: DeskOptions): DeadLetterDesk {
  const before = (ageMs: number | undefined): number | undefined => ageMs === undefined ? undefined : now() - ageMs

  function filterOf ({ ids, project, reason, olderThanMs }: Query): DeadLetterFilter {
    const buriedBefore = before(olderThanMs)
    return {
      ...ids !== undefined && { ids },
      ...project !== undefined && { project },
      ...reason !== undefined && { reason },
      ...buriedBefore !== undefined && { buriedBefore }
    }
  }

  /** All that match, in pages; ends up empty-handed now and then. */
  async function * scan (query: Query, after?: string): AsyncGenerator<readonly DeadLetterSummary[]> {
    const filter = filterOf(query)
    if (query.ids !== undefined) {
      for (const ids of pagesOf(query.ids, SCANNED_AT_ONCE)) {
        yield deadLetters.list({ ...filter, ids }, ids.length)
        await setImmediate()
      }
      return
    }
    let position = after
    for (let last = false; !last;) {
      const page = deadLetters.list({}, SCANNED_AT_ONCE, position)
      yield page.filter(letter => matches(filter, letter))
      last = page.length < SCANNED_AT_ONCE
      await setImmediate()
      // Somebody else may have removed the last one. When the whole page is gone, so is what stood before it: the oldest go first.
      if (!last) position = page.findLast(({ id }) => deadLetters.get(id) !== null)?.id
    }
  }

  /** Which ones is settled before the first is moved: one that is buried again meanwhile is not moved again. */
  async function move (query: Query, each: (filter: DeadLetterFilter) => Promise<number>): Promise<Done> {
    const chosen = new Set<string>()
    for await (const page of scan(query)) for (const { id } of page) chosen.add(id)
    let count = 0
    for (const ids of pagesOf([...chosen], MOVED_AT_ONCE)) {
      count += await each({ ids })
      await setImmediate()
    }
    return { count, missing: [...new Set(query.ids)].filter(id => !chosen.has(id)) }
  }

  return {
    async list (query, limit, after) {
      const found: DeadLetterSummary[] = []
      for await (const page of scan(query, after)) {
        found.push(...page)
        if (found.length > limit) break
      }
      const shown = found.slice(0, limit)
      return { deadLetters: shown.map(viewDeadLetter), next: found.length > limit ? shown.at(-1)?.id ?? null : null }
    },

    async pending ({ project, olderThanMs }, limit, after) {
      const takenBefore = before(olderThanMs) ?? Infinity
      const found: PendingSummary[] = []
      let position = after
      for (let last = false; !last && found.length <= limit;) {
        const page = pending({}, SCANNED_AT_ONCE, position)
        found.push(...page.filter(copy => copy.takenAt < takenBefore && (project === undefined || copy.project === project)))
        position = page.at(-1)?.position
        last = page.length < SCANNED_AT_ONCE
        await setImmediate()
      }
      const shown = found.slice(0, limit)
      return { pending: shown.map(viewPending), next: found.length > limit ? shown.at(-1)?.position ?? null : null }
    },

    async show (id) {
      const letter = deadLetters.get(id)
      return letter === null ? null : await describeDeadLetter(letter)
    },

    replay: query => move(query, async filter => {
      const projects = await deadLetters.replay(filter)
      if (projects.length > 0) onReplayed(projects)
      return projects.length
    }),

    purge: query => move(query, filter => deadLetters.purge(filter))
  }
}

function * pagesOf (ids: readonly string[], size: number): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += size) yield ids.slice(at, at + size)
}
