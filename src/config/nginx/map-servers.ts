/**
 * The server blocks: their listeners, and the one list of routes they share. The router
 * has the same routes on every listener apart from one upstream, `ui`.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { describe, type Account } from './account.ts'
import type { RouteDraft } from './map-routes.ts'
import type { Directive } from './parser.ts'
import { effective, owned, type Scope } from './scope.ts'
import { parseLocation } from './values.ts'

export interface Listener {
  readonly host: string
  readonly port: number
  readonly node: Directive
}

const REFUSED_PARAMETERS: Readonly<Record<string, string>> = {
  ssl: 'TLS ends elsewhere: in front of the router',
  http2: 'the router speaks HTTP/1.1; let what ends TLS speak HTTP/2',
  quic: 'the router speaks HTTP/1.1; let what ends TLS speak HTTP/3',
  spdy: 'the router speaks HTTP/1.1',
  proxy_protocol: 'the router takes the client address from a header; see real_ip_header'
}

/** The addresses of one server. nginx's `listen 80` is IPv4 only and stays so; with `listen [::]:80` beside it, it is both. */
export function mapListeners (server: Scope, account: Account): Listener[] {
  const { node } = server
  if (node === null) return []
  const lines = owned(server, 'listen')
  if (lines.length === 0) return [{ host: '0.0.0.0', port: 80, node }]

  const listeners = lines.flatMap(line => readListen(line, account))
  const wild = new Set(listeners.filter(({ host }) => isWild(host)).map(({ host, port }) => `${host} ${port}`))
  return listeners.filter(({ host, port }) => !['::', '0.0.0.0'].some(other => other !== host && covers(other, host) && wild.has(`${other} ${port}`)))
}

/** Whether a socket on one address takes the connections to the other, too. */
function covers (host: string, other: string): boolean {
  return host === '::' || (host === '0.0.0.0' && isIPv4(other))
}

function readListen (line: Directive, account: Account): Listener[] {
  const [address = '', ...parameters] = line.args
  account.mapped(line, 'listeners')
  for (const [word, instead] of Object.entries(REFUSED_PARAMETERS)) {
    if (parameters.includes(word)) account.fault(line, `"${describe(line)}" is not carried over; ${instead}`)
  }
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]]*[^:[\]\d][^:[\]]*)):?)?(\d{1,5})?$/.exec(address)
  const host = match?.[1] ?? (match?.[2] === '*' || match?.[2] === undefined ? '0.0.0.0' : match[2])
  const port = Number(match?.[3] ?? 80)
  if (match === null || port < 1 || port > 65_535 || !(isIPv4(host) || (isIPv6(host) && match[1] !== undefined))) {
    account.fault(line, `"${describe(line)}" is not carried over; write a port, or an address and a port such as 127.0.0.1:80 or [::1]:80`)
    return []
  }
  return [{ host, port, node: line }]
}

/** Faults where two listeners want the same port. */
export function checkPorts (listeners: readonly Listener[], account: Account): void {
  const before = new Map<number, Listener[]>()
  for (const listener of listeners) {
    const same = before.get(listener.port) ?? []
    const other = same.find(({ host }) => host === listener.host || isWild(host) || isWild(listener.host))
    if (other === undefined) {
      before.set(listener.port, [...same, listener])
      continue
    }
    account.fault(listener.node, `port ${listener.port} is taken by the server of line ${other.node.line}; the router tells servers apart by port, not by name or address: give each its own`)
  }
}

function isWild (host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** The location of the same server that takes this one's copies; `null`: there is none. */
export function findMirror (scope: Scope, server: Scope, account: Account): Scope | null {
  const directives = effective(scope, 'mirror')
  for (const directive of directives) account.mapped(directive, 'routes[].mirror')
  const [directive, second] = directives.filter(({ args }) => args[0] !== 'off')
  if (directive === undefined) return null
  if (second !== undefined) account.fault(second, 'a request is copied once; leave one mirror')
  const candidates = server.children.filter(({ context, node }) => {
    const location = context === 'location' && node !== null ? parseLocation(node.args) : null
    return location !== null && !location.modifier.startsWith('~') && location.pattern === directive.args[0]
  })
  const target = candidates.find(({ node }) => node?.args[0]?.startsWith('=')) ?? candidates[0]
  if (target === undefined) account.fault(directive, `there is no location for "${describe(directive)}"; write "location = ${directive.args[0] ?? ''} { internal; … }" in this server`)
  return target ?? null
}

export interface MergedRoute {
  readonly draft: RouteDraft
  /** Name of an upstream, `ui`, or `null`. */
  readonly upstream: string | null
}

export interface Merged {
  readonly routes: readonly MergedRoute[]
  /** What `ui` means for each server. */
  readonly ui: readonly string[]
}

/** @param servers one list of routes for each server, the first not empty. `null` after a fault. */
export function mergeRoutes (servers: readonly (readonly RouteDraft[])[], account: Account): Merged | null {
  const [first = [], ...others] = servers
  for (const other of others) {
    const difference = firstDifference(first, other)
    if (difference === null) continue
    fail(difference, 'is not the same in every server block', account)
    return null
  }

  const names = (draft: RouteDraft): string[] => servers.map(server => server.find(({ location }) => location === draft.location)?.upstream?.name ?? '')
  const forwarded = first.filter(({ upstream }) => upstream !== null)
  const web = forwarded.find(({ location }) => location === '/') ?? forwarded.at(-1)
  const differing = forwarded.find(draft => new Set(names(draft)).size > 1)
  const leading = differing ?? web
  if (leading === undefined) return null
  const ui = names(leading)

  let faults = 0
  const routes = first.map(draft => {
    const own = names(draft)
    if (draft.upstream === null) return { draft, upstream: null }
    if (own.join(' ') === ui.join(' ')) return { draft, upstream: 'ui' }
    if (new Set(own).size > 1) {
      faults++
      fail(draft, `passes to ${own.join(' and ')}, while that of line ${leading.scope.node?.line ?? 0} passes to ${ui.join(' and ')}`, account)
    }
    return { draft, upstream: draft.upstream.name }
  })
  return faults === 0 ? { routes, ui } : null
}

function fail ({ scope: { node }, location }: RouteDraft, problem: string, account: Account): void {
  if (node !== null) account.fault(node, `location ${location} ${problem}; the router has the same routes on every port apart from one upstream: make the servers alike`)
}

/** Prefixes may stand in any order, regular expressions may not: the first that matches wins. */
function firstDifference (first: readonly RouteDraft[], other: readonly RouteDraft[]): RouteDraft | null {
  const byLocation = new Map(first.map(draft => [draft.location, draft]))
  const odd = other.find(draft => {
    const twin = byLocation.get(draft.location)
    return twin === undefined || meaning(twin) !== meaning(draft)
  })
  if (odd !== undefined) return odd
  const missing = first.find(draft => !other.some(({ location }) => location === draft.location))
  if (missing !== undefined) return missing
  return regexes(other).find((draft, i) => draft.location !== regexes(first)[i]?.location) ?? null
}

function regexes (drafts: readonly RouteDraft[]): RouteDraft[] {
  return drafts.filter(({ location }) => location.startsWith('~'))
}

function meaning ({ upstream, rewrite, hideHeaders, root, symlinks, addHeaders, types, internal, mirror }: RouteDraft): string {
  return JSON.stringify([upstream !== null, rewrite, hideHeaders, root, symlinks, addHeaders, types, internal, mirror !== null])
}
