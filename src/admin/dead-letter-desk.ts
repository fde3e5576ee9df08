/**
 * What an operator asks of dead letters, whoever asks: the admin listener, or the
 * command line on a spool that no router has open.
 */
import { setImmediate } from 'node:timers/promises'
import type { DeadLetterFilter, DeadLetters, ListPending, PendingSummary } from '../spool/types.ts'
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
  /** Those of the ids asked for that no dead letter has. */
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

/** Traffic may go through the same process: it gets its turn between so many copies of a long backlog. */
const SCANNED_AT_ONCE = 200

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

  function missing (ids: readonly string[] | undefined): readonly string[] {
    if (ids === undefined || ids.length === 0) return []
    const known = new Set(deadLetters.list({ ids }, ids.length).map(letter => letter.id))
    return [...new Set(ids)].filter(id => !known.has(id))
  }

  return {
    async list (query, limit, after) {
      const found = deadLetters.list(filterOf(query), limit + 1, after)
      const page = found.slice(0, limit)
      return { deadLetters: page.map(viewDeadLetter), next: found.length > limit ? page.at(-1)?.id ?? null : null }
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

    async replay (query) {
      const unknown = missing(query.ids)
      const projects = await deadLetters.replay(filterOf(query))
      if (projects.length > 0) onReplayed(projects)
      return { count: projects.length, missing: unknown }
    },

    async purge (query) {
      const unknown = missing(query.ids)
      return { count: await deadLetters.purge(filterOf(query)), missing: unknown }
    }
  }
}
