/** Reads nginx's own notations: times, sizes, addresses, locations. */
import { isIP } from 'node:net'

const TIME_UNITS = [['w', 604_800_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000], ['ms', 1]] as const
/** Every part begins with a digit behind its spaces, so that a run of spaces can be read in one way only. */
const TIME = /^(?: *(\d+)w)?(?: *(\d+)d)?(?: *(\d+)h)?(?: *(\d+)m(?!s))?(?: *(\d+)s)?(?: *(\d+)ms)?(?: *(\d+))? *$/

/** Milliseconds; a number without unit is seconds (ngx_parse_time). `null` when it is no time. */
export function parseNginxTime (text: string): number | null {
  const match = TIME.exec(text)
  if (match === null || !/\d/.test(text)) return null
  let ms = Number(match[7] ?? 0) * 1000
  for (const [i, [, factor]] of TIME_UNITS.entries()) ms += Number(match[i + 1] ?? 0) * factor
  return Number.isSafeInteger(ms) ? ms : null
}

/** Bytes; `k`, `m` and `g` are powers of 1024 (ngx_parse_offset). `null` when it is no size. */
export function parseNginxSize (text: string): number | null {
  const match = /^(\d+)([kmg]?)$/i.exec(text)
  if (match === null) return null
  const bytes = Number(match[1]) * 1024 ** ' kmg'.indexOf((match[2] ?? '').toLowerCase() || ' ')
  return Number.isSafeInteger(bytes) ? bytes : null
}

export interface Address {
  /** Without brackets. */
  readonly host: string
  /** `null` where none is written. */
  readonly port: number | null
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; `null` when it is none of them. Hosts may be placeholders. */
export function parseAddress (text: string): Address | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^[\]:/\s]+))(?::(\d{1,5}))?$/i.exec(text)
  if (match === null) return null
  const host = match[1] ?? match[2] ?? ''
  if (match[1] !== undefined && isIP(host) !== 6) return null
  const port = match[3] === undefined ? null : Number(match[3])
  return port !== null && (port < 1 || port > 65_535) ? null : { host, port }
}

/** `relay:3000`, `[::1]:3000`. */
export function formatAddress (host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

export interface Location {
  readonly modifier: '' | '=' | '^~' | '~' | '~*'
  readonly pattern: string
}

/** The arguments of `location`; a modifier may touch its pattern, as in `location =/x`. `null` when nginx refuses them. */
export function parseLocation (args: readonly string[]): Location | null {
  const [first = '', second] = args
  if (second !== undefined) return isModifier(first) ? { modifier: first, pattern: second } : null
  const glued = /^(=|\^~|~\*?)(.+)$/s.exec(first)
  const modifier = glued?.[1] ?? ''
  return isModifier(modifier) ? { modifier, pattern: glued?.[2] ?? first } : null
}

/** As router.yaml writes it: `~ ^/api/`. */
export function formatLocation ({ modifier, pattern }: Location): string {
  return modifier === '' ? pattern : `${modifier} ${pattern}`
}

function isModifier (text: string): text is Location['modifier'] {
  return text === '' || text === '=' || text === '^~' || text === '~' || text === '~*'
}
