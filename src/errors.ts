/** Whose fault it is. Decides who is paged, and whether the client is told. */
export type ErrorSource = 'client' | 'upstream' | 'router'

interface ErrorSpec {
  readonly source: ErrorSource
  /** Status the client gets; `null` where the connection is cut without an answer. */
  readonly status: number | null
  /** Whether nginx, and so this router, closes the connection after the answer. */
  readonly close: boolean
  readonly summary: string
}

/** Every error a request can end in. docs/errors.md is printed from this table. */
export const ERRORS = {
  BAD_REQUEST: { source: 'client', status: 400, close: true, summary: 'The request is not well-formed HTTP/1.' },
  BAD_PATH: { source: 'client', status: 400, close: true, summary: 'The path of the request cannot be decoded, or leads above the root.' },
  METHOD_REFUSED: { source: 'client', status: 405, close: true, summary: 'TRACE and CONNECT are refused.' },
  BODY_TOO_LARGE: { source: 'client', status: 413, close: true, summary: 'The request body exceeds client.max_body.' },
  TARGET_TOO_LONG: { source: 'client', status: 414, close: true, summary: 'The request line exceeds 8 KiB.' },
  HEADERS_TOO_LARGE: { source: 'client', status: 400, close: true, summary: 'A header line exceeds 8 KiB, or all of them 32 KiB.' },
  CODING_UNKNOWN: { source: 'client', status: 501, close: true, summary: 'Transfer-Encoding is something other than chunked.' },
  VERSION_UNKNOWN: { source: 'client', status: 505, close: true, summary: 'The HTTP version is 2.0 or later.' },
  CLIENT_TIMEOUT: { source: 'client', status: null, close: true, summary: 'The client was silent for longer than its timeout; the connection was reset.' },
  CLIENT_ABORTED: { source: 'client', status: null, close: true, summary: 'The client left before its request was complete.' },
  BODY_NOT_STORED: { source: 'router', status: 503, close: true, summary: 'The bodies of requests under way leave no space for this one, or the disk takes none.' },
  OVERLOADED: { source: 'router', status: 503, close: true, summary: 'As many requests are under way, in all or to this upstream, as there may be; none waits for its turn.' },
  EXHAUSTED: { source: 'router', status: 503, close: false, summary: 'This machine has no file descriptor or port left for a connection.' },
  UPSTREAM_UNREACHABLE: { source: 'upstream', status: 502, close: false, summary: 'No connection to the upstream could be made.' },
  UPSTREAM_RESET: { source: 'upstream', status: 502, close: false, summary: 'The upstream closed the connection before the response head was complete.' },
  UPSTREAM_INVALID: { source: 'upstream', status: 502, close: false, summary: 'The upstream answered with something that is not HTTP/1, or with a head of more than 128 KiB.' },
  UPSTREAM_TIMEOUT: { source: 'upstream', status: 504, close: false, summary: 'The upstream was silent for longer than its timeout.' },
  INTERNAL: { source: 'router', status: 500, close: true, summary: 'A bug in this program.' }
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof ERRORS

export class RouterError extends Error {
  override readonly name = 'RouterError'
  readonly code: ErrorCode
  readonly spec: ErrorSpec

  constructor (code: ErrorCode, options?: { detail?: string, cause?: unknown }) {
    const spec: ErrorSpec = ERRORS[code]
    super(options?.detail ? `${spec.summary} ${options.detail}` : spec.summary, { cause: options?.cause })
    this.code = code
    this.spec = spec
  }
}
