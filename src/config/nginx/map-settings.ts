/** client, real_ip, log and workers: values the router has once. */
import { isIP } from 'node:net'
import { headerName } from '../schema/http.ts'
import { agreed, type Setting } from './agree.ts'
import { describe, type Account } from './account.ts'
import { checkValue } from './check-value.ts'
import type { Directive } from './parser.ts'
import { effective, type Scope } from './scope.ts'
import { parseNginxSize, parseNginxTime } from './values.ts'

const ROUTER = 'the router'

/** The longest time router.yaml takes. */
const MOST_MS = 24 * 86_400_000

/** Times in milliseconds, sizes in bytes. */
export interface ClientSettings {
  readonly maxBodyBytes: number
  readonly headerTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly keepaliveTimeoutMs: number
}

/** @param scopes the locations that clients reach. */
export function mapClient (scopes: readonly Scope[], account: Account): ClientSettings {
  return {
    maxBodyBytes: agreed(scopes, { name: 'client_max_body_size', to: 'client.max_body', fallback: 1_048_576, read: readMaxBody }, ROUTER, account),
    headerTimeoutMs: agreed(scopes, time('client_header_timeout', 'client.header_timeout'), ROUTER, account),
    bodyTimeoutMs: agreed(scopes, time('client_body_timeout', 'client.body_timeout'), ROUTER, account),
    sendTimeoutMs: agreed(scopes, time('send_timeout', 'client.send_timeout'), ROUTER, account),
    keepaliveTimeoutMs: agreed(scopes, time('keepalive_timeout', 'client.keepalive_timeout', 75_000, 0), ROUTER, account)
  }
}

/** A directive with a time in its first argument; nginx's default is mostly 60 s. */
export function time (name: string, to: string, fallbackMs = 60_000, leastMs = 1): Setting<number> {
  const read = ([directive]: readonly Directive[], account: Account): number => {
    const ms = parseNginxTime(directive?.args[0] ?? '')
    if (directive === undefined) return fallbackMs
    if (ms === null) account.fault(directive, `"${describe(directive)}" is no time; write one such as 30s`)
    else if (ms < leastMs || ms > MOST_MS) account.fault(directive, `"${describe(directive)}" is not carried over; write a time from ${leastMs}ms to 24d`)
    return ms ?? 0
  }
  return { name, to, fallback: fallbackMs, read }
}

function readMaxBody ([directive]: readonly Directive[], account: Account): number {
  const bytes = parseNginxSize(directive?.args[0] ?? '')
  if (bytes !== null && bytes > 0) return bytes
  if (directive !== undefined) {
    account.fault(directive, bytes === 0
      ? '"client_max_body_size 0" means no limit, which the router does not offer; write the largest body to take, such as 1g'
      : `"${describe(directive)}" is no size; write one such as 100m`)
  }
  return 0
}

export interface RealIpSettings {
  readonly header: string
  readonly recursive: boolean
  readonly trusted: readonly string[]
}

/** @param scopes the locations that clients reach. */
export function mapRealIp (scopes: readonly Scope[], account: Account): RealIpSettings {
  return {
    header: agreed(scopes, { name: 'real_ip_header', to: 'real_ip.header', fallback: 'X-Real-IP', read: readRealIpHeader }, ROUTER, account),
    recursive: agreed(scopes, { name: 'real_ip_recursive', to: 'real_ip.recursive', fallback: false, read: readFlag }, ROUTER, account),
    trusted: agreed(scopes, { name: 'set_real_ip_from', to: 'real_ip.trusted', fallback: [], read: readTrusted }, ROUTER, account)
  }
}

function readRealIpHeader ([directive]: readonly Directive[], account: Account): string {
  const header = directive?.args[0] ?? ''
  if (directive !== undefined && header === 'proxy_protocol') {
    account.fault(directive, `"${describe(directive)}" is not carried over; the router takes the address from a header such as X-Forwarded-For`)
  } else if (directive !== undefined) checkValue(directive, headerName, header, account)
  return header
}

function readFlag ([directive]: readonly Directive[], account: Account): boolean {
  const value = directive?.args[0]?.toLowerCase()
  if (directive !== undefined && value !== 'on' && value !== 'off') account.fault(directive, `"${describe(directive)}" is neither on nor off; write one of them`)
  return value === 'on'
}

