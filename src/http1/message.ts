/**
 * What the parsers of this folder produce.
 *
 * Strings hold bytes: one character per byte (latin1), so that what arrived can be
 * sent on unchanged. Header fields are one flat list, name and value in turn, in
 * the order and the case they came in; names a proxy must not see (`_`, `.` and
 * the like) are already gone, as nginx drops them.
 */
export type RawHeaders = readonly string[]

export interface RequestHead {
  readonly method: string
  /** The request target in origin form, as received. An absolute-form target has lost its scheme and authority. */
  readonly target: string
  /** 0 or 1: `HTTP/1.0`, or `HTTP/1.1` and any later 1.x. */
  readonly minorVersion: 0 | 1
  readonly headers: RawHeaders
  /** Where their lines stand in what was received; `null`: nobody kept it. */
  readonly received: ReceivedLines | null
  /** Value of `Host`, or the authority of an absolute-form target; lower case, without port and final dot. `null` on HTTP/1.0 without one. */
  readonly host: string | null
  /** Port named beside the host, with the colon (`:9000`), or empty. */
  readonly hostPort: string
  readonly framing: 'none' | 'length' | 'chunked'
  /** 0 unless `framing` is `length`. */
  readonly contentLength: number
  readonly keepAlive: boolean
  readonly expectContinue: boolean
}

export interface ReceivedLines {
  /** The head, latin1. */
  readonly text: string
  /** Of each header field: where its line begins, if it is exactly `Name: value` and CRLF; else -1. */
  readonly starts: readonly number[]
}

/**
 * The lines of the fields that `leaves` names, each ended by CRLF. Lines that stand
 * beside each other are cut out of the head in one piece.
 *
 * @param leaves - By name, in its own case.
 */
export function fieldLines ({ headers, received }: Pick<RequestHead, 'headers' | 'received'>, leaves: (name: string) => boolean): string {
  let lines = ''
  let from = 0
  let to = 0
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (!leaves(name)) continue
    const value = headers[i + 1] as string
    const start = received?.starts[i >> 1] ?? -1
    if (start !== to && from !== to) lines += received?.text.substring(from, to) ?? ''
    if (start === -1) {
      lines += `${name}: ${value}\r\n`
      from = to = 0
    } else {
      if (start !== to || from === to) from = start
      to = start + name.length + value.length + 4
    }
  }
  return from === to ? lines : lines + (received?.text.substring(from, to) ?? '')
}

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  readonly minorVersion: 0 | 1
  readonly headers: RawHeaders
  /** `close`: the body ends with the connection. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  /** -1 when the head does not say; may be set beside `none` (HEAD, 304). */
  readonly contentLength: number
  readonly keepAlive: boolean
  /** `Keep-Alive: timeout=N`: how long the server lets an idle connection live, in milliseconds; `null` when it does not say. */
  readonly keepAliveTimeoutMs: number | null
}

/** Header lines, each ended by CRLF, as a flat list. */
export function parseFields (lines: string): string[] {
  const headers: string[] = []
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon !== -1) headers.push(line.slice(0, colon), line.slice(colon + 1).trimStart())
  }
  return headers
}

/** Whether a header field has this name, in whatever case. Unlike `toLowerCase` it makes no string. @param lower - Lower case. */
export function isNamed (name: string, lower: string): boolean {
  if (name.length !== lower.length) return false
  for (let i = 0; i < lower.length; i++) {
    const byte = name.charCodeAt(i)
    const expected = lower.charCodeAt(i)
    if (byte !== expected && !(byte + 0x20 === expected && byte >= 0x41 && byte <= 0x5a)) return false
  }
  return true
}

/** The first value of a header field. @param name - Lower case. */
export function headerValue (headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (isNamed(headers[i] as string, name)) return headers[i + 1]
  }
  return undefined
}
