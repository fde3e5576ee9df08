/**
 * What both prototypes do the same way, with the product's own pure parts:
 * routing, header rules, the client's address, the copy. What is left to fail
 * is the fault of the engine in front and behind.
 */
import { createRouteTable, type RouteTable } from '../../src/routing/table.ts'
import { forwardTarget, redirectLocation } from '../../src/routing/target.ts'
import { normalisePath } from '../../src/routing/normalise.ts'
import { parseAuthority, parseHost } from '../../src/http1/host.ts'
import { clientAddress, compileTrusted, forwardedLines } from '../../src/proxy/client-address.ts'
import { clientResponseBlock, isForwardedFor, isReplaced, upstreamRequestHead } from '../../src/proxy/headers.ts'
import { createRequestIds } from '../../src/proxy/request-id.ts'
import type { RouteConfig } from '../../src/config/config.ts'
import { DEFAULT_PATH, ENDPOINT_HOST, PROFILES } from '../../test/parity/profiles.ts'
import type { Ports } from '../../test/parity/ports.ts'

export const MAX_BODY_BYTES = 100 * 1024 * 1024
export const MAX_HEADER_BYTES = 32 * 1024
const MAX_LINE_BYTES = 8 * 1024

const DOCUMENT_RANGES = ['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/14', '172.24.0.0/14', '172.28.0.0/14', '192.168.0.0/16', '10.0.0.0/8']
const PLAIN_ROUTE = { upstream: 'ui', rewrite: null, mirror: false, hideHeaders: [], root: null, symlinks: 'inside', addHeaders: [], types: {}, internal: false } as const satisfies Omit<RouteConfig, 'location'>
const ROUTES: readonly RouteConfig[] = [
  { ...PLAIN_ROUTE, location: '/api/store/', upstream: 'relay' },
  { ...PLAIN_ROUTE, location: '~ ^/api/[1-9]\\d*/', upstream: 'relay', mirror: true },
  { ...PLAIN_ROUTE, location: '= /rum_mirror', internal: true },
  { ...PLAIN_ROUTE, location: '^~ /api/0/relays/', upstream: 'relay' },
  { ...PLAIN_ROUTE, location: '/_assets/', rewrite: '/_static/dist/sentry/', hideHeaders: ['content-disposition'] },
  { ...PLAIN_ROUTE, location: '/_static/', hideHeaders: ['content-disposition'] },
  { ...PLAIN_ROUTE, location: '/' }
]
const PROJECT_PATH = /^\/api\/([1-9]\d*)\//

export type Fields = readonly (readonly [name: string, value: string])[]

export interface Incoming {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly peer: string
  readonly port: number
  readonly minorVersion: 0 | 1
}

export interface Forward {
  readonly origin: string
  readonly target: string
  readonly hidden: readonly string[]
  readonly fields: (bodyLength: number) => Fields
  /** `null` where the request is not copied. */
  readonly copy: { readonly target: string, readonly fields: (bodyLength: number) => Fields } | null
}

/** Answers that end a connection. */
export const CLOSING: readonly number[] = [400, 405, 413, 414]

export type Decision =
  | { readonly answer: number, readonly location?: string }
  | { readonly forward: Forward }

export interface Timeouts {
  readonly connectMs: number
  readonly readMs: number
  readonly mirrorMs: number
  readonly clientMs: number
  readonly keepaliveMs: number
}

export interface Product {
  readonly ports: Ports
  readonly timeouts: Timeouts
  readonly endpointOrigin: string
  decide (incoming: Incoming): Decision
  /** The target for the upstream; for an engine that rewrites before it decides. */
  rewrite (target: string): string
  /** The upstream's `Content-Length` among them: neither engine sets one for a body that streams. */
  responseFields (headers: readonly string[], hidden: readonly string[]): Fields
}

