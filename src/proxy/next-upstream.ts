/** When a failed try goes on to the next server: nginx's proxy_next_upstream, as a table. Pure. */
import type { NextUpstreamReason, UpstreamConfig } from '../config/config.ts'
import type { UpstreamErrorReason } from './ports.ts'

/**
 * @param failure - What went wrong, or `status` for a complete head whose status counts as a failure.
 * @param status - Of the response, 0 without one.
 * @param tries - Tries made, this one included.
 * @param requestSent - Whether the server may have seen the request.
 */
export function goesOn (config: UpstreamConfig, failure: UpstreamErrorReason | 'status', status: number, method: string, tries: number, requestSent: boolean): boolean {
  if (config.nextUpstreamTries > 0 && tries >= config.nextUpstreamTries) return false
  if (requestSent && isNonIdempotent(method) && !config.nextUpstream.includes('non_idempotent')) return false
  return config.nextUpstream.includes(condition(failure, status))
}

/** Whether a response with this status may be given up for another server's. */
export function isFailureStatus (config: UpstreamConfig, status: number): boolean {
  return status >= 400 && config.nextUpstream.includes(condition('status', status))
}

function condition (failure: UpstreamErrorReason | 'status', status: number): NextUpstreamReason {
  switch (failure) {
    case 'timeout': return 'timeout'
    case 'invalid_response': return 'invalid_header'
    case 'status': return `http_${status}` as NextUpstreamReason
    case 'refused': case 'reset': case 'dns': case 'unreachable': return 'error'
  }
}

/** nginx: POST, LOCK, PATCH. */
function isNonIdempotent (method: string): boolean {
  return method === 'POST' || method === 'LOCK' || method === 'PATCH'
}
