/**
 * Gets copies from the spool to the endpoint.
 *
 *   claim ─► send ─► 2xx            ack
 *     │           ├─ retryable      back to the spool, due after a backoff
 *     │           └─ final, expired bury
 *     └─ not now: back to the spool as it was
 *
 * An append starts it at once, and nothing polls. How many go out at a time the width
 * says (width.ts); which of them is decided turn by turn (turn.ts), by the health of
 * the endpoint and of each project (health.ts) and by the project's share of the width
 * (shares.ts); a backlog leaves the event loop time for clients (pace.ts). While the endpoint is down one copy at a time goes out as a probe.
 */
import PQueue from 'p-queue'
import type { RetryConfig } from '../config/config.ts'
import type { ClaimedCopy, Spool } from '../spool/types.ts'
import type { Endpoint, SendResult } from './endpoint.ts'
import { createHealth, type LastFailure, type ProjectOutage } from './health.ts'
import type { MirrorObserver } from './observer.ts'
import type { OnOutage } from './outage-log.ts'
import { createPace } from './pace.ts'
import { backoffDelay, isStrain, retryAfterMs, verdict } from './retry-policy.ts'
import { createShares } from './shares.ts'
import { createTurn, latestDueAt } from './turn.ts'
import { createWidth } from './width.ts'

export interface DeliveryOptions {
  readonly spool: Spool
  readonly endpoint: Pick<Endpoint, 'send' | 'abort'>
  readonly observer: MirrorObserver
  readonly onOutage: OnOutage
  /** Copies under way at most; at least 1. */
  readonly concurrency: number
  readonly retry: RetryConfig
  /** Milliseconds since the epoch, of a clock that is never set (clock.ts). */
  readonly now: () => number
  /** See `createPace`; by default a backlog is not paced. */
  readonly utilization?: () => number
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
  readonly lastFailure: LastFailure | null
  /** When the endpoint last took a copy, or refused it for good; and the first failure since. */
  readonly lastSuccessAt: number | null
  readonly failingSince: number | null
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

interface Outgoing {
  readonly claimed: ClaimedCopy
  readonly startedAt: number
}

/** Longest sleep of the timer. */
const MAX_SLEEP_MS = 60_000
export function createDelivery (options: DeliveryOptions): Delivery {
  const { spool, endpoint, observer, concurrency, retry, now, random = Math.random } = options
  const width = createWidth(concurrency)
  const queue = new PQueue({ concurrency: width.current() })
  const shares = createShares()
  // The last attempts of one that is closing tell nothing of the endpoint that follows.
  const onOutage: OnOutage = event => { if (closing === null) options.onOutage(event) }
  const health = createHealth({ onOutage, retry, now, random, pending: () => spool.stats().pending })
  const turn = createTurn({
    spool, health, shares, width, pace: createPace(options.utilization ?? (() => 0)), retry, random, begin, underWay: () => underWay, expired: claimed => { bury(claimed, 'expired', '') }
  })
  /** Copies that go out now: never more than the width has room for. */
  const outbox: Outgoing[] = []
  /** Tasks of the queue that have nothing to send. */
  const resting: (() => void)[] = []
  /** Tasks end once they have nothing to send. */
  let isLeaving = false
  let underWay = 0
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
    const next = time < closedUntil ? closedUntil : turn.take(time)
    if (next === time) wake()
    else if (next < Infinity) wakeAt(next, time)
  }

  function begin (claimed: ClaimedCopy, time: number): void {
    underWay++
    shares.began(claimed.copy.project, time)
    outbox.push({ claimed, startedAt: time })
    const rested = resting.pop()
    if (rested === undefined) void queue.add(sendAll)
    else rested()
  }

  /** Sends one copy after the other: with a task for each, p-queue's promises and events would come on top of every attempt. */
  function sendAll (): Promise<void> {
    return new Promise(resolve => {
      const next = (): void => {
        const outgoing = outbox.shift()
        if (outgoing !== undefined) send(outgoing, next)
        else if (isLeaving || queue.pending > width.current()) resolve()
        else resting.push(next)
      }
      next()
    })
  }

  function send ({ claimed, startedAt }: Outgoing, done: () => void): void {
    endpoint.send(claimed.copy, result => {
      underWay--
      shares.ended(claimed.copy.project, now())
      settle(claimed, result, startedAt)
      if (closing === null) wake()
      else tellNext()
      done()
    })
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
    if (queue.concurrency !== width.current()) queue.concurrency = width.current()
  }

  function served (project: string, startedAt: number): void {
    width.served(startedAt)
    health.succeeded(project)
  }

  function failed ({ copy: { id, project } }: ClaimedCopy, code: string): void {
    const wasDown = health.downSince() !== null
    health.failed({ project, copyId: id, code, underWay, projectUnderWay: shares.underWay(project) })
    if (!wasDown && health.downSince() !== null) width.restart(now())
  }

  function retryLater (claimed: ClaimedCopy, retryAfter: string | undefined): void {
    const time = now()
    const wait = retryAfterMs(retryAfter, time, retry.maxAgeMs)
    if (wait !== undefined) health.hold(claimed.copy.project, time + wait)
    const delay = backoffDelay(claimed.failures + 1, { initialMs: retry.initialMs, maxMs: retry.maxMs, retryAfterMs: wait, random })
    spool.retry(claimed, latestDueAt(claimed, time + delay, time, retry))
  }

  function bury (claimed: ClaimedCopy, reason: string, answer: string): void {
    spool.bury(claimed, reason, answer)
    observer.dead(claimed.copy.project, reason)
  }

  /** What is given back belongs to the delivery that has the spool now, if there is one. */
  function tellNext (): void {
    spool.onAppend?.()
  }

  async function finish (deadlineMs: number): Promise<void> {
    // A reload may have given the spool to the next delivery already.
    if (spool.onAppend === wake) spool.onAppend = null
    if (timer !== null) clearTimeout(timer)
    turn.close(now())
    tellNext()
    isLeaving = true
    for (const rested of resting.splice(0)) rested()
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
        lastFailure: health.lastFailure(),
        lastSuccessAt: health.lastSuccessAt(),
        failingSince: health.failingSince(),
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
