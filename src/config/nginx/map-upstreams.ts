/** upstream blocks, and the servers that proxy_pass names without one. */
import { server as serverType, upstreamName } from '../schema/addresses.ts'
import { agreed } from './agree.ts'
import { describe, type Account } from './account.ts'
import { checkValue } from './check-value.ts'
import { time } from './map-settings.ts'
import type { Directive } from './parser.ts'
import { owned, type Scope } from './scope.ts'
import { formatAddress, parseAddress } from './values.ts'

export interface UpstreamBlock {
  readonly name: string
  /** `null` for a server that proxy_pass names directly. */
  readonly node: Directive | null
  /** `host:port`. */
  readonly servers: readonly string[]
}

export interface UpstreamSettings extends UpstreamBlock {
  readonly connectTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly readTimeoutMs: number
  readonly nextUpstream: readonly string[]
  readonly nextUpstreamTries: number
}

/** Finds the upstream that a proxy_pass names; `null` when it names none that can be used. */
export type FindUpstream = (authority: string) => UpstreamBlock | null

export function readUpstreams (http: Scope, account: Account): FindUpstream {
  const blocks = new Map<string, Scope>()
  for (const scope of http.children) {
    if (scope.context !== 'upstream' || scope.node === null) continue
    const name = scope.node.args[0] ?? ''
    const before = blocks.get(name.toLowerCase())
    if (before !== undefined) account.fault(scope.node, `upstream "${name}" is defined twice; keep one (the other is in line ${before.node?.line ?? 0})`)
    blocks.set(name.toLowerCase(), scope)
  }

  const found = new Map<string, UpstreamBlock>()
  return authority => {
    const key = authority.toLowerCase()
    const known = found.get(key)
    if (known !== undefined) return known
    const scope = blocks.get(key)
    const block = scope === undefined ? directUpstream(authority, name => blocks.has(name) || [...found.values()].some(other => other.name === name)) : readBlock(scope, account)
    if (block !== null) found.set(key, block)
    return block
  }
}

function readBlock (scope: Scope, account: Account): UpstreamBlock {
  const { node } = scope
  const name = node?.args[0] ?? ''
  const lines = owned(scope, 'server')
  const servers = lines.map(line => readServer(line, lines.length, account))
  if (node !== null) {
    account.mapped(node, `upstreams.${name}`)
    checkValue(node, upstreamName, name, account)
    if (lines.length === 0 && !account.isFaulty(node)) account.fault(node, `upstream "${name}" has no server; write one`)
  }
  for (const method of ['least_conn', 'ip_hash', 'hash', 'random'].flatMap(word => owned(scope, word))) {
    if (lines.length > 1) account.fault(method, `"${describe(method)}" is not carried over; the router takes the servers of an upstream in turn`)
    else account.none(method, 'there is one server to choose from')
  }
  for (const [i, line] of lines.entries()) {
    const twin = servers.indexOf(servers[i] ?? '')
    if (twin < i) account.fault(line, `"${describe(line)}" stands here twice; keep one (the other is in line ${lines[twin]?.line ?? 0})`)
  }
  return { name, node, servers }
}

const SERVER_DEFAULTS: ReadonlySet<string> = new Set(['weight=1', 'max_conns=0', 'max_fails=1', 'fail_timeout=10', 'fail_timeout=10s', 'resolve'])

function readServer (directive: Directive, count: number, account: Account): string {
  const [text = '', ...parameters] = directive.args
  const address = parseAddress(text)
  account.mapped(directive, 'upstreams.*.servers, or mirror.endpoint')
  if (address === null) account.fault(directive, `"${describe(directive)}" is no address the router can use; write host:port`)
  else checkValue(directive, serverType, formatAddress(address.host, address.port ?? 80), account)
  // With a single server nginx itself ignores how it is weighed and when it is skipped.
  const refused = parameters.find(parameter => !SERVER_DEFAULTS.has(parameter) && !(count === 1 && /^(?:weight|max_fails|fail_timeout)=/.test(parameter)))
  if (refused !== undefined) account.fault(directive, `"${refused}" is not carried over; the router takes the servers of an upstream in turn and skips one for 10 s after a failure`)
  return address === null ? text : formatAddress(address.host, address.port ?? 80)
}

function directUpstream (authority: string, taken: (name: string) => boolean): UpstreamBlock | null {
  const address = parseAddress(authority)
  if (address === null) return null
  const server = formatAddress(address.host, address.port ?? 80)
  const name = [plain(address.host), plain(server)].find(candidate => candidate !== 'ui' && !taken(candidate)) ?? plain(`${server}-2`)
  return { name, node: null, servers: [server] }
}

function plain (text: string): string {
  return text.replaceAll(/[^\w.-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '')
}

const NEXT_UPSTREAM: ReadonlySet<string> = new Set([
  'error', 'timeout', 'invalid_header', 'non_idempotent', 'http_500', 'http_502', 'http_503', 'http_504', 'http_403', 'http_404', 'http_429'
])

/** @param users the locations that pass to it. */
export function mapUpstream (block: UpstreamBlock, users: readonly Scope[], account: Account): UpstreamSettings {
  const owner = `upstream ${block.name}`
  return {
    ...block,
    connectTimeoutMs: agreed(users, time('proxy_connect_timeout', 'upstreams.*.connect_timeout'), owner, account),
    sendTimeoutMs: agreed(users, time('proxy_send_timeout', 'upstreams.*.send_timeout'), owner, account),
    readTimeoutMs: agreed(users, time('proxy_read_timeout', 'upstreams.*.read_timeout'), owner, account),
    nextUpstream: agreed(users, { name: 'proxy_next_upstream', to: 'upstreams.*.next_upstream', fallback: ['error', 'timeout'], read: readNextUpstream }, owner, account),
    nextUpstreamTries: agreed(users, { name: 'proxy_next_upstream_tries', to: 'upstreams.*.next_upstream_tries', fallback: 0, read: readTries }, owner, account)
  }
}

function readNextUpstream ([directive]: readonly Directive[], account: Account): string[] {
  const words = [...new Set(directive?.args)]
  const odd = words.find(word => word !== 'off' && !NEXT_UPSTREAM.has(word))
  if (directive !== undefined && odd !== undefined) account.fault(directive, `"${odd}" is not carried over; the router knows ${[...NEXT_UPSTREAM].join(', ')} and off`)
  // Beside other words "off" wins in nginx.
  return words.includes('off') ? [] : words
}

function readTries ([directive]: readonly Directive[], account: Account): number {
  const text = directive?.args[0] ?? ''
  if (directive !== undefined && !(/^\d{1,4}$/.test(text) && Number(text) <= 1000)) account.fault(directive, `"${describe(directive)}" is no number of tries; write 0 for no limit, or a number up to 1000`)
  return Number(text)
}
