/**
 * The lines of the access log. `main` is the document's log_format:
 *
 *   $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent
 *   "$http_referer" "$http_user_agent" "$http_x_forwarded_for"
 *
 * with nginx's escaping, and `-` for what is not there. A difference on purpose:
 * the values of `sentry_key=` are masked, and the key of a `dsn=`.
 */
import { headerValue, isNamed, type RawHeaders } from '../http1/message.ts'
import type { Settled } from '../proxy/ports.ts'

/** A moment as the formats print it. */
export interface Moment {
  /** `22/Nov/2026:12:04:40 +0100`: the zone is the process's. */
  readonly local: string
  /** ISO 8601, to the second. */
  readonly iso: string
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** Formats milliseconds since the epoch; each second once. */
export function createClock (): (time: number) => Moment {
  let second = NaN
  let moment: Moment = { local: '', iso: '' }
  return time => {
    const now = Math.floor(time / 1000)
    if (now !== second) {
      second = now
      moment = momentOf(new Date(now * 1000))
    }
    return moment
  }
}

function momentOf (date: Date): Moment {
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`
  return {
    local: `${day}:${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`,
    iso: `${date.toISOString().slice(0, 19)}Z`
  }
}

function two (number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

export function formatMain (request: Settled, moment: Moment): string {
  const headers = request.head?.headers ?? []
  return `${request.clientAddress} - ${shown(remoteUser(headers))} [${moment.local}] "${shown(masked(request.requestLine || undefined))}" ` +
    `${String(request.status).padStart(3, '0')} ${request.bytesSent} "${shown(masked(headerValue(headers, 'referer')))}" ` +
    `"${shown(headerValue(headers, 'user-agent'))}" "${shown(forwardedFor(headers))}"\n`
}

export function formatJson (request: Settled, moment: Moment): string {
  const headers = request.head?.headers ?? []
  // JSON.stringify leaves bytes of 0x80 and above as they are; as \u escapes the line is ASCII whatever a client sends.
  return JSON.stringify({
    time: moment.iso,
    remote_addr: request.clientAddress,
    remote_user: remoteUser(headers),
    request: masked(request.requestLine || undefined),
    status: request.status,
    body_bytes_sent: request.bytesSent,
    http_referer: masked(headerValue(headers, 'referer')),
    http_user_agent: headerValue(headers, 'user-agent'),
    http_x_forwarded_for: forwardedFor(headers),
    request_id: request.requestId,
    listener: request.listener,
    route: request.route,
    duration_ms: Math.round(request.durationMs)
  }).replaceAll(/[\x7f-\xff]/g, byte => `\\u00${byte.charCodeAt(0).toString(16)}`) + '\n'
}

// oxlint-disable-next-line no-control-regex -- these are the bytes that nginx escapes.
const UNSAFE = /[\x00-\x1f"\\\x7f-\xff]/

/** nginx: ngx_http_log_escape, and `-` for a variable that is not found. */
function shown (value: string | undefined): string {
  if (value === undefined) return '-'
  if (!UNSAFE.test(value)) return value
  let escaped = ''
  for (let i = 0; i < value.length; i++) {
    const character = value.charAt(i)
    escaped += UNSAFE.test(character) ? `\\x${value.charCodeAt(i).toString(16).toUpperCase().padStart(2, '0')}` : character
  }
  return escaped
}

/**
 * Possession of a key is the right to send events. The crash report dialog names its
 * DSN in the query. Bounded, for a line that is nothing but beginnings.
 */
function masked (value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const text = value.includes('sentry_key=') ? value.replaceAll(/sentry_key=[^&#\s]*/g, 'sentry_key=***') : value
  return text.includes('dsn=') ? text.replaceAll(/(\bdsn=https?(?::|%3A)(?:\/|%2F){2})(?:(?!%40)[^&#\s@]){0,128}(?=@|%40)/gi, '$1***') : text
}

/** The user of `Authorization: Basic`, decoded as nginx does (ngx_http_auth_basic_user): none without a colon, none when empty. */
function remoteUser (headers: RawHeaders): string | undefined {
  const authorization = headerValue(headers, 'authorization')
  if (authorization === undefined) return undefined
  const match = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)
  if (match === null) return undefined
  const decoded = Buffer.from(match[1] ?? '', 'base64').toString('latin1')
  const colon = decoded.indexOf(':')
  return colon > 0 ? decoded.slice(0, colon) : undefined
}

/** Several lines are one list (nginx: ngx_http_variable_headers). */
function forwardedFor (headers: RawHeaders): string | undefined {
  let value = headerValue(headers, 'x-forwarded-for')
  if (value === undefined) return undefined
  let first = true
  for (let i = 0; i < headers.length; i += 2) {
    if (!isNamed(headers[i] as string, 'x-forwarded-for')) continue
    if (!first) value += `, ${headers[i + 1]}`
    first = false
  }
  return value
}
