/** The time a report begins at, as it is asked for. Pure. */
import { parseDuration } from '../config/units.ts'

export const DEFAULT_SINCE = '24h'

const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * Milliseconds since the epoch.
 *
 * @param text - How long ago (`24h`, `7d`), or a date or time (`2026-08-20`,
 *   `2026-08-20T14:00`), in UTC unless it names another zone.
 * @returns `null` when it is neither, or lies ahead.
 */
export function parseSince (text: string, nowMs: number): number | null {
  const ago = parseDuration(text)
  if (ago !== null) return Math.max(0, nowMs - ago)
  const match = DATE.exec(text)
  if (match === null) return null
  const time = Date.parse(`${text.replace(' ', 'T')}${text.length > 10 && match[1] === undefined ? 'Z' : ''}`)
  return Number.isNaN(time) || time < 0 || time > nowMs ? null : time
}

/** What to say about a time that is none. */
export const SINCE_EXPECTED = 'expected how long ago (24h, 7d) or a date (2026-08-20, 2026-08-20T14:00), not in the future'
