/**
 * What the router would do with one request, decided by the functions the router
 * itself decides with. Pure: nothing is sent.
 */
import type { Config, ListenerConfig, MirrorConfig } from '../config/config.ts'
import { ERRORS, type ErrorCode } from '../errors.ts'
import type { RequestHead } from '../http1/message.ts'
import { parseRequestHead } from '../http1/request-head.ts'
import { copyFields, decideCopy } from '../mirror/keep.ts'
import type { SkipReason } from '../mirror/observer.ts'
import { clientAddress, compileTrusted, forwardedLines } from '../proxy/client-address.ts'
import { upstreamRequestHead } from '../proxy/headers.ts'
import { decide, type Decision } from '../routing/decide.ts'
import type { NormalisedTarget } from '../routing/normalise.ts'
import { createRouteTable, type Route, type RouteTable } from '../routing/table.ts'
import { forwardTarget, redirectLocation } from '../routing/target.ts'

/** The request line and the header lines, each ended by CRLF; latin1. */
export type RequestText = string

export interface Explanation {
  readonly listener: { readonly port: number, readonly ui: string }
  readonly clientAddress: string
  /** Decoded and normalised, bytes as latin1; `null` where none was reached. */
  readonly path: string | null
  readonly route: { readonly location: string, readonly why: string } | null
  readonly answer: Answer
  readonly mirror: Mirroring
}

/** Where the client's answer comes from. */
export type Answer =
  | { readonly from: 'router', readonly status: number, readonly why: string, readonly location?: string }
  | { readonly from: 'file', readonly file: string }
  /** `head`: the lines sent, without the empty one. */
  | { readonly from: 'upstream', readonly upstream: string, readonly servers: readonly string[], readonly head: readonly string[] }

export type Mirroring =
  | { readonly copied: false, readonly project?: string, readonly why: string }
  | { readonly copied: true, readonly project: string, readonly url: string, readonly head: readonly string[] }

export interface ExplainOptions {
  readonly config: Config
  readonly listener: ListenerConfig
  readonly peer: string
  /** Whether mapped paths are shown. */
  readonly showSecrets: boolean
}

/** In place of the id that is made for each request. */
const REQUEST_ID = '<request id>'
/** In place of a mapped path. */
const SECRET = '/[secret]'

const NOT_FORWARDED: Mirroring = { copied: false, why: 'only requests that are forwarded are copied' }

const SKIP_SENTENCES: Readonly<Record<SkipReason, string>> = {
  off: 'the mirror is off for this project',
  method: 'the method is not one of mirror.methods',
  endpoint: 'the path is not one of mirror.endpoints'
}

export function explainRequest (text: RequestText, options: ExplainOptions): Explanation {
  const { config, listener, peer } = options
  let address = peer
  let path: string | null = null
  let route: Explanation['route'] = null

  const head = parseRequestHead(text, true)
  if (head === null || typeof head === 'string') return explained(refusal(head ?? 'BAD_REQUEST'))

  const { realIp } = config
  address = clientAddress(peer, forwardedLines(head.headers, realIp.header), compileTrusted(realIp.trusted, realIp.recursive))
  const table = createRouteTable(config.routes)
  const decision = decide(head, table, config.client.maxBodyBytes)
  const { target } = decision
  path = target?.path ?? null
  if (decision.route !== null) route = { location: decision.route.location, why: whyItWon(decision.route, decision.kind, path ?? '', table) }
  if (decision.kind === 'refuse') return explained(refusal(decision.code))
  if (decision.kind === 'not-found') return explained({ from: 'router', status: 404, why: decision.route === null ? 'no location matches' : 'the location is internal' })
  if (decision.kind === 'redirect') {
    const location = redirectLocation({ host: head.host, hostPort: head.hostPort, localAddress: listener.host, listenPort: listener.port, path: decision.location, query: decision.target.query })
    return explained({ from: 'router', status: 301, why: 'the path lacks the final slash of the location', location })
  }
  if (decision.route.root !== null) return explained({ from: 'file', file: decision.route.root.replace(/\/$/, '') + decision.target.path })

  const request: Forwarded = { head, target: decision.target, route: decision.route, address }
  return explained(forwarding(request, options), mirroring(request, options))

  function explained (answer: Answer, mirror = NOT_FORWARDED): Explanation {
    return { listener: { port: listener.port, ui: listener.ui }, clientAddress: address, path, route, answer, mirror }
  }
}

function refusal (code: ErrorCode): Answer {
  const { status, summary } = ERRORS[code]
  return { from: 'router', status: status ?? 0, why: summary.charAt(0).toLowerCase() + summary.slice(1, -1) }
}

interface Forwarded {
  readonly head: RequestHead
  readonly target: NormalisedTarget
  readonly route: Route
  /** After real_ip. */
  readonly address: string
}

function forwarding ({ head, target, route, address }: Forwarded, { config, listener }: ExplainOptions): Answer {
  const name = route.upstream === 'ui' ? listener.ui : route.upstream ?? ''
  const text = upstreamRequestHead({ head, target: forwardTarget(route, head.target, target), clientAddress: address, requestId: REQUEST_ID, bodyLength: head.contentLength })
  return {
    from: 'upstream',
    upstream: name,
    servers: (config.upstreams[name]?.servers ?? []).map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`),
    head: text.split('\r\n').filter(line => line !== '')
  }
}

function mirroring ({ head, target, route, address }: Forwarded, { config, showSecrets }: ExplainOptions): Mirroring {
  const { mirror } = config
  if (!route.mirror) return { copied: false, why: 'the route has no mirror: true' }
  if (mirror === null) return { copied: false, why: 'mirror.endpoint is off' }
  const decision = decideCopy(mirror, head.method, target.path)
  if (decision.kind === 'skip') return { copied: false, project: decision.project, why: SKIP_SENTENCES[decision.reason] }

  const sent = (showSecrets ? decision.mappedPath : SECRET) + head.target
  return { copied: true, project: decision.project, url: mirror.endpoint.origin + sent, head: copyHead(mirror, head, sent, address) }
}

function copyHead (mirror: MirrorConfig, head: RequestHead, target: string, address: string): string[] {
  const fields = copyFields(head, { dropHeaders: mirror.dropHeaders, clientAddress: address, requestId: REQUEST_ID })
  const lines = [`${head.method} ${target} HTTP/1.1`, `Host: ${mirror.host}`]
  lines.push(...fields.split('\r\n').filter(line => line !== ''))
  if (head.framing !== 'none') lines.push(`Content-Length: ${head.contentLength}`)
  return lines
}

function whyItWon (route: Route, kind: Decision['kind'], path: string, table: RouteTable): string {
  if (kind === 'redirect') return 'nothing else is named exactly so, and it forwards'
  if (route.kind === 'exact') return 'it is exactly the path'
  const others = table.routes.filter(other => other.kind === 'regex')
  if (route.kind === 'prefix') {
    if (route.location.startsWith('^~')) return 'the longest prefix, and ^~ keeps regular expressions out'
    return others.length === 0 ? 'the longest prefix' : 'the longest prefix, and no regular expression matches'
  }
  const prefix = createRouteTable(table.routes.filter(other => other.kind !== 'regex')).match(path)
  return `the first regular expression that matches${prefix.kind === 'route' ? `; it goes before the prefix ${prefix.route.location}` : ''}`
}
