/**
 * Gets copies from the spool to the endpoint.
 *
 *   claim ─► admit ─► send ─► 2xx            ack
 *              │           ├─ retryable      back to the spool, due after a backoff
 *              │           └─ final, expired bury
 *              └─ not now: back to the spool, or held until its project has room
 *
 * An append starts it at once, and nothing polls. How many go out at a time the width
 * says (width.ts), which of them the health of the endpoint and of each project
 * (health.ts) and the project's share of the width (shares.ts). While the endpoint is
 * down one copy at a time goes out as a probe.
 */
import PQueue from 'p-queue'
import type { Logger } from 'pino'
import type { RetryConfig } from '../config/config.ts'
import type { ClaimedCopy, Spool } from '../spool/types.ts'
import type { Endpoint, SendResult } from './endpoint.ts'
import { createHealth, type ProjectOutage } from './health.ts'
import type { MirrorObserver } from './observer.ts'
import { backoffDelay, isStrain, retryAfterMs, verdict } from './retry-policy.ts'
import { createShares, SILENCE_MS } from './shares.ts'
import { createWidth } from './width.ts'

export interface DeliveryOptions {
  readonly spool: Spool
  readonly endpoint: Pick<Endpoint, 'send' | 'abort'>
  readonly observer: MirrorObserver
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Copies under way at most; at least 1. */
  readonly concurrency: number
  readonly retry: RetryConfig
  /** Milliseconds since the epoch, of a clock that is never set (clock.ts). */
  readonly now: () => number
  /** Draws from [0, 1). */
  readonly random?: () => number
}

/** What a person wants to know of the endpoint. Times in milliseconds since the epoch. */
export interface DeliveryStatus {
  readonly downSince: number | null
  /** Nothing goes out before; `null` when nothing holds copies back. */
  readonly closedUntil: number | null
  /** Projects that fail while others are served. */
  readonly projectsDown: readonly ProjectOutage[]
  readonly lastFailure: { readonly project: string, readonly code: string, readonly at: number } | null
  readonly width: number
  readonly underWay: number
}

export interface Delivery {
  /** Begins with what the spool holds. */
  start (): void
  status (): DeliveryStatus
  /**
   * Claims nothing more and waits for what is under way; what is not done after
   * `deadlineMs` is cut and goes back to the spool, uncounted.
   */
  close (options: { deadlineMs: number }): Promise<void>
}

/** Longest sleep of the timer. */
const MAX_SLEEP_MS = 60_000
/** Copies that are claimed and wait for room of their project. */
const MAX_HELD = 16
/** Copies looked at for a probe of another project than the one that failed last. */
const MAX_CANDIDATES = 32
/** How often a probe is looked for while all copies there are may not go. */
const LOOK_INTERVAL_MS = 1000

