/** Writes router.yaml: block style, each section at the start of a line. */
import { formatDuration, formatSize } from '../units.ts'
import type { MirrorSettings } from './map-mirror.ts'
import type { Listener, MergedRoute } from './map-servers.ts'
import type { ClientSettings, LogSettings, RealIpSettings } from './map-settings.ts'
import type { UpstreamSettings } from './map-upstreams.ts'

export interface Imported {
  readonly listeners: readonly (Listener & { readonly ui: string })[]
  readonly upstreams: readonly UpstreamSettings[]
  readonly routes: readonly MergedRoute[]
  readonly client: ClientSettings
  readonly realIp: RealIpSettings
  /** `null`: nothing is copied. */
  readonly mirror: MirrorSettings | null
  readonly workers: number | 'auto'
  readonly log: LogSettings
}

/** @param head lines of the comment at the top, without `#`. */
export function emitYaml (imported: Imported, head: readonly string[]): string {
  const { client, realIp, mirror, log } = imported
  const lines = [
    ...head.map(line => line === '' ? '#' : `# ${line}`),
    'listeners:',
    ...imported.listeners.map(({ host, port, ui }) => `  - { port: ${port}, host: ${scalar(host)}, ui: ${scalar(ui)} }`),
    'upstreams:',
    ...imported.upstreams.flatMap(upstream),
    'routes:',
    ...imported.routes.map(route),
    'client:',
    `  max_body: ${formatSize(client.maxBodyBytes)}`,
    `  header_timeout: ${formatDuration(client.headerTimeoutMs)}`,
    `  body_timeout: ${formatDuration(client.bodyTimeoutMs)}`,
    `  send_timeout: ${formatDuration(client.sendTimeoutMs)}`,
    `  keepalive_timeout: ${formatDuration(client.keepaliveTimeoutMs)}`,
    'real_ip:',
    `  header: ${scalar(realIp.header)}`,
    `  recursive: ${realIp.recursive}`,
    ...list('  trusted', realIp.trusted),
    ...mirror === null ? [] : mirrorSection(mirror),
    `workers: ${imported.workers}`,
    'log:',
    ...log.level === null ? [] : [`  level: ${log.level}`],
    `  access: ${log.access}`
  ]
  return `${lines.join('\n')}\n`
}

function upstream ({ name, servers, connectTimeoutMs, readTimeoutMs, sendTimeoutMs, nextUpstream, nextUpstreamTries }: UpstreamSettings): string[] {
  return [
    `  ${scalar(name)}:`,
    `    servers: ${flow(servers)}`,
    `    connect_timeout: ${formatDuration(connectTimeoutMs)}`,
    `    read_timeout: ${formatDuration(readTimeoutMs)}`,
    `    send_timeout: ${formatDuration(sendTimeoutMs)}`,
    `    next_upstream: ${nextUpstream.length === 0 ? 'off' : flow(nextUpstream)}`,
    `    next_upstream_tries: ${nextUpstreamTries}`
  ]
}

function route ({ draft, upstream }: MergedRoute): string {
  const { location, rewrite, hideHeaders, root, symlinks, addHeaders, types, internal, mirror } = draft
  const parts = [`location: ${quoted(location)}`]
  if (internal) parts.push('internal: true')
  if (upstream !== null) parts.push(`upstream: ${scalar(upstream)}`)
  if (mirror !== null) parts.push('mirror: true')
  if (rewrite !== null) parts.push(`rewrite: ${scalar(rewrite)}`)
  if (hideHeaders.length > 0) parts.push(`hide_headers: ${flow(hideHeaders)}`)
  if (root !== null) parts.push(`root: ${scalar(root)}`)
  if (symlinks === 'any') parts.push('symlinks: any')
  if (addHeaders.length > 0) parts.push(`add_headers: ${flowMap(addHeaders)}`)
  const typeEntries = Object.entries(types)
  if (typeEntries.length > 0) parts.push(`types: ${flowMap(typeEntries)}`)
  return `  - { ${parts.join(', ')} }`
}

function mirrorSection (mirror: MirrorSettings): string[] {
  return [
    'mirror:',
    `  endpoint: ${scalar(mirror.endpoint)}`,
    ...mirror.host === null ? [] : [`  host: ${scalar(mirror.host)}`],
    `  default: ${mirror.default === null ? 'off' : scalar(mirror.default)}`,
    ...mirror.projects.size === 0 ? [] : ['  projects:', ...[...mirror.projects].map(([id, path]) => `    ${id}: ${path === null ? 'off' : scalar(path)}`)],
    '  endpoints: all',
    '  methods: all',
    `  drop_headers: ${flow(mirror.dropHeaders)}`,
    `  connect_timeout: ${formatDuration(mirror.connectTimeoutMs)}`,
    `  send_timeout: ${formatDuration(mirror.sendTimeoutMs)}`,
    `  read_timeout: ${formatDuration(mirror.readTimeoutMs)}`
  ]
}

function list (key: string, values: readonly string[]): string[] {
  return values.length === 0 ? [`${key}: []`] : [`${key}:`, ...values.map(value => `    - ${scalar(value)}`)]
}

function flow (values: readonly string[]): string {
  return `[${values.map(scalar).join(', ')}]`
}

function flowMap (entries: readonly (readonly [key: string, value: string])[]): string {
  return `{ ${entries.map(([key, value]) => `${scalar(key)}: ${scalar(value)}`).join(', ')} }`
}

// Words YAML 1.1 or 1.2 would read as something other than text.
const RESERVED = /^(?:true|false|yes|no|on|off|null|y|n)$/i
const PLAIN = /^[A-Za-z/][\w/.-]*$/

function scalar (text: string): string {
  return PLAIN.test(text) && !RESERVED.test(text) ? text : quoted(text)
}

/** `${` and `$$` mean something to the loader, so their dollars are doubled. */
function quoted (text: string): string {
  return encode(text.replaceAll(/\$+(?=\{)|\${2,}/g, dollars => dollars + dollars))
}

function encode (text: string): string {
  return JSON.stringify(text).replaceAll(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
