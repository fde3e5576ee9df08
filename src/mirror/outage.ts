/**
 * One outage: of the endpoint, or of a single project there. It begins once several
 * copies, one after the other and without a success between them, have failed: one
 * copy that always fails is no outage. While it lasts there are probes, each after a
 * backoff of its own.
 */
import { backoffDelay } from './retry-policy.ts'

/** Different copies that must have failed in a row. */
const DOWN_AFTER = 8
/** Probes are cheap, and an endpoint that is back should be known to be soon. */
const MAX_PROBE_DELAY_MS = 2000

export interface OutageOptions {
  /** As in `mirror.retry`. */
  readonly retry: { readonly initialMs: number, readonly maxMs: number }
  readonly random: () => number
}

export class Outage {
  readonly #options: OutageOptions
  readonly #failing = new Set<string>()
  /** A copy is due at `probeAt`, to be the next probe. */
  #scouted = false
  /** Milliseconds since the epoch; `null` while there is none. */
  since: number | null = null
  probes = 0
  /** Attempts that failed while it lasts: probes, and those that were under way when it began. */
  failures = 0
  /** No probe before; 0 until the first one failed. */
  probeAt = 0

  constructor (options: OutageOptions) {
    this.#options = options
  }

  /** Whether the last attempt that counted here failed. */
  get failing (): boolean { return this.#failing.size > 0 }

  /** Whether enough copies have failed in a row. */
  get due (): boolean { return this.#failing.size >= DOWN_AFTER }

  failed (copyId: string): void {
    if (!this.due) this.#failing.add(copyId)
  }

  attemptFailed (): void {
    if (this.since !== null) this.failures++
  }

  begin (now: number): void {
    this.since = now
  }

  probeFailed (now: number): void {
    const { retry: { initialMs, maxMs }, random } = this.#options
    this.probes++
    this.#scouted = false
    this.probeAt = now + backoffDelay(this.probes, { initialMs, maxMs: Math.min(maxMs, MAX_PROBE_DELAY_MS), random })
  }

  /**
   * When a copy comes again that is not sent now: the first one as the next probe, the
   * others after about as long as the outage has lasted. So each is looked at a few
   * times however long it waits, and is late by no more than the outage was long.
   */
  comeBackAt (now: number): number {
    const { retry: { initialMs, maxMs }, random } = this.#options
    if (!this.#scouted && this.probeAt > now) {
      this.#scouted = true
      return this.probeAt
    }
    const lasted = Math.min(Math.max(now - (this.since ?? now), initialMs), maxMs)
    return Math.ceil(now + lasted * (0.5 + random() / 2))
  }

  /** A success, or word that the failures were another's. */
  clear (): void {
    // With every success, and an empty Set leaves a table behind when it is cleared.
    if (this.#failing.size > 0) this.#failing.clear()
    this.#scouted = false
    this.since = null
    this.probes = 0
    this.failures = 0
    this.probeAt = 0
  }
}
