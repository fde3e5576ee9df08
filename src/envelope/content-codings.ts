/**
 * Undoes a body's content codings for a person who looks at it. The body is a
 * client's: it may be cut short, damaged, or made to fill the memory. So both the
 * bytes that come out and the time are bounded, nothing is thrown, and what could be
 * decoded before a fault is kept.
 */
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress, brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Transform } from 'node:stream'

export interface Bounds {
  /** Most bytes that are read, and most that come out of each coding. */
  readonly maxBytes: number
  readonly timeoutMs: number
}

export interface Decoded {
  /** What was decoded; everything, unless there is a fault. */
  readonly bytes: Buffer
  /** Why this is not the whole body, or not the body at all, in words; `null` when it is. */
  readonly fault: string | null
}

interface Coding {
  /** A decoder for a body that starts so. */
  readonly create: (start: Buffer) => Transform
  /** Decodes as much as there is of a body that is cut off. */
  readonly startSync: (start: Buffer, maxOutputLength: number) => Buffer
}

/** No body needs more; each one multiplies what a small body can cost. */
const MOST_CODINGS = 3
const CHUNK = { chunkSize: 64 * 1024 }

const GZIP: Coding = {
  create: () => createGunzip(CHUNK),
  startSync: (start, maxOutputLength) => gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength })
}

/** What Relay takes. `deflate` is zlib's format (RFC 9110, section 8.4.1.2), but some clients send it bare. */
const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: {
    create: start => hasZlibHeader(start) ? createInflate(CHUNK) : createInflateRaw(CHUNK),
    startSync: (start, maxOutputLength) => (hasZlibHeader(start) ? inflateSync : inflateRawSync)(start, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength })
  },
  br: {
    create: () => createBrotliDecompress(CHUNK),
    startSync: (start, maxOutputLength) => brotliDecompressSync(start, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength })
  },
  zstd: {
    create: () => createZstdDecompress(CHUNK),
    startSync: (start, maxOutputLength) => zstdDecompressSync(start, { finishFlush: constants.ZSTD_e_flush, maxOutputLength })
  }
}

/**
 * @param contentEncoding - Value of `Content-Encoding`. Codings that are not known count
 *   as none, as Relay takes them (SDKs send an empty value, or `UTF-8`).
 * @returns Never rejects.
 */
export async function decodeBody (body: Buffer, contentEncoding: string | undefined, { maxBytes, timeoutMs }: Bounds): Promise<Decoded> {
  const names = codingsOf(contentEncoding)
  if (names.length > MOST_CODINGS) return { bytes: Buffer.alloc(0), fault: `It has ${names.length} content codings; more than ${MOST_CODINGS} are not undone.` }

  const deadline = performance.now() + timeoutMs
  let decoded = clip(body, maxBytes)
  for (const name of names.toReversed()) {
    const coding = CODINGS[name]
    if (coding === undefined) continue
    const { bytes, fault } = await decode(coding.create(decoded.bytes), decoded.bytes, name, { maxBytes, timeoutMs: deadline - performance.now() })
    // A body that was clipped always ends too early for its coding: the first fault is the cause.
    decoded = { bytes, fault: decoded.fault ?? fault }
  }
  return decoded
}

/**
 * The first bytes of a body, from the first bytes of its coded form; at once.
 *
 * @returns Empty when they cannot be decoded, or would be more than `maxBytes`.
 */
export function decodeStart (start: Buffer, contentEncoding: string | undefined, maxBytes: number): Buffer {
  const names = codingsOf(contentEncoding)
  if (names.length > MOST_CODINGS) return Buffer.alloc(0)
  try {
    return names.toReversed().reduce((bytes, name) => CODINGS[name]?.startSync(bytes, maxBytes) ?? bytes, start)
  } catch {
    // Damaged, not of this coding, or a bomb: none of them has a start to speak of.
    return Buffer.alloc(0)
  }
}

function codingsOf (contentEncoding: string | undefined): string[] {
  return (contentEncoding ?? '').toLowerCase().split(',').map(name => name.trim()).filter(name => Object.hasOwn(CODINGS, name))
}

function clip (bytes: Buffer, maxBytes: number): Decoded {
  return bytes.length <= maxBytes
    ? { bytes, fault: null }
    : { bytes: bytes.subarray(0, maxBytes), fault: `Only its first ${maxBytes} bytes were looked at.` }
}

async function decode (decoder: Transform, input: Buffer, name: string, { maxBytes, timeoutMs }: Bounds): Promise<Decoded> {
  const chunks: Buffer[] = []
  let length = 0
  let fault: string | null = null
  const timer = setTimeout(() => { decoder.destroy(new Error('it takes too long')) }, Math.max(0, timeoutMs))
  try {
    decoder.end(input)
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > maxBytes) break
    }
  } catch (error) {
    fault = `Its content coding ${name} cannot be undone beyond byte ${length} (${error instanceof Error ? error.message : String(error)}).`
  } finally {
    clearTimeout(timer)
  }
  if (length > maxBytes) fault = `It decodes to more than ${maxBytes} bytes; only the first were looked at.`
  return { bytes: Buffer.concat(chunks, Math.min(length, maxBytes)), fault }
}

/** RFC 1950, section 2.2: method 8, and a check over both bytes. */
function hasZlibHeader (bytes: Buffer): boolean {
  const [cmf = 0, flg = 0] = bytes
  return (cmf & 0x0f) === 8 && (cmf * 256 + flg) % 31 === 0
}
