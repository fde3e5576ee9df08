/** What a socket's error means for a request, in the words of the metrics. */

export type FaultReason =
  | 'refused' | 'reset' | 'timeout' | 'dns' | 'tls' | 'unreachable'
  /** What came is not an HTTP/1 response. */
  | 'invalid_response'
  /** The request's own body could not be read. */
  | 'body_lost'
  /** This machine has no file descriptor or port left. */
  | 'exhausted'

const REASONS: Readonly<Record<string, FaultReason>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'exhausted',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ENOTCONN: 'reset'
}

/**
 * Matched on `code`, never on class: two copies of a library may be loaded.
 *
 * @param secure - Whether the connection is TLS: an error of another kind is then the handshake's or the certificate's.
 */
export function faultReason (error: unknown, secure: boolean): FaultReason {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? (secure ? 'tls' : 'reset')
}
