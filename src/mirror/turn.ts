/**
 * Which copies go out in this turn, of those that are due. A copy that may not go now
 * is given back to the spool, uncounted; one that only lacks room in its project's
 * share of the width is held, claimed, until there is some.
 */
import type { RetryConfig } from '../config/config.ts'
import type { ClaimedCopy, Spool } from '../spool/types.ts'
import { isFresh } from '../spool/window.ts'
import type { Health } from './health.ts'
import type { Pace } from './pace.ts'
import { SILENCE_MS, type Shares } from './shares.ts'
import type { Width } from './width.ts'

export interface TurnOptions {
  readonly spool: Pick<Spool, 'claim' | 'nextDueAt' | 'retry'>
  readonly health: Health
  readonly shares: Shares
  readonly width: Width
  readonly pace: Pace
  readonly retry: RetryConfig
  readonly random: () => number
  /** Attempts that are running. */
  readonly underWay: () => number
  /** Sends a copy; counts it as under way at once. */
  readonly begin: (claimed: ClaimedCopy, now: number) => void
  readonly expired: (claimed: ClaimedCopy) => void
}

/** When there is something to do again: in milliseconds since the epoch, or now; `Infinity` when an append or an answer will say. */
export type NextTurn = number

export interface Turn {
  take (now: number): NextTurn
  /** Gives back what is held. */
  close (now: number): void
}

/** Copies that are claimed and wait for room of their project. */
const MAX_HELD = 16
/** Copies looked at for a probe of another project than the one that failed last. */
const MAX_CANDIDATES = 32
/** How often a probe is looked for while all copies there are may not go. */
const LOOK_INTERVAL_MS = 1000

export function createTurn (options: TurnOptions): Turn {
  const { spool, health, shares, width, pace, retry, random, underWay, begin, expired } = options
  let held: ClaimedCopy[] = []
  /** When the next copy is due, as of the last claim that found fewer than asked for. */
  let nextDueAt = Infinity

  /** Sends as many as the width allows. */
  function fill (now: number): NextTurn {
    admitHeld(now)
    const before = underWay()
    const free = width.current() - before
    let next = held.length > 0 ? now + SILENCE_MS : Infinity
    if (free > 0 && held.length < MAX_HELD) {
      const claimed = claimDue(free, now, pace.room(now))
      pace.took(claimed.reduce((old, { copy }) => isFresh(copy, now) ? old : old + 1, 0))
      for (const each of claimed) admit(each, now)
      // Others may stand behind those that did not go.
      if (claimed.length < free) next = Math.min(next, nextDueAt)
      else if (underWay() < before + free) next = now
    }
    if (underWay() >= width.current() || held.length > 0) width.filled(now)
    return next
  }

  /** Sends one copy, if possible not of the project that failed last: it may be the one that is down. */
  function probe (now: number): NextTurn {
    if (underWay() > 0) return Infinity
    const candidates = held.splice(0)
    if (candidates.length === 0) candidates.push(...claimDue(1, now))
    if (candidates.length === 0) return nextDueAt
    if (!candidates.some(isOther)) candidates.push(...claimDue(MAX_CANDIDATES - candidates.length, now))

    const possible = candidates.filter(candidate => mayGo(candidate, now))
    const chosen = possible.find(isOther) ?? possible[0]
    for (const other of possible) if (other !== chosen) giveBack(other, now, now)
    if (chosen === undefined) return now + LOOK_INTERVAL_MS
    begin(chosen, now)
    return Infinity
  }

  function isOther ({ copy }: ClaimedCopy): boolean {
    return copy.project !== health.lastFailure()?.project
  }

  /**
   * Due copies. One that is due later than any backoff lasts was given back when the
   * clock was wrong: it is due now.
   */
  function claimDue (limit: number, now: number, mostOld = limit): readonly ClaimedCopy[] {
    const claimed = spool.claim(limit, now, mostOld)
    if (claimed.length === limit) return claimed
    nextDueAt = spool.nextDueAt() ?? Infinity
    if (nextDueAt === Infinity || nextDueAt <= now + Math.max(retry.initialMs, retry.maxMs)) return claimed
    return [...claimed, ...spool.claim(limit - claimed.length, nextDueAt, mostOld)]
  }

  function admit (claimed: ClaimedCopy, now: number): void {
    if (!mayGo(claimed, now)) return
    const { project } = claimed.copy
    if (shares.hasRoom(project, width.current(), now)) begin(claimed, now)
    else if (shares.isSilent(project, now)) giveBack(claimed, now + SILENCE_MS * (1 + random()), now)
    else held.push(claimed)
  }

  function admitHeld (now: number): void {
    if (held.length === 0) return
    const waiting = held
    held = []
    for (const claimed of waiting) {
      if (underWay() < width.current()) admit(claimed, now)
      else held.push(claimed)
    }
  }

  /** Whether a copy may go; if not, it has been buried or given back. */
  function mayGo (claimed: ClaimedCopy, now: number): boolean {
    const { project, takenAt } = claimed.copy
    if (now - takenAt >= retry.maxAgeMs) {
      expired(claimed)
      return false
    }
    if (health.admits(project, shares.underWay(project), now)) return true
    giveBack(claimed, health.comeBackAt(project, now), now)
    return false
  }

  function giveBack (claimed: ClaimedCopy, dueAt: number, now: number): void {
    spool.retry(claimed, latestDueAt(claimed, dueAt, now, retry), false)
  }

  return {
    take: now => health.isProbing() ? probe(now) : fill(now),

    close (now) {
      for (const claimed of held.splice(0)) giveBack(claimed, now, now)
    }
  }
}

/** Not later than a backoff may last, nor than the copy expires. In whole milliseconds. */
export function latestDueAt ({ copy }: ClaimedCopy, dueAt: number, now: number, retry: RetryConfig): number {
  return Math.ceil(Math.min(dueAt, now + Math.max(retry.initialMs, retry.maxMs), copy.takenAt + retry.maxAgeMs))
}
