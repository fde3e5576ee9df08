/** Request targets that this router writes itself: the upstream's, and the ones in its 301s. */
import { escapePath } from './escape.ts'
import type { NormalisedTarget } from './normalise.ts'
import type { Route } from './table.ts'

/**
 * The request target sent to the upstream: as received, or with the location's
 * prefix replaced (a proxy_pass with a path). nginx: ngx_http_proxy_create_request.
 *
 * @param target - As received, in origin form.
 */
export function forwardTarget (route: Route, target: string, { path, query }: NormalisedTarget): string {
  if (route.rewriteBytes === null) return target
  const rest = path.slice(route.prefixLength)
  // nginx escapes only if there was something to decode; other raw bytes pass as they came.
  const written = hasEscapes(target) ? escapePath(rest) : rest
  return query ? `${route.rewriteBytes}${written}?${query}` : route.rewriteBytes + written
}

/** Whether a `%` stands in the path, before `?` and `#`. */
function hasEscapes (target: string): boolean {
  for (let i = 0; i < target.length; i++) {
    const char = target.charAt(i)
    if (char === '%') return true
    if (char === '?' || char === '#') return false
  }
  return false
}

export interface RedirectTo {
  /** Lower case, without port; `null` on HTTP/1.0 without `Host`. */
  readonly host: string | null
  /** Port named beside the host, with the colon, or empty. */
  readonly hostPort: string
  /** The address the connection came in on, used when there is no host. */
  readonly localAddress: string
  /** Port the connection came in on. */
  readonly listenPort: number
  /** Escaped, ends in `/`. */
  readonly path: string
  readonly query: string | null
}

/**
 * The absolute `Location` of a 301. nginx names the port it listens on, which is
 * the wrong one behind a mapped port; a port that the client named is kept instead.
 */
export function redirectLocation ({ host, hostPort, localAddress, listenPort, path, query }: RedirectTo): string {
  const port = /^:[0-9]{1,5}$/.test(hostPort) ? hostPort : `:${listenPort}`
  const authority = (host ?? bracketed(localAddress)) + (port === ':80' ? '' : port)
  return `http://${authority}${path}${query ? `?${query}` : ''}`
}

function bracketed (address: string): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  return address.includes(':') ? `[${address}]` : address
}
