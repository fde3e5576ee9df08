/**
 * Reads the head of an upstream's response (RFC 9112 sections 4 and 6.3). As nginx
 * does, it takes lines that end in LF alone, and a line without a colon as a field
 * without a value.
 *
 * A head that is not well-formed is `null`: the client then gets a 502 instead of
 * something that two parsers could read in two ways.
 */
import { NAME_BYTES, NAME_FORBIDDEN } from './characters.ts'
import { isNamed, type ResponseHead } from './message.ts'

/** nginx: proxy_buffer_size 128k, which a response head must fit into with its empty line. */
export const MAX_RESPONSE_HEAD_BYTES = 128 * 1024

const STATUS_LINE = /^HTTP\/1\.(\d+) +([1-9]\d\d)(?: (.*))?$/
const OK = { status: 200, minorVersion: 1, reason: 'OK' } as const
const CR = 13

/**
 * @param text - The head as latin1, up to and including the LF of its last line.
 * @param method - Of the request: the answer to HEAD has no body.
 */
export function parseResponseHead (text: string, method: string): ResponseHead | null {
  if (text.includes('\0')) return null
  const statusLf = text.indexOf('\n')
  const line = parseStatusLine(text.substring(0, lineEnd(text, 0, statusLf)))
  if (line === null) return null

  const { status, minorVersion } = line
  const headers: string[] = []
  let length: string | null = null
  /** All lines as one list; `null` without any. */
  let coding: string | null = null
  let connection = ''
  let keepAliveTimeoutMs: number | null = null

  for (let start = statusLf + 1; start < text.length;) {
    const lf = text.indexOf('\n', start)
    const end = lineEnd(text, start, lf)
    const colon = end === -1 ? -1 : nameEnd(text, start, end)
    if (colon === -1) return null

    const name = text.substring(start, colon)
    const value = colon === end ? '' : trimSpaces(text, colon + 1, end)
    headers.push(name, value)
    switch (name.length) {
      case 10:
        if (isNamed(name, 'connection')) connection += value.toLowerCase()
        else if (isNamed(name, 'keep-alive')) keepAliveTimeoutMs = timeoutHint(value)
        break
      case 14:
        if (isNamed(name, 'content-length')) {
          if (!/^\d{1,15}$/.test(value) || (length !== null && length !== value)) return null
          length = value
        }
        break
      case 17:
        if (isNamed(name, 'transfer-encoding')) coding = (coding === null ? '' : `${coding},`) + value.toLowerCase()
        break
    }
    start = lf + 1
  }

  const chunked = coding?.includes('chunked') === true
  // Said of a body that does not come: a client might wait for it, a server might send it yet.
  const unfounded = status === 204 && (coding !== null || Number(length) > 0)
  const persistent = minorVersion === 1 ? !connection.includes('close') : connection.includes('keep-alive')
  return {
    status,
    reason: line.reason,
    minorVersion,
    headers,
    framing: framingOf(method, status, chunked, length),
    contentLength: length === null || chunked || unfounded ? -1 : Number(length),
    keepAlive: persistent && !unfounded && isPlain(coding, length, minorVersion),
    keepAliveTimeoutMs
  }
}

function parseStatusLine (line: string): Pick<ResponseHead, 'status' | 'minorVersion' | 'reason'> | null {
  // Nearly every one; a regular expression makes five strings of it.
  if (line === 'HTTP/1.1 200 OK') return OK
  const match = STATUS_LINE.exec(line)
  return match === null ? null : { status: Number(match[2]), minorVersion: Number(match[1]) === 0 ? 0 : 1, reason: match[3] ?? '' }
}

function timeoutHint (value: string): number | null {
  const hint = /\btimeout=(\d{1,9})/i.exec(value)
  return hint === null ? null : Number(hint[1]) * 1000
}

/**
 * Whether there is one way only to read the framing. Otherwise the response is read
 * as nginx reads it, and the connection closed behind it (RFC 9112 sections 6.1 and 6.3).
 */
function isPlain (coding: string | null, length: string | null, minorVersion: 0 | 1): boolean {
  return coding === null || (coding === 'chunked' && length === null && minorVersion === 1)
}

/** RFC 9112 section 6.3, in its order: no body by rule, then the coding, then the length, then the end of the connection. */
function framingOf (method: string, status: number, chunked: boolean, length: string | null): ResponseHead['framing'] {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none'
  if (chunked) return 'chunked'
  return length === null ? 'close' : 'length'
}

/** Where the line before `lf` ends, without its CR; -1 when a CR stands anywhere else in it. */
function lineEnd (text: string, start: number, lf: number): number {
  const end = lf > start && text.charCodeAt(lf - 1) === CR ? lf - 1 : lf
  const cr = text.indexOf('\r', start)
  return cr === -1 || cr >= end ? end : -1
}

/** Index of the colon, or `end` without one; -1 when the name is empty or has a byte no name may have. */
function nameEnd (text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = text.charCodeAt(i)
    if (byte === 0x3a) return i === start ? -1 : i
    if (NAME_BYTES[byte] === NAME_FORBIDDEN) return -1
  }
  return end === start ? -1 : end
}

function trimSpaces (text: string, start: number, end: number): string {
  while (start < end && text.charCodeAt(start) === 32) start++
  while (end > start && text.charCodeAt(end - 1) === 32) end--
  return text.substring(start, end)
}