export function createProduct (environment: NodeJS.ProcessEnv): Product {
  const ports = JSON.parse(environment['PARITY_PORTS'] ?? '{}') as Ports
  const profile = PROFILES[environment['PARITY_PROFILE'] ?? 'base'] ?? {}
  const table = createRouteTable(ROUTES)
  const trusted = compileTrusted([...DOCUMENT_RANGES, ...profile.trusted ?? []], true)
  const nextRequestId = createRequestIds()
  const paths = new Map((profile.map ?? []).map(([pattern, path]) => [/\d+/.exec(pattern)?.[0], path]))
  const limit = profile.clientAndMirrorTimeouts

  function decide (incoming: Incoming): Decision {
    const refusal = headRefusal(incoming)
    if (refusal !== null) return { answer: refusal }
    const { target, host } = originForm(incoming)
    const normalised = normalisePath(target)
    if (normalised === null || (host === null && incoming.minorVersion === 1)) return { answer: 400 }
    if (incoming.method === 'TRACE') return { answer: 405 }
    const match = table.match(normalised.path)
    if (match.kind === 'none' || match.route.internal) return { answer: 404 }
    if (Number(pairs(incoming.rawHeaders).find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? 0) > MAX_BODY_BYTES) return { answer: 413 }
    if (match.kind === 'redirect') {
      const location = redirectLocation({ host: host?.host ?? null, hostPort: host?.port ?? '', localAddress: '127.0.0.1', listenPort: incoming.port, path: match.location, query: normalised.query })
      return { answer: 301, location }
    }

    const { route } = match
    const lines = forwardedLines(incoming.rawHeaders, 'x-forwarded-for')
    const address = clientAddress(incoming.peer, lines, trusted)
    const requestId = nextRequestId()
    const framing = has(incoming.rawHeaders, 'transfer-encoding') ? 'chunked' : has(incoming.rawHeaders, 'content-length') ? 'length' : 'none'
    const headers = incoming.rawHeaders.filter((_, index, all) => /^[A-Za-z0-9-]+$/.test(all[index & ~1] ?? ''))
    const head = { method: incoming.method, target, minorVersion: incoming.minorVersion, headers, received: null, host: host?.host ?? null, hostPort: '', framing, contentLength: 0, keepAlive: true, expectContinue: false } as const
    const path = paths.get(PROJECT_PATH.exec(normalised.path)?.[1]) ?? DEFAULT_PATH
    return {
      forward: {
        origin: `http://127.0.0.1:${route.upstream === 'relay' ? ports.relay : incoming.port === ports.p81 ? ports.webrum : ports.web}`,
        target: forwardTarget(route, target, normalised),
        hidden: route.hideHeaders,
        fields: bodyLength => fieldsOf(upstreamRequestHead({ head, target, clientAddress: address, requestId, bodyLength })),
        copy: route.mirror ? copyOf(path + target) : null
      }
    }

    function copyOf (copyTarget: string): NonNullable<Forward['copy']> {
      return {
        target: copyTarget,
        fields: bodyLength => [
          ['Host', ENDPOINT_HOST],
          ['X-Forwarded-For', [...lines, address].join(', ')],
          ['X-Forwarded-Proto', 'http'],
          ['X-Request-Id', requestId],
          ...(framing === 'none' ? [] : [['Content-Length', String(bodyLength)] as const]),
          ...pairs(headers).filter(([name]) => !isReplaced(name) && !isForwardedFor(name))
        ]
      }
    }
  }

  return {
    ports,
    timeouts: {
      connectMs: milliseconds(profile.timeouts?.connect, 60_000),
      readMs: milliseconds(profile.timeouts?.read, 30_000),
      mirrorMs: milliseconds(limit, 5000),
      clientMs: milliseconds(limit, 60_000),
      keepaliveMs: milliseconds(limit, 75_000)
    },
    endpointOrigin: `http://127.0.0.1:${ports.rum}`,
    decide,
    rewrite: target => rewriteTarget(table, target),
    responseFields: (headers, hidden) => [
      ...fieldsOf(`\r\n${clientResponseBlock({ status: 200, reason: '', minorVersion: 1, headers, framing: 'none', contentLength: -1, keepAlive: true, keepAliveTimeoutMs: null }, hidden)}`),
      ...pairs(headers).filter(([name]) => name.toLowerCase() === 'content-length')
    ]
  }
}

/** @param limit - As in the profiles: whole seconds, `1s`. */
function milliseconds (limit: string | undefined, standard: number): number {
  return limit === undefined ? standard : Number.parseInt(limit, 10) * 1000
}

/** What nginx refuses and node's parser does not. */
function headRefusal ({ method, target, rawHeaders, minorVersion }: Incoming): number | null {
  if (method.length + target.length > MAX_LINE_BYTES) return 414
  const fields = pairs(rawHeaders)
  if (fields.some(([name, value]) => name.length + value.length > MAX_LINE_BYTES)) return 400
  if (fields.filter(([name]) => name.toLowerCase() === 'host').length > 1) return 400
  return minorVersion === 0 && fields.some(([name]) => name.toLowerCase() === 'transfer-encoding') ? 400 : null
}

function originForm ({ target, rawHeaders }: Incoming): { target: string, host: ReturnType<typeof parseHost> } {
  const absolute = parseAuthority(target)
  const authority = absolute?.authority ?? pairs(rawHeaders).find(([name]) => name.toLowerCase() === 'host')?.[1]
  return { target: absolute?.target ?? target, host: authority === undefined ? null : parseHost(authority) }
}

function rewriteTarget (table: RouteTable, target: string): string {
  const normalised = normalisePath(target)
  if (normalised === null) return target
  const match = table.match(normalised.path)
  return match.kind === 'route' ? forwardTarget(match.route, target, normalised) : target
}

/** The fields of a head as the product writes it: a first line, then `Name: value` lines. */
function fieldsOf (head: string): Fields {
  return head.split('\r\n').slice(1).filter(line => line !== '').map(line => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)] as const
  })
}

function pairs (raw: readonly string[]): Fields {
  return raw.flatMap((name, index) => index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : [])
}

function has (raw: readonly string[], name: string): boolean {
  return pairs(raw).some(([key]) => key.toLowerCase() === name)
}
