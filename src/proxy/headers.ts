/**
 * Which header fields go to an upstream and which come back, as nginx 1.22 does it
 * with the document's configuration. Pure: text in, text out.
 */
import { fieldLines, isNamed, type RawHeaders, type RequestHead, type ResponseHead } from '../http1/message.ts'

export interface UpstreamRequest {
  readonly head: RequestHead
  /** As the upstream gets it. */
  readonly target: string
  /** After real_ip. */
  readonly clientAddress: string
  readonly requestId: string
  readonly bodyLength: number
}

/**
 * The head of the request to an upstream: request line, our five fields, then the
 * client's in their order, case and number. A body was read whole, so it has a
 * length; it is named only if the client framed one.
 */
export function upstreamRequestHead (request: UpstreamRequest): string {
  const { head } = request
  const host = head.host === null ? '' : `Host: ${head.host}\r\n`
  const length = head.framing === 'none' ? '' : `Content-Length: ${request.bodyLength}\r\n`
  return `${head.method} ${request.target} HTTP/1.1\r\n${host}X-Forwarded-For: ${request.clientAddress}\r\nX-Forwarded-Proto: http\r\nX-Request-Id: ${request.requestId}\r\n${length}${fieldLines(head, isPassedOn)}\r\n`
}

function isPassedOn (name: string): boolean {
  return !isReplaced(name) && !isForwardedFor(name)
}

/**
 * Whether a client's field never leaves as it came, on either leg: it is set by us,
 * or it is about the client's connection only. Fields *named in* `Connection` do
 * pass, as with nginx. Lengths first: most names differ in theirs.
 */
export function isReplaced (name: string): boolean {
  switch (name.length) {
    case 2: return isNamed(name, 'te')
    case 4: return isNamed(name, 'host')
    case 6: return isNamed(name, 'expect')
    case 7: return isNamed(name, 'upgrade')
    case 10: return isNamed(name, 'connection') || isNamed(name, 'keep-alive')
    case 12: return isNamed(name, 'x-request-id')
    case 14: return isNamed(name, 'content-length')
    case 17: return isNamed(name, 'transfer-encoding') || isNamed(name, 'x-forwarded-proto')
    default: return false
  }
}

export function isForwardedFor (name: string): boolean {
  return isNamed(name, 'x-forwarded-for')
}

/**
 * The header lines a client gets of an upstream's response. `Date`, `Server` and
 * the framing are our own; `X-Accel-*` speak to nginx and stop here.
 *
 * @param hidden - Names in lower case. nginx: proxy_hide_header.
 */
export function clientResponseBlock (head: ResponseHead, hidden: readonly string[]): string {
  const { headers } = head
  let block = ''
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (isOverruledType(headers, i)) continue
    if (!isWithheld(name) && !(hidden.length > 0 && hidden.includes(name.toLowerCase()))) block += `${name}: ${headers[i + 1]}\r\n`
  }
  return block
}

/** Of several `Content-Type` nginx passes the last, and one without a value not at all. */
function isOverruledType (headers: RawHeaders, at: number): boolean {
  if (!isContentType(headers[at] as string)) return false
  if (headers[at + 1] === '') return true
  for (let i = at + 2; i < headers.length; i += 2) {
    if (isContentType(headers[i] as string)) return true
  }
  return false
}

function isContentType (name: string): boolean {
  return isNamed(name, 'content-type')
}

function isWithheld (name: string): boolean {
  switch (name.length) {
    case 4: return isNamed(name, 'date')
    case 5: return isNamed(name, 'x-pad')
    case 6: return isNamed(name, 'server')
    case 10: return isNamed(name, 'connection') || isNamed(name, 'keep-alive')
    case 14: return isNamed(name, 'content-length')
    case 15: return isNamed(name, 'x-accel-expires') || isNamed(name, 'x-accel-charset')
    case 16: return isNamed(name, 'x-accel-redirect')
    case 17: return isNamed(name, 'transfer-encoding') || isNamed(name, 'x-accel-buffering')
    case 18: return isNamed(name, 'x-accel-limit-rate')
    default: return false
  }
}
