/** Both prototypes' clients: undici pools, and what their errors mean to a client of ours. */
import { Agent } from 'undici'
import { METHODS } from 'node:http'
import type { Forward, Timeouts } from './product.ts'

/** Every method node's parser knows. */
export const KNOWN_METHODS: readonly string[] = METHODS.filter(method => method !== 'CONNECT')

const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  UND_ERR_HEADERS_TIMEOUT: 504,
  UND_ERR_BODY_TIMEOUT: 504,
  UND_ERR_CONNECT_TIMEOUT: 504
}
/** llhttp's reasons that nginx answers with something other than 400. */
const STATUS_OF_PARSE_ERROR: Readonly<Record<string, number>> = {
  HPE_INVALID_VERSION: 505,
  HPE_INVALID_TRANSFER_ENCODING: 501,
  HPE_HEADER_OVERFLOW: 400
}

export function upstreamAgent ({ connectMs, readMs }: Timeouts): Agent {
  return new Agent({ connectTimeout: connectMs, headersTimeout: readMs, bodyTimeout: readMs, maxHeaderSize: 128 * 1024 })
}

export function mirrorAgent ({ mirrorMs }: Timeouts): Agent {
  return new Agent({ connectTimeout: mirrorMs, headersTimeout: mirrorMs, bodyTimeout: mirrorMs, connections: 64 })
}

/** 502 unless it was a silence. */
export function statusOfError (code: unknown): number {
  return STATUS_OF_ERROR[String(code)] ?? 502
}

export function statusOfParseError (code: unknown): number {
  return STATUS_OF_PARSE_ERROR[String(code)] ?? 400
}

/** One attempt, as nginx; what the endpoint answers reaches no client. */
export function sendCopy (endpoint: Agent, origin: string, method: string, copy: NonNullable<Forward['copy']>, body: Buffer): void {
  endpoint.dispatch({ origin, path: copy.target, method, headers: copy.fields(body.length).flat(), body: body.length > 0 ? body : null }, {
    onRequestStart: ignore,
    onResponseStart: ignore,
    onResponseData: ignore,
    onResponseEnd: ignore,
    onResponseError: ignore
  })
}

function ignore (): void {
  // undici wants all five.
}
