/**
 * Conditional requests for a file, with nginx's order and strictness
 * (ngx_http_not_modified_filter_module), which are not RFC 9110's: a date must be
 * exactly the file's, and with both conditions of a 304 sent both must hold.
 */
import { headerValue, type RawHeaders } from '../../http1/message.ts'
import { parseHttpTime } from './http-time.ts'

export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string
  /** Seconds since the epoch. */
  readonly modified: number
}

export type ConditionOutcome = 'send' | 'not-modified' | 'failed'

export function evaluateConditions (headers: RawHeaders, { etag, modified }: Validators): ConditionOutcome {
  const unmodifiedSince = headerValue(headers, 'if-unmodified-since')
  if (unmodifiedSince !== undefined && !(orNever(parseHttpTime(unmodifiedSince)) >= modified)) return 'failed'
  const match = headerValue(headers, 'if-match')
  if (match !== undefined && !listsTag(match, etag, false)) return 'failed'

  const modifiedSince = headerValue(headers, 'if-modified-since')
  const noneMatch = headerValue(headers, 'if-none-match')
  if (modifiedSince === undefined && noneMatch === undefined) return 'send'
  if (modifiedSince !== undefined && parseHttpTime(modifiedSince) !== modified) return 'send'
  if (noneMatch !== undefined && !listsTag(noneMatch, etag, true)) return 'send'
  return 'not-modified'
}

/** Whether `If-Range` lets a `Range` count: the same tag, or exactly the file's date. */
export function rangeApplies (ifRange: string | undefined, { etag, modified }: Validators): boolean {
  if (ifRange === undefined) return true
  if (ifRange.length >= 2 && ifRange.endsWith('"')) return ifRange === etag
  return parseHttpTime(ifRange) === modified
}

/** Junk is earlier than any file. */
function orNever (seconds: number | null): number {
  return seconds ?? -Infinity
}

/** Whether a list of entity tags, or `*`, names this one. @param weak - Whether `W/` is looked past. */
function listsTag (list: string, etag: string, weak: boolean): boolean {
  if (list === '*') return true
  let i = 0
  while (i < list.length) {
    if (weak && list.startsWith('W/', i) && list.length - i > 2) i += 2
    if (list.startsWith(etag, i)) {
      i = skip(list, i + etag.length, ' \t')
      if (i === list.length || list[i] === ',') return true
    }
    const comma = list.indexOf(',', i)
    if (comma === -1) return false
    i = skip(list, comma, ' \t,')
  }
  return false
}

function skip (text: string, from: number, characters: string): number {
  let i = from
  while (i < text.length && characters.includes(text.charAt(i))) i++
  return i
}
