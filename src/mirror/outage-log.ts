/**
 * One line in the log when the endpoint goes down and one when it is back, or takes no
 * copies of one project: never one per copy, and not one per process either. Each
 * process finds an outage by its own copies; whoever speaks for all merges what they
 * tell.
 */
import type { Logger } from 'pino'
import type { DeliveryStatus } from './delivery.ts'

/** Structured-cloneable: it travels between processes. */
export type OutageEvent =
  | {
    readonly kind: 'down'
    /** `null`: the whole endpoint. */
    readonly project: string | null
    /** What the last attempt failed of: a status, or `refused`, `reset`, … */
    readonly code: string
    /** Copies in the spool. */
    readonly pending: number
  }
  | {
    readonly kind: 'back'
    readonly project: string | null
    readonly downMs: number
    /** Attempts made meanwhile that failed. */
    readonly failures: number
    readonly pending: number
  }

export type OnOutage = (event: OutageEvent) => void

export function logOutage (log: Pick<Logger, 'info' | 'warn'>, event: OutageEvent): void {
  const { kind, project, ...fields } = event
  if (project === null) {
    if (kind === 'down') log.warn(fields, 'the endpoint is down; copies wait in the spool, and go out once it is back')
    else log.info(fields, 'the endpoint is back; copies that waited go out')
    return
  }
  if (kind === 'down') log.warn({ project, ...fields }, 'the endpoint takes no copies of one project; they wait in the spool: is its path in the configuration right, and its quota used up?')
  else log.info({ project, ...fields }, 'the endpoint takes the copies of this project again')
}

export interface OutageMerge<Source> {
  /** A process found out. */
  told (source: Source, event: OutageEvent): void
  /** What a process says of itself now and then: whoever forgot an outage, as after a reload, says so by this. */
  seen (source: Source, delivery: DeliveryStatus, pending: number): void
  /** The process has ended. */
  gone (source: Source): void
}

interface OpenOutage<Source> {
  readonly since: number
  /** Those that have said down and not back. */
  readonly sources: Set<Source>
  failures: number
}

export interface OutageMergeOptions<Source> {
  readonly onOutage: OnOutage
  /** Copies in the spools of all others, as they said last. */
  readonly pendingOfOthers: (source: Source) => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Down from the first process that says so until the last one of those takes it back. */
export function createOutageMerge<Source> ({ onOutage, pendingOfOthers, now }: OutageMergeOptions<Source>): OutageMerge<Source> {
  const open = new Map<string | null, OpenOutage<Source>>()

  function end (project: string | null, { since, failures }: OpenOutage<Source>, pending: number): void {
    open.delete(project)
    onOutage({ kind: 'back', project, downMs: now() - since, failures, pending })
  }

  return {
    told (source, event) {
      const { kind, project } = event
      const pending = event.pending + pendingOfOthers(source)
      const known = open.get(project)
      if (kind === 'down') {
        known?.sources.add(source)
        if (known !== undefined) return
        open.set(project, { since: now(), sources: new Set([source]), failures: 0 })
        onOutage({ ...event, pending })
      } else if (known !== undefined) {
        known.sources.delete(source)
        known.failures += event.failures
        if (known.sources.size === 0) end(project, known, pending)
      }
    },

    seen (source, { downSince, projectsDown, lastSuccessAt }, pending) {
      const downNow = new Set<string | null>(projectsDown.map(({ project }) => project))
      if (downSince !== null) downNow.add(null)
      for (const [project, outage] of open) {
        if (!downNow.has(project)) outage.sources.delete(source)
        // Nobody is left to take it back: a copy that got through does.
        if (outage.sources.size === 0 && !downNow.has(project) && (lastSuccessAt ?? 0) > outage.since) end(project, outage, pending + pendingOfOthers(source))
      }
    },

    gone (source) {
      for (const { sources } of open.values()) sources.delete(source)
    }
  }
}