function readTrusted (directives: readonly Directive[], account: Account): string[] {
  return directives.flatMap(directive => {
    const [address = '', bits, ...more] = (directive.args[0] ?? '').split('/')
    const version = isIP(address)
    const width = version === 6 ? 128 : 32
    if (version === 0 || more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= width))) {
      account.fault(directive, `"${describe(directive)}" is not carried over; write an address or a range such as 172.17.0.0/16`)
      return []
    }
    return [`${address}/${bits ?? width}`]
  })
}

export interface LogSettings {
  readonly access: 'main' | 'off'
  /** `null`: the router's own default. */
  readonly level: string | null
}

// The document's log_format main; any name will do.
const MAIN_FORMAT = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"'

const LEVELS: ReadonlyMap<string, string> = new Map(Object.entries({
  debug: 'debug', info: 'info', notice: 'info', warn: 'warn', error: 'error', crit: 'fatal', alert: 'fatal', emerg: 'fatal'
}))

/** @param scopes the locations that clients reach. */
export function mapLog (scopes: readonly Scope[], account: Account): LogSettings {
  const formats = new Map<string, Directive>()
  for (const directive of scopes.flatMap(scope => effective(scope, 'log_format'))) formats.set(directive.args[0] ?? '', directive)
  const access = agreed(scopes, {
    name: 'access_log',
    to: 'log.access',
    fallback: null,
    read: (directives: readonly Directive[]): LogSettings['access'] | null => readAccessLogs(directives, formats, account)
  }, ROUTER, account)
  if (access === null) account.note('nginx writes its "combined" format here; the router writes "main", which has X-Forwarded-For at the end of each line as well.')
  const level = agreed<string | null>(scopes, { name: 'error_log', to: 'log.level', fallback: null, read: readErrorLog }, ROUTER, account)
  return { access: access ?? 'main', level }
}

/** @returns `null` for nginx's predefined format, combined. */
function readAccessLogs (directives: readonly Directive[], formats: ReadonlyMap<string, Directive>, account: Account): LogSettings['access'] | null {
  let access: LogSettings['access'] | null = 'off'
  for (const directive of directives) {
    const [path = '', ...parameters] = directive.args
    if (path === 'off') continue
    const name = parameters.find(parameter => !/^(?:buffer|flush|gzip|if)(?:=|$)/.test(parameter)) ?? 'combined'
    const format = formats.get(name)
    if (path.startsWith('syslog:') || parameters.some(parameter => parameter.startsWith('if='))) {
      account.fault(directive, `"${describe(directive)}" is not carried over; the router logs every request to standard output, or none: write a file name, or off`)
    } else if (format !== undefined && formatText(format) !== MAIN_FORMAT) {
      account.fault(directive, `the format "${name}" is not carried over; use the main format of the document, or write "access_log off"`)
    } else if (format === undefined && name !== 'combined') {
      account.fault(directive, `there is no log_format "${name}"; define it, or use one that is there`)
    }
    if (format !== undefined) account.mapped(format, 'log.access')
    account.note('Access log lines go to standard output, whatever file access_log names.')
    access = format === undefined ? null : 'main'
  }
  return access
}

function formatText ({ args }: Directive): string {
  const [, ...parts] = args
  return (parts[0] === 'escape=default' ? parts.slice(1) : parts).join('').replaceAll(/\$\{(\w+)\}/g, '$$$1')
}

function readErrorLog (directives: readonly Directive[], account: Account): string | null {
  const levels = directives.map(directive => {
    const level = LEVELS.get(directive.args[1] ?? 'error')
    if (level === undefined) account.fault(directive, `"${describe(directive)}" has no level nginx knows; write one such as warn`)
    return level ?? 'info'
  })
  return levels.at(-1) ?? null
}

/** @param top the file itself. */
export function mapWorkers (top: Scope, account: Account): number | 'auto' {
  const read = ([directive]: readonly Directive[]): number | 'auto' => {
    const text = directive?.args[0] ?? ''
    if (text === 'auto') return 'auto'
    if (directive !== undefined && !(/^[1-9]\d{0,2}$/.test(text) && Number(text) <= 256)) account.fault(directive, `"${describe(directive)}" is no number of processes; write auto, or a number from 1 to 256`)
    return Number(text)
  }
  return agreed<number | 'auto'>([top], { name: 'worker_processes', to: 'workers', fallback: 1, read }, ROUTER, account)
}