export function createDelivery (options: DeliveryOptions): Delivery {
  const { spool, endpoint, observer, concurrency, retry, now, random = Math.random } = options
  const width = createWidth(concurrency)
  const queue = new PQueue({ concurrency: width.current() })
  const shares = createShares()
  const health = createHealth({ log: options.log, retry, now, random, pending: () => spool.stats().pending })
  let held: ClaimedCopy[] = []
  let underWay = 0
  let lastFailure: DeliveryStatus['lastFailure'] = null
  let woken = false
  let closing: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let timerAt = Infinity

  /** Claims at the end of this turn of the event loop: many appends and answers, one look at the spool. */
  function wake (): void {
    if (woken || closing !== null) return
    woken = true
    setImmediate(claim)
  }

  function wakeAt (dueAt: number, time: number): void {
    if (timer !== null && timerAt <= dueAt) return
    if (timer !== null) clearTimeout(timer)
    timerAt = dueAt
    timer = setTimeout(() => {
      timer = null
      timerAt = Infinity
      wake()
    }, Math.min(Math.max(dueAt - time, 1), MAX_SLEEP_MS))
  }

  function claim (): void {
    woken = false
    if (closing !== null) return
    const time = now()
    const closedUntil = health.closedUntil()
    if (time < closedUntil) wakeAt(closedUntil, time)
    else if (health.isProbing()) probe(time)
    else fill(time)
  }

  /** Sends as many as the width allows. */
  function fill (time: number): void {
    admitHeld(time)
    const free = width.current() - underWay
    if (free > 0 && held.length < MAX_HELD) {
      const before = underWay
      const claimed = claimDue(free, time)
      for (const each of claimed) admit(each, time)
      // Others may stand behind those that did not go.
      if (claimed.length === free && underWay < before + free) wake()
    }
    if (underWay >= width.current() || held.length > 0) width.filled(time)
    if (held.length > 0) wakeAt(time + SILENCE_MS, time)
  }

  /** Sends one copy, if possible not of the project that failed last: it may be the one that is down. */
  function probe (time: number): void {
    if (underWay > 0) return
    const candidates = held.splice(0)
    if (candidates.length === 0) candidates.push(...claimDue(1, time))
    if (candidates.length > 0 && !candidates.some(isOther)) candidates.push(...claimDue(MAX_CANDIDATES - candidates.length, time))

    const possible = candidates.filter(candidate => mayGo(candidate, time))
    const chosen = possible.find(isOther) ?? possible[0]
    for (const other of possible) if (other !== chosen) postpone(other, time)
    if (chosen !== undefined) begin(chosen, time)
    else if (candidates.length > 0) wakeAt(time + LOOK_INTERVAL_MS, time)
  }

  function isOther ({ copy }: ClaimedCopy): boolean {
    return copy.project !== lastFailure?.project
  }

  /**
   * Due copies. One that is due later than any backoff lasts was given back when the
   * clock was wrong: it is due now.
   */
  function claimDue (limit: number, time: number): readonly ClaimedCopy[] {
    const claimed = spool.claim(limit, time)
    if (claimed.length === limit) return claimed
    const next = spool.nextDueAt()
    if (next === null) return claimed
    if (next > time + Math.max(retry.initialMs, retry.maxMs)) return [...claimed, ...spool.claim(limit - claimed.length, next)]
    wakeAt(next, time)
    return claimed
  }

  function admit (claimed: ClaimedCopy, time: number): void {
    if (!mayGo(claimed, time)) return
    const { project } = claimed.copy
    if (shares.hasRoom(project, width.current(), time)) begin(claimed, time)
    else if (shares.isSilent(project, time)) postpone(claimed, time + SILENCE_MS * (1 + random()))
    else held.push(claimed)
  }

  function admitHeld (time: number): void {
    if (held.length === 0) return
    const waiting = held
    held = []
    for (const claimed of waiting) {
      if (underWay < width.current()) admit(claimed, time)
      else held.push(claimed)
    }
  }

  /** Whether a copy may go; if not, it has been buried or given back. */
  function mayGo (claimed: ClaimedCopy, time: number): boolean {
    const { project, takenAt } = claimed.copy
    if (time - takenAt >= retry.maxAgeMs) {
      bury(claimed, 'expired', '')
      return false
    }
    if (health.admits(project, shares.underWay(project), time)) return true
    postpone(claimed, health.comeBackAt(project, time))
    return false
  }

  /** Gives a copy back that was not sent. */
  function postpone (claimed: ClaimedCopy, dueAt: number): void {
    spool.retry(claimed, latest(claimed, dueAt), false)
  }

  /** Not later than a backoff may last, nor than the copy expires. */
  function latest (claimed: ClaimedCopy, dueAt: number): number {
    return Math.min(dueAt, now() + retry.maxMs, claimed.copy.takenAt + retry.maxAgeMs)
  }

  function begin (claimed: ClaimedCopy, time: number): void {
    underWay++
    shares.began(claimed.copy.project, time)
    void queue.add(() => attempt(claimed, time))
  }

  async function attempt (claimed: ClaimedCopy, startedAt: number): Promise<void> {
    const result = await endpoint.send(claimed.copy)
    underWay--
    shares.ended(claimed.copy.project, now())
    settle(claimed, result, startedAt)
    wake()
  }

  /** Every attempt ends here, in exactly one of ack, retry and bury. */
  function settle (claimed: ClaimedCopy, result: SendResult, startedAt: number): void {
    const { copy } = claimed
    if (result.kind === 'unsent') { spool.retry(claimed, now() + retry.initialMs, false); return }
    if (result.kind === 'body_lost') { bury(claimed, 'body_lost', ''); return }

    const outcome = result.kind === 'status' ? result.status : result.code
    observer.attempted(String(outcome))
    switch (verdict(outcome)) {
      case 'delivered':
        served(copy.project, startedAt)
        spool.ack(claimed)
        observer.delivered(copy.project, now() - copy.takenAt)
        break
      case 'dead':
        // The endpoint is well: it is this copy it does not want.
        served(copy.project, startedAt)
        bury(claimed, String(outcome), result.kind === 'status' ? result.answer : '')
        break
      case 'retry':
        if (isStrain(outcome) && !health.isProjectDown(copy.project)) width.strained(startedAt, now())
        retryLater(claimed, result.kind === 'status' ? result.retryAfter : undefined)
        failed(claimed, String(outcome))
        break
    }
    queue.concurrency = width.current()
  }

  function served (project: string, startedAt: number): void {
    width.served(startedAt)
    health.succeeded(project)
  }

  function failed ({ copy: { id, project } }: ClaimedCopy, code: string): void {
    const wasDown = health.downSince() !== null
    health.failed({ project, copyId: id, code, underWay, projectUnderWay: shares.underWay(project) })
    lastFailure = { project, code, at: now() }
    if (!wasDown && health.downSince() !== null) width.restart(now())
  }

  function retryLater (claimed: ClaimedCopy, retryAfter: string | undefined): void {
    const time = now()
    const wait = retryAfterMs(retryAfter, time, retry.maxAgeMs)
    if (wait !== undefined) health.hold(claimed.copy.project, time + wait)
    const delay = backoffDelay(claimed.failures + 1, { initialMs: retry.initialMs, maxMs: retry.maxMs, retryAfterMs: wait, random })
    spool.retry(claimed, latest(claimed, time + delay))
  }

  function bury (claimed: ClaimedCopy, reason: string, answer: string): void {
    spool.bury(claimed, reason, answer)
    observer.dead(claimed.copy.project, reason)
  }

  async function finish (deadlineMs: number): Promise<void> {
    // A reload may have given the spool to the next delivery already.
    if (spool.onAppend === wake) spool.onAppend = null
    if (timer !== null) clearTimeout(timer)
    for (const claimed of held.splice(0)) postpone(claimed, now())
    const deadline = setTimeout(() => { endpoint.abort() }, deadlineMs)
    await queue.onIdle()
    clearTimeout(deadline)
  }

  return {
    start () {
      spool.onAppend = wake
      wake()
    },

    status () {
      const closedUntil = health.closedUntil()
      return {
        downSince: health.downSince(),
        closedUntil: closedUntil > now() ? closedUntil : null,
        projectsDown: health.projectsDown(),
        lastFailure,
        width: width.current(),
        underWay
      }
    },

    close ({ deadlineMs }) {
      closing ??= finish(deadlineMs)
      return closing
    }
  }
}
