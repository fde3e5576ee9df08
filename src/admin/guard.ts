/**
 * Who may do what on the admin listener. One hook asks before every route, so that no
 * route can forget to:
 *
 *   open      for probes and scrapers under any name: metrics, health
 *   data      what is shown to people: no page of another site, no name pointed at us
 *   guarded   changes state or shows bodies: the same, and the token where there is one
 *
 * A route says what it is in its options, `config: { access: 'open' }`. One that says
 * nothing is data, and whatever is not read (POST, …) is guarded, whatever it says.
 * docs/decisions/0004 says why.
 */
import type { FastifyInstance } from 'fastify'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { crossSiteFault, isNavigation, unknownHostFault } from './same-site.ts'

export type Access = 'open' | 'data' | 'guarded'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may ask this route; see admin/guard.ts. */
    access?: Access
  }
}

export interface AccessRules {
  /** What the listener is bound to. */
  readonly host: string
  /** Further names that browsers know it under; lower case. */
  readonly hosts: readonly string[]
  /** `null`: nobody is asked for one. */
  readonly token: string | null
}

export interface AdminRoute {
  readonly method: string
  readonly path: string
  readonly access: Access
}

export interface Refusal {
  readonly status: 401 | 403
  readonly error: string
  /** A sentence that says what to do. */
  readonly message: string
}

/** How the answers of a route may be used by the pages of a browser: not at all, unless it says otherwise. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store'
} as const

const READS = ['GET', 'HEAD']

/**
 * Before any route is added.
 *
 * @param rules - Those in force now.
 * @returns Every route added from then on.
 */
export function guard (app: FastifyInstance, rules: () => AccessRules): readonly AdminRoute[] {
  const routes: AdminRoute[] = []
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const name of [method].flat()) routes.push({ method: name, path: url, access: accessOf(name, config?.access) })
  })
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(HEADERS)
    const refusal = refusalOf(request.method, request.headers, accessOf(request.method, request.routeOptions.config.access), rules())
    if (refusal === null) return
    if (refusal.status === 401) void reply.header('www-authenticate', 'Bearer realm="mirror-router"')
    return reply.code(refusal.status).send({ error: refusal.error, message: refusal.message })
  })
  return routes
}

/** @param said - What the route says of itself. */
export function accessOf (method: string, said: Access | undefined): Access {
  return READS.includes(method) ? said ?? 'data' : 'guarded'
}

/** @returns Why the request is refused, or `null`. */
export function refusalOf (method: string, headers: IncomingHttpHeaders, access: Access, { host, hosts, token }: AccessRules): Refusal | null {
  if (access === 'open') return null
  // Following a link shows the page to its reader, and nothing to the site it was on.
  const crossSite = access === 'data' && isNavigation(method, headers) ? null : crossSiteFault(headers)
  if (crossSite !== null) return { status: 403, error: 'cross_site', message: `${crossSite} Open the router's own page, or ask with a program.` }

  const known = token !== null && holdsToken(headers.authorization, token)
  // No page knows the token: who does may call us what they like.
  const unknownHost = known ? null : unknownHostFault(headers.host, [host.toLowerCase(), ...hosts])
  if (unknownHost !== null) return { status: 403, error: 'unknown_host', message: unknownHost }
  if (access === 'data' || token === null || known) return null
  return {
    status: 401,
    error: 'token',
    message: `This needs the admin token${headers.authorization === undefined ? '' : ', and what came is another one'}: send "Authorization: Bearer TOKEN" with what admin.token of the configuration says.`
  }
}

/** Takes the same time whatever is wrong with it. */
function holdsToken (authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(.*)$/i.exec(authorization ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
