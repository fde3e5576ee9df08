/**
 * Reads a request head. As strict as nginx 1.22 and in places stricter: a line
 * ends in CRLF, there is one space between the parts of the request line, and a
 * line without a colon is an error (RFC 9112 sections 2.2, 3 and 5.1).
 */
import type { ErrorCode } from '../errors.ts'
import { NAME_BYTES, NAME_FORBIDDEN, NAME_PLAIN, TARGET_BYTES } from './characters.ts'
import { parseAuthority, parseHost } from './host.ts'
import { uniqueField } from './unique-fields.ts'
import { isNamed, type RequestHead } from './message.ts'

/** Longest request line or header line, with its CRLF. nginx: large_client_header_buffers 4 8k. */
export const MAX_LINE_BYTES = 8192
/** nginx: client_header_buffer_size 1k, then up to four of MAX_LINE_BYTES, each begun by a line that fits the last one no more. */
const FIRST_BUFFER_BYTES = 1024
const MAX_BUFFERS = 4

const CR = 13
const SPACE = 32
const MAX_CONTENT_LENGTH = 2n ** 63n - 1n

/**
 * Parses a head, or as much of it as has arrived.
 *
 * @param text - The bytes as latin1. With `complete`, up to and including the CRLF of the last header line.
 * @returns The head; or the error the request ends in; or `null` when nothing is wrong with an incomplete head so far.
 */
export function parseRequestHead (text: string, complete: boolean): RequestHead | ErrorCode | null {
  const lf = text.indexOf('\n')
  if (lf === -1) return text.length > MAX_LINE_BYTES ? 'TARGET_TOO_LONG' : null
  if (lf >= MAX_LINE_BYTES) return 'TARGET_TOO_LONG'
  if (!endsInCrlf(text, 0, lf)) return 'BAD_REQUEST'
  const line = parseRequestLine(text, lf - 1)
  if (typeof line === 'string') return line

  const fields = new FieldReader()
  const buffers = new HeadBuffers()
  buffers.take(lf + 1)
  const nul = text.indexOf('\0')
  for (let start = lf + 1; start < text.length;) {
    const end = text.indexOf('\n', start)
    if (!buffers.take((end === -1 ? text.length : end + 1) - start)) return 'HEADERS_TOO_LARGE'
    if (end === -1) break
    // Line by line: which fault it is must not depend on how much has come.
    if (nul !== -1 && nul < end) return 'BAD_REQUEST'
    if (!endsInCrlf(text, start, end) || !fields.read(text, start, end - 1)) return 'BAD_REQUEST'
    start = end + 1
  }
  if (!complete) return null
  return buffers.take(2) ? fields.finish(line, text) : 'HEADERS_TOO_LARGE'
}

/** What nginx would have left of its buffers: a head that it takes is taken, whatever the lengths of its lines. */
class HeadBuffers {
  #free = FIRST_BUFFER_BYTES
  #count = 0

  /** @returns Whether there is room for a line of so many bytes. */
  take (bytes: number): boolean {
    if (bytes > this.#free) {
      this.#free = MAX_LINE_BYTES
      this.#count++
    }
    this.#free -= bytes
    return this.#free >= 0 && this.#count <= MAX_BUFFERS
  }
}

/** Whether the line that starts at `start` has its only CR right before `lf`. */
function endsInCrlf (text: string, start: number, lf: number): boolean {
  return lf > start && text.charCodeAt(lf - 1) === CR && text.indexOf('\r', start) === lf - 1
}

interface RequestLine {
  readonly method: string
  readonly target: string
  /** Of an absolute-form target; `null` otherwise. */
  readonly authority: string | null
  readonly minorVersion: 0 | 1
}

function parseRequestLine (text: string, end: number): RequestLine | ErrorCode {
  const methodEnd = text.indexOf(' ')
  if (methodEnd <= 0 || methodEnd >= end) return 'BAD_REQUEST'
  const method = text.substring(0, methodEnd)
  if (method !== 'POST' && method !== 'GET' && !/^[A-Z_-]+$/.test(method)) return 'BAD_REQUEST'

  let targetEnd = methodEnd + 1
  while (targetEnd < end && TARGET_BYTES[text.charCodeAt(targetEnd)] === 1) targetEnd++
  const target = text.substring(methodEnd + 1, targetEnd)
  if (text.charCodeAt(targetEnd) !== SPACE) return 'BAD_REQUEST'

  let authority: string | null = null
  let originTarget = target
  if (target.charCodeAt(0) !== 0x2f) {
    const absolute = parseAuthority(target)
    if (absolute === null) return 'BAD_REQUEST'
    authority = absolute.authority
    originTarget = absolute.target
  }

  const version = parseVersion(text.substring(targetEnd + 1, end))
  if (typeof version === 'string') return version
  return { method, target: originTarget, authority, minorVersion: version }
}

