/**
 * How the state of things is told to a person: numbers, times and causes as words. One
 * table for the causes, so that the page, the terminal and the events say the same. Pure.
 *
 * Clock times are those of the machine's time zone (`TZ`).
 */

/** How an attempt failed: to deliver a copy, or to forward a request. */
const CAUSES: ReadonlyMap<string, string> = new Map(Object.entries({
  refused: 'connection refused',
  reset: 'connection reset',
  timeout: 'no answer in time',
  tls: 'TLS handshake or certificate failed',
  dns: 'name not found',
  unreachable: 'network unreachable',
  invalid_response: 'answer that is no HTTP',
  // Statuses whose meaning at the endpoint is worth a word.
  401: 'answered 401 (not authorised)',
  403: 'answered 403 (quota exceeded, or forbidden)',
  408: 'answered 408 (request timeout)',
  413: 'answered 413 (too large)',
  429: 'answered 429 (too many requests)',
  500: 'answered 500 (server error)',
  502: 'answered 502 (bad gateway)',
  503: 'answered 503 (unavailable)',
  504: 'answered 504 (gateway timeout)'
}))

/** Why copies died or were dropped. */
const FATES: ReadonlyMap<string, string> = new Map(Object.entries({
  expired: 'not delivered within max_age',
  body_lost: 'their body is gone from the disk',
  corrupt: 'damaged on the disk',
  spool_full: 'the spool was full',
  spool_error: 'the spool could not be written'
}))

/** @param code - A status, or a reason such as `refused`. */
export function causeWords (code: string): string {
  return CAUSES.get(code) ?? (/^\d+$/.test(code) ? `answered ${code}` : code)
}

/** @param reason - Of a dead letter or a drop. */
export function fateWords (reason: string): string {
  return FATES.get(reason) ?? (/^\d+$/.test(reason) ? `refused with ${reason}` : reason)
}

/** `1,204`. */
export function countWords (count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1 copy`, `1,204 copies`. */
export function plural (count: number, one: string, many: string): string {
  return `${countWords(count)} ${count === 1 ? one : many}`
}

/** `12 s`, `6 min`, `3 h 20 min`, `2 d 4 h`: at most two units, the last one rounded down. */
export function durationWords (ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1000), 0)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** `10:42`; of another day, `3 Mar 10:42`. */
export function clockWords (at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)]
  const time = `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`
  return date.toDateString() === today.toDateString() ? time : `${date.getDate()} ${MONTHS[date.getMonth()] ?? ''} ${time}`
}

/** `99.9 %`: never 100 where something is missing, never 0 where something arrived. `–` for `null`. */
export function ratioWords (ratio: number | null): string {
  if (ratio === null) return '–'
  if (ratio === 1 || ratio === 0) return `${ratio * 100} %`
  return `${Math.min(Math.max(Math.round(ratio * 1000) / 10, 0.1), 99.9)} %`
}

/** `1.5 MiB`, for people: rounded. */
export function bytesWords (bytes: number): string {
  let value = bytes
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1000 || unit === 'GiB') return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`
    value /= 1024
  }
  return ''
}

/** `4.2 ms`, `1.3 s`, `6 min`; `–` for `null`. */
export function latencyWords (ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : durationWords(ms)
}

/** `1,204 copies waiting, oldest 6 min`; empty when none waits. */
export function backlogWords (pending: number, oldestTakenAt: number | null, now: number): string {
  if (pending <= 0) return ''
  return `${plural(pending, 'copy', 'copies')} waiting${oldestTakenAt === null ? '' : `, oldest ${durationWords(now - oldestTakenAt)}`}`
}
