/**
 * What the proxy needs from the rest of the program, in the proxy's own words.
 * `mirror/` implements KeepCopy, `admin/metrics.ts` and the access log implement
 * ProxyObserver; `app.ts` plugs them together. The proxy imports neither.
 */
import type { RequestHead } from '../http1/message.ts'
import type { RequestBody } from './request-body.ts'

/** A complete request on a route with `mirror: true`, as the proxy offers it to the mirror. */
export interface CopySource {
  readonly head: RequestHead
  /** The normalised, decoded path: `/api/<project>/…`. */
  readonly path: string
  readonly body: RequestBody
  /** The client's address after real_ip, as sent to the upstream in `X-Forwarded-For`. */
  readonly clientAddress: string
  /** 32 lower-case hex digits; the upstream got the same. */
  readonly requestId: string
}

/**
 * Takes a copy of a request for the mirror, or decides not to. Never throws.
 *
 * @returns `null` when there is nothing to wait for; otherwise a promise that
 *   settles when the client may be answered: the copy is durable, or
 *   `spool.commit_timeout` has passed. It never rejects.
 */
export type KeepCopy = (source: CopySource) => Promise<void> | null

/** Where a client was when it left. */
export type AbortPhase = 'head' | 'body' | 'response'

/** What there is no more of, so that a client is answered 503 at once instead of waiting. */
export type RefusalReason = 'connections' | 'connections_per_address' | 'requests' | 'bodies' | 'descriptors'

export type UpstreamErrorReason = 'refused' | 'reset' | 'timeout' | 'dns' | 'invalid_response' | 'unreachable'

/** One finished request: everything the access log and the metrics say about it. */
export interface Settled {
  /** Port of the listener, as a label: `80`. */
  readonly listener: string
  /** The location as written in the configuration, or `none` when no route was reached. */
  readonly route: string
  /** Status sent, or nginx's 499 when the client left before an answer. */
  readonly status: number
  readonly durationMs: number
  /** Body bytes written to the client. */
  readonly bytesSent: number
  /** The client's address after real_ip. */
  readonly clientAddress: string
  /** The request line as received, latin1; empty when none could be read. */
  readonly requestLine: string
  /** `null` when the request was malformed. */
  readonly head: RequestHead | null
  readonly requestId: string
  /** The normalised path, if the request was complete and on a route with `mirror: true`: then `KeepCopy` saw it too. */
  readonly mirrorPath: string | null
}

export interface ProxyObserver {
  settled (request: Settled): void
  upstreamError (upstream: string, reason: UpstreamErrorReason): void
  clientAborted (phase: AbortPhase): void
  refused (reason: RefusalReason): void
}
