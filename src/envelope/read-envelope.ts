/** From the bytes of a body to what they say: content codings first, then the envelope. */
import { headerValue, type RawHeaders } from '../http1/message.ts'
import { decodeBody, decodeStart, type Bounds } from './content-codings.ts'
import { findEventId, parseEnvelope, type Envelope } from './envelope.ts'

export interface ReadEnvelope {
  /** `null`: the body is no envelope, or cannot be decoded. */
  readonly envelope: Envelope | null
  /** Decoded bytes that were looked at. */
  readonly decodedBytes: number
  /** What could not be read, in words; empty when everything was. */
  readonly faults: readonly string[]
}

export const BOUNDS: Bounds = { maxBytes: 8 * 1024 * 1024, timeoutMs: 2_000 }

/** A zstd decoder gives nothing before it has a whole block, which has up to 128 KiB (RFC 8878, section 3.1.1.2.4). */
const START_BYTES = 132 * 1024
const DECODED_START_BYTES = 4 * 1024 * 1024

/**
 * @param contentEncoding - Value of `Content-Encoding`.
 * @returns Never rejects.
 */
export async function readEnvelope (body: Buffer, contentEncoding: string | undefined, bounds = BOUNDS): Promise<ReadEnvelope> {
  const decoded = await decodeBody(body, contentEncoding, bounds)
  const { envelope, fault } = parseEnvelope(decoded.bytes, decoded.fault !== null)
  return { envelope, decodedBytes: decoded.bytes.length, faults: [decoded.fault, fault].filter(words => words !== null) }
}

/**
 * The event id of a copy, from the first bytes of its body: `null` when it has none
 * or it cannot be read from them. At once, and in bounded time.
 *
 * @param headers - Of the copy.
 * @param start - The body's first bytes; 132 KiB are enough for every content coding.
 */
export function eventIdOf (headers: RawHeaders, start: Buffer): string | null {
  return findEventId(decodeStart(start.subarray(0, START_BYTES), headerValue(headers, 'content-encoding'), DECODED_START_BYTES))
}
