/**
 * Gets copies from the spool to the endpoint.
 *
 *   claim ─► send ─► 2xx            ack
 *                 ├─ retryable      back to the spool, due after a backoff
 *                 └─ final, expired bury
 *
 * Up to `concurrency` at a time; an append starts it at once, and nothing polls. A
 * `Retry-After` holds back every copy. When several copies in a row have failed the
 * endpoint is taken to be down: then one copy at a time goes out as a probe, until
 * one gets an answer that is not a refusal.
 */
import PQueue from 'p-queue'
import type { Logger } from 'pino'
import type { RetryConfig } from '../config/config.ts'
import type { ClaimedCopy, Spool } from '../spool/types.ts'
import type { Endpoint, SendResult } from './endpoint.ts'
import { createHealth } from './health.ts'
import type { MirrorObserver } from './observer.ts'
import { backoffDelay, retryAfterMs, verdict } from './retry-policy.ts'

export interface DeliveryOptions {
  readonly spool: Spool
  readonly endpoint: Pick<Endpoint, 'send' | 'abort'>
  readonly observer: MirrorObserver
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Copies under way at most; at least 1. */
  readonly concurrency: number
  readonly retry: RetryConfig
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Draws from [0, 1). */
  readonly random?: () => number
}

export interface Delivery {
  /** Begins with what the spool holds. */
  start (): void
  /**
   * Claims nothing more and waits for what is under way; what is not done after
   * `deadlineMs` is cut and goes back to the spool, uncounted.
   */
  close (options: { deadlineMs: number }): Promise<void>
}

/** Longest sleep of the timer: a clock that was set back delays copies by no more. */
const MAX_SLEEP_MS = 60_000

export function createDelivery (options: DeliveryOptions): Delivery {
  const { spool, endpoint, observer, concurrency, retry, now, random = Math.random } = options
  const queue = new PQueue({ concurrency })
  const health = createHealth({ log: options.log, retry, now, random, pending: () => spool.stats().pending })
  /** End of the longest `Retry-After`. */
  let heldUntil = 0
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

  function claim (): void {
    woken = false
    if (closing !== null) return
    const time = now()
    const notBefore = Math.max(heldUntil, health.nextProbeAt())
    if (time < notBefore) { wakeAt(notBefore, time); return }

    const width = health.isDown() ? 1 : concurrency
    if (underWay >= width) return
    for (const claimed of spool.claim(width - underWay, time)) {
      if (time - claimed.copy.takenAt >= retry.maxAgeMs) {
        bury(claimed, 'expired', '')
        wake()
      } else {
        underWay++
        void queue.add(() => attempt(claimed))
      }
    }
    const next = underWay < width ? spool.nextDueAt() : null
    if (next !== null) wakeAt(next, time)
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

  async function attempt (claimed: ClaimedCopy): Promise<void> {
    const result = await endpoint.send(claimed.copy)
    underWay--
    settle(claimed, result)
    wake()
  }

  /** Every attempt ends here, in exactly one of ack, retry and bury. */
  function settle (claimed: ClaimedCopy, result: SendResult): void {
    if (result.kind === 'unsent') { spool.retry(claimed, now() + retry.initialMs, false); return }
    if (result.kind === 'body_lost') { bury(claimed, 'body_lost', ''); return }

    const outcome = result.kind === 'status' ? result.status : result.code
    observer.attempted(String(outcome))
    switch (verdict(outcome)) {
      case 'delivered':
        health.succeeded()
        spool.ack(claimed)
        observer.delivered(claimed.copy.project, now() - claimed.copy.takenAt)
        break
      case 'dead':
        // The endpoint is well: it is this copy it does not want.
        health.succeeded()
        bury(claimed, String(outcome), result.kind === 'status' ? result.answer : '')
        break
      case 'retry':
        retryLater(claimed, result.kind === 'status' ? result.retryAfter : undefined)
        health.failed(claimed.copy.id, String(outcome), underWay)
        break
    }
  }

  function retryLater (claimed: ClaimedCopy, retryAfter: string | undefined): void {
    const time = now()
    const wait = retryAfterMs(retryAfter, time, retry.maxAgeMs)
    if (wait !== undefined) heldUntil = Math.max(heldUntil, time + wait)
    const delay = backoffDelay(claimed.failures + 1, { initialMs: retry.initialMs, maxMs: retry.maxMs, retryAfterMs: wait, random })
    spool.retry(claimed, Math.min(time + delay, claimed.copy.takenAt + retry.maxAgeMs))
  }

  function bury (claimed: ClaimedCopy, reason: string, answer: string): void {
    spool.bury(claimed, reason, answer)
    observer.dead(claimed.copy.project, reason)
  }

  async function finish (deadlineMs: number): Promise<void> {
    // A reload may have given the spool to the next delivery already.
    if (spool.onAppend === wake) spool.onAppend = null
    if (timer !== null) clearTimeout(timer)
    const deadline = setTimeout(() => { endpoint.abort() }, deadlineMs)
    await queue.onIdle()
    clearTimeout(deadline)
  }

  return {
    start () {
      spool.onAppend = wake
      wake()
    },
    close ({ deadlineMs }) {
      closing ??= finish(deadlineMs)
      return closing
    }
  }
}