function parseVersion (text: string): 0 | 1 | ErrorCode {
  if (text === 'HTTP/1.1') return 1
  const match = /^HTTP\/1\.(\d{1,3})$/.exec(text)
  if (match !== null) return Number(match[1]) === 0 ? 0 : 1
  return /^HTTP\/(?:[2-9]|1\d)/.test(text) ? 'VERSION_UNKNOWN' : 'BAD_REQUEST'
}

/** Collects the fields of one head and what they say about the message. */
class FieldReader {
  readonly #headers: string[] = []
  readonly #starts: number[] = []
  #seenUnique: string[] | null = null
  #host: string | null = null
  #contentLength: string | null = null
  #transferEncoding: string | null = null
  #connection: 'close' | 'keep-alive' | null = null
  #expectContinue = false

  /** @returns Whether the line is well-formed. */
  read (text: string, start: number, end: number): boolean {
    let colon = start
    let plain = true
    for (; colon < end; colon++) {
      const byte = text.charCodeAt(colon)
      if (byte === 0x3a) break
      const kind = NAME_BYTES[byte]
      if (kind === NAME_FORBIDDEN) return false
      if (kind !== NAME_PLAIN) plain = false
    }
    if (colon === start || colon === end) return false
    if (!plain) return true

    let valueStart = colon + 1
    let valueEnd = end
    while (valueStart < valueEnd && text.charCodeAt(valueStart) === SPACE) valueStart++
    while (valueEnd > valueStart && text.charCodeAt(valueEnd - 1) === SPACE) valueEnd--
    const name = text.substring(start, colon)
    const value = text.substring(valueStart, valueEnd)
    this.#headers.push(name, value)
    this.#starts.push(valueStart === colon + 2 && valueEnd === end ? start : -1)
    return this.#interpret(name, value)
  }

  #interpret (name: string, value: string): boolean {
    const unique = uniqueField(name)
    if (unique !== null) {
      if (this.#seenUnique === null) this.#seenUnique = [unique]
      else if (this.#seenUnique.includes(unique)) return false
      else this.#seenUnique.push(unique)
    }
    switch (unique) {
      case 'host': this.#host = value; return true
      case 'content-length': this.#contentLength = value; return true
      case 'transfer-encoding': this.#transferEncoding = value; return true
      case 'expect': this.#expectContinue = isNamed(value, '100-continue'); return true
      default: break
    }
    if (isNamed(name, 'connection')) {
      const options = value.toLowerCase()
      // No later line takes a close back (RFC 9112 section 9.6).
      if (options.includes('close')) this.#connection = 'close'
      else if (options.includes('keep-alive') && this.#connection === null) this.#connection = 'keep-alive'
    }
    return true
  }

  finish (line: RequestLine, text: string): RequestHead | ErrorCode {
    const { method, target, authority, minorVersion } = line
    if (this.#host === null && minorVersion === 1) return 'BAD_REQUEST'
    const named = this.#host === null ? null : parseHost(this.#host)
    if (named === null && this.#host !== null) return 'BAD_REQUEST'
    const asked = authority === null ? named : parseHost(authority)
    if (asked === null && authority !== null) return 'BAD_REQUEST'

    let framing: RequestHead['framing'] = 'none'
    let contentLength = 0
    if (this.#contentLength !== null) {
      if (!/^\d+$/.test(this.#contentLength)) return 'BAD_REQUEST'
      if (this.#contentLength.length > 15 && BigInt(this.#contentLength) > MAX_CONTENT_LENGTH) return 'BAD_REQUEST'
      contentLength = Number(this.#contentLength)
      framing = 'length'
    }
    if (this.#transferEncoding !== null) {
      if (minorVersion === 0) return 'BAD_REQUEST'
      if (this.#transferEncoding.toLowerCase() !== 'chunked') return 'CODING_UNKNOWN'
      if (framing === 'length') return 'BAD_REQUEST'
      framing = 'chunked'
    }

    // A tunnel that names a path. The other forms of its target were refused before.
    if (method === 'CONNECT') return 'METHOD_REFUSED'

    return {
      method,
      target,
      minorVersion,
      headers: this.#headers,
      received: { text, starts: this.#starts },
      host: asked?.host ?? null,
      hostPort: asked?.port ?? '',
      framing,
      contentLength,
      keepAlive: minorVersion === 1 ? this.#connection !== 'close' : this.#connection === 'keep-alive',
      expectContinue: this.#expectContinue && minorVersion === 1
    }
  }
}

/** Whether a first byte can begin a request: a TLS hello or other binary protocol need not be waited for. */
export function canBeginRequest (byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || byte === 0x2d || byte === CR || byte === 10
}
