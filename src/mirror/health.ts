/**
 * Is the endpoint down, or one project there? What fails is the project's trouble as
 * long as another project's copies get through, else the endpoint's; a connection that
 * cannot be made is always the endpoint's. `Retry-After` follows the same line: it
 * holds back everyone, but a project can hold back others for a minute at most, and
 * not twice when others were served in between. docs/decisions/0003 says why.
 *
 * Two events per outage, none per copy (outage-log.ts).
 */
import type { RetryConfig } from '../config/config.ts'
import { Outage } from './outage.ts'
import type { OnOutage } from './outage-log.ts'

/** A project that was served this recently, and has not failed since, proves that the endpoint is up. */
const PROOF_MS = 10_000
/** Longest that one project's `Retry-After` holds back the others. */
const MAX_COMMON_HOLD_MS = 60_000

export interface HealthOptions {
  /** Once when it begins, once when it is over. */
  readonly onOutage: OnOutage
  readonly retry: Pick<RetryConfig, 'initialMs' | 'maxMs'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly random: () => number
  /** Copies in the spool. */
  readonly pending: () => number
}

export interface FailedAttempt {
  readonly project: string
  readonly copyId: string
  /** A status, or `refused`, `reset`, `timeout`, `tls`, `dns`. */
  readonly code: string
  /** Attempts still running, of all and of this project: those that began before an outage are no probes. */
  readonly underWay: number
  readonly projectUnderWay: number
}

export interface LastFailure {
  readonly project: string
  readonly code: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface ProjectOutage {
  readonly project: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

export interface Health {
  /** When the endpoint went down, in milliseconds since the epoch; `null` while it is up. */
  downSince (): number | null
  /** Nothing goes out before: a `Retry-After`, or the next probe. 0 when there is neither. */
  closedUntil (): number
  /** One copy at a time: the endpoint is down, or nobody has been served since a `Retry-After`. */
  isProbing (): boolean
  isProjectDown (project: string): boolean
  projectsDown (): readonly ProjectOutage[]
  lastFailure (): LastFailure | null
  /** When the endpoint last took a copy, or refused it for good, in milliseconds since the epoch; `null` when it has not. */
  lastSuccessAt (): number | null
  /** The first failure since. */
  failingSince (): number | null
  /** Whether a copy of this project may go out now. @param underWay - Attempts of this project. */
  admits (project: string, underWay: number, now: number): boolean
  /** When a copy that was not admitted should come again. */
  comeBackAt (project: string, now: number): number
  succeeded (project: string): void
  failed (attempt: FailedAttempt): void
  /** The endpoint answered a copy of `project` with a `Retry-After` that ends at `until`. */
  hold (project: string, until: number): void
}

interface ProjectHealth {
  readonly outage: Outage
  servedAt: number
  /** Copies of this project that were served. */
  served: number
  /** Copies of others that had been served at its last `Retry-After`; `null` before the first. */
  othersServed: number | null
  heldUntil: number
}

export function createHealth (options: HealthOptions): Health {
  const { onOutage, retry, now, random, pending } = options
  const endpoint = new Outage({ retry, random })
  const projects = new Map<string, ProjectHealth>()
  let lastFailure: LastFailure | null = null
  let lastSuccessAt: number | null = null
  let failingSince: number | null = null
  let heldUntil = 0
  /** Nobody has been served since a `Retry-After`. */
  let cautious = false
  /** Copies of all projects. */
  let served = 0

  /** As many as there are labels. */
  function healthOf (project: string): ProjectHealth {
    const known = projects.get(project)
    if (known !== undefined) return known
    const health = { outage: new Outage({ retry, random }), servedAt: -Infinity, served: 0, othersServed: null, heldUntil: 0 }
    projects.set(project, health)
    return health
  }

  function othersServedSince (own: ProjectHealth, time: number): boolean {
    for (const other of projects.values()) {
      if (other !== own && !other.outage.failing && other.servedAt > time) return true
    }
    return false
  }

  function endpointFailed (time: number, code: string): void {
    endpoint.begin(time)
    onOutage({ kind: 'down', project: null, code, pending: pending() })
  }

  function projectFailed (own: ProjectHealth, time: number, project: string, code: string): void {
    own.outage.begin(time)
    endpoint.clear()
    onOutage({ kind: 'down', project, code, pending: pending() })
  }

  return {
    downSince: () => endpoint.since,
    closedUntil: () => Math.max(heldUntil, endpoint.probeAt),
    isProbing: () => endpoint.since !== null || cautious,
    isProjectDown: project => (projects.get(project)?.outage.since ?? null) !== null,

    lastFailure: () => lastFailure,
    lastSuccessAt: () => lastSuccessAt,
    failingSince: () => failingSince,

    admits (project, underWay, time) {
      const own = projects.get(project)
      if (own === undefined) return true
      if (time < own.heldUntil) return false
      return own.outage.since === null || (underWay === 0 && time >= own.outage.probeAt)
    },

    comeBackAt (project, time) {
      const own = healthOf(project)
      return own.outage.since === null ? own.heldUntil : Math.max(own.heldUntil, own.outage.comeBackAt(time))
    },

    projectsDown () {
      const down: ProjectOutage[] = []
      for (const [project, { outage: { since } }] of projects) {
        if (since !== null) down.push({ project, since })
      }
      return down
    },

    succeeded (project) {
      const time = now()
      const own = healthOf(project)
      const { since, failures } = own.outage
      own.servedAt = time
      lastSuccessAt = time
      failingSince = null
      own.served++
      served++
      own.outage.clear()
      cautious = false
      if (since !== null) onOutage({ kind: 'back', project, downMs: time - since, failures, pending: pending() })

      const downSince = endpoint.since
      if (downSince !== null) {
        onOutage({ kind: 'back', project: null, downMs: time - downSince, failures: endpoint.failures, pending: pending() })
        // What the others failed of was the outage; a project with one of its own is not back with it.
        for (const { outage } of projects.values()) if (outage.since === null) outage.clear()
      }
      endpoint.clear()
    },

    failed ({ project, copyId, code, underWay, projectUnderWay }) {
      const time = now()
      const own = healthOf(project)
      const unreachable = isUnreachable(code)
      lastFailure = { project, code, at: time }
      failingSince ??= time
      endpoint.attemptFailed()
      own.outage.attemptFailed()
      if (endpoint.since === null && (unreachable || own.outage.since === null)) {
        endpoint.failed(copyId)
        own.outage.failed(copyId)
        if (endpoint.due && (unreachable || !othersServedSince(own, time - PROOF_MS))) endpointFailed(time, code)
        else if (own.outage.due && own.outage.since === null && !unreachable) projectFailed(own, time, project, code)
      }
      if (own.outage.since !== null && projectUnderWay === 0) own.outage.probeFailed(time)
      if (endpoint.since !== null && underWay === 0) endpoint.probeFailed(time)
    },

    hold (project, until) {
      const time = now()
      const own = healthOf(project)
      const othersServed = served - own.served
      const isOwn = own.outage.since !== null || (own.othersServed !== null && othersServed > own.othersServed)
      own.othersServed = othersServed
      own.heldUntil = Math.max(own.heldUntil, until)
      if (isOwn) return
      heldUntil = Math.max(heldUntil, Math.min(until, time + MAX_COMMON_HOLD_MS))
      cautious = true
    }
  }
}

/** No connection: no word of any project can have been the cause. */
function isUnreachable (code: string): boolean {
  return code === 'refused' || code === 'dns' || code === 'tls'
}
