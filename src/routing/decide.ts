/**
 * What becomes of a request whose head is complete, in nginx's order. Pure: the
 * router acts on it, `explain` prints it.
 */
import type { ErrorCode } from '../errors.ts'
import type { RequestHead } from '../http1/message.ts'
import { normalisePath, type NormalisedTarget } from './normalise.ts'
import type { Route, RouteTable } from './table.ts'

export type Decision =
  /** `target`: `null` where the path could not be read. */
  | { readonly kind: 'refuse', readonly code: ErrorCode, readonly target: NormalisedTarget | null, readonly route: Route | null }
  /** No location matches, or one that no client may ask for. */
  | { readonly kind: 'not-found', readonly target: NormalisedTarget, readonly route: Route | null }
  /** To `location`, escaped, without query. */
  | { readonly kind: 'redirect', readonly target: NormalisedTarget, readonly route: Route, readonly location: string }
  /** Forwarded to the route's upstream, or served from its root. */
  | { readonly kind: 'serve', readonly target: NormalisedTarget, readonly route: Route }

/** @param maxBodyBytes - `client.max_body`; a chunked body shows its size only as it comes. */
export function decide (head: RequestHead, table: RouteTable, maxBodyBytes: number): Decision {
  const target = normalisePath(head.target)
  if (target === null) return { kind: 'refuse', code: 'BAD_PATH', target: null, route: null }
  if (head.method === 'TRACE') return { kind: 'refuse', code: 'METHOD_REFUSED', target, route: null }

  const match = table.match(target.path)
  if (match.kind === 'none') return { kind: 'not-found', target, route: null }
  const { route } = match
  if (route.internal) return { kind: 'not-found', target, route }
  if (head.contentLength > maxBodyBytes) return { kind: 'refuse', code: 'BODY_TOO_LARGE', target, route }
  if (match.kind === 'redirect') return { kind: 'redirect', target, route, location: match.location }
  return { kind: 'serve', target, route }
}
