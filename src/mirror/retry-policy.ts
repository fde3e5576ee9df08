/**
 * What an attempt means for its copy, and how long to wait before the next one.
 * Pure: no clock, no randomness but what is passed in.
 */
export type Verdict = 'delivered' | 'retry' | 'dead'

/** An attempt that ended without a status. */
export type FailureCode = 'refused' | 'reset' | 'timeout' | 'tls' | 'dns'

/**
 * What an answer of the endpoint means for the copy.
 *
 * 403 is retried: the storage behind RUM answers it when a quota is exceeded.
 *
 * @param outcome - HTTP status, 200 to 999, or how the attempt failed without one.
 */
export function verdict (outcome: number | FailureCode): Verdict {
  if (typeof outcome !== 'number') return 'retry'
  if (outcome < 300) return 'delivered'
  if (outcome >= 500 && outcome < 600) return 'retry'
  return outcome === 403 || outcome === 408 || outcome === 425 || outcome === 429 ? 'retry' : 'dead'
}

/** Whether the endpoint says by this that it has too much to do. */
export function isStrain (outcome: number | FailureCode): boolean {
  return outcome === 'timeout' || outcome === 429 || outcome === 503
}

export interface BackoffOptions {
  readonly initialMs: number
  readonly maxMs: number
  readonly retryAfterMs?: number | undefined
  readonly random?: () => number
}

/**
 * How long to wait before the next delivery attempt.
 *
 * Full jitter: a uniform draw from zero up to a ceiling that doubles with each
 * failure, so that a backlog released by a recovering endpoint does not arrive in
 * waves. A `Retry-After` from the endpoint replaces the draw and is not capped by
 * `maxMs`.
 *
 * @param failures - Attempts that have failed so far. Integer, at least 1.
 * @param options.initialMs - Ceiling after the first failure, in milliseconds.
 * @param options.maxMs - Highest ceiling, in milliseconds.
 * @param options.retryAfterMs - The endpoint's `Retry-After`, already in milliseconds.
 * @param options.random - Draws from [0, 1). A test passes its own.
 * @returns Whole milliseconds, at least 0.
 * @throws {RangeError} `failures` is not an integer of at least 1. A bug in the caller.
 */
export function backoffDelay (failures: number, options: BackoffOptions): number {
  if (!Number.isInteger(failures) || failures < 1) {
    throw new RangeError(`failures must be an integer of at least 1, got ${failures}`)
  }

  const { initialMs, maxMs, retryAfterMs, random = Math.random } = options
  if (retryAfterMs !== undefined) return retryAfterMs

  const ceiling = Math.min(initialMs * 2 ** (failures - 1), maxMs)
  return Math.floor(random() * ceiling)
}

/** RFC 9110 section 5.6.7: the one format to send, and the two obsolete ones to be understood. */
const HTTP_DATE = /^(?:[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/

/**
 * Reads `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
 *
 * @param value - As received; `undefined` when there was none.
 * @param now - Milliseconds since the epoch.
 * @param maxMs - A longer wait is absurd: every copy would expire before it ends.
 * @returns Milliseconds from `now`, above 0 and at most `maxMs`; `undefined` when the
 *   value is missing, unreadable, not in the future, or absurd. The backoff decides then.
 */
export function retryAfterMs (value: string | undefined, now: number, maxMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  let ms = NaN
  if (/^\d+$/.test(text)) ms = Number(text) * 1000
  else if (HTTP_DATE.test(text)) ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) - now
  return ms > 0 && ms <= maxMs ? Math.ceil(ms) : undefined
}
