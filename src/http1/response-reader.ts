/**
 * Cuts the bytes of one server into responses. Knows no socket and no time;
 * whatever reads the bytes arrive in, the result is the same. A response that two
 * parsers could read in two ways is a fault.
 */
import { ChunkedDecoder } from './chunked.ts'
import type { ResponseHead } from './message.ts'
import { MAX_RESPONSE_HEAD_BYTES, parseResponseHead } from './response-head.ts'

export interface ResponseEvents {
  onHead (head: ResponseHead): void
  /** A view of the bytes received. */
  onData (piece: Buffer): void
}

const CR = 13
/** Interim responses (1xx) that are read over. */
const MAX_INTERIM_RESPONSES = 32

type State = 'head' | 'length' | 'chunked' | 'close' | 'complete' | 'fault'

export class ResponseReader {
  readonly #method: string
  readonly #events: ResponseEvents
  #state: State = 'head'
  /** Bytes of an incomplete head. */
  #pending: Buffer | null = null
  #searched = 0
  #interim = 0
  #remaining = 0
  #decoder: ChunkedDecoder | null = null
  #keepAlive = false
  #keepAliveTimeoutMs: number | null = null
  #excess = false
  #started = false
  #status = 0

  /** @param method - Of the request: the answer to HEAD has no body. */
  constructor (method: string, events: ResponseEvents) {
    this.#method = method
    this.#events = events
  }

  get complete (): boolean { return this.#state === 'complete' }
  get fault (): boolean { return this.#state === 'fault' }
  /** Whether a byte has come. */
  get started (): boolean { return this.#started }
  /** What the server said of idle connections; `null` when it did not. */
  get keepAliveTimeoutMs (): number | null { return this.#keepAliveTimeoutMs }
  /** Whether the next response can be told from this one: it had an end of its own, and nothing came behind it. */
  get reusable (): boolean { return this.#state === 'complete' && this.#keepAlive && !this.#excess }

  /** Whether a server that answered before it had the whole request still wants the rest (RFC 9112 section 9.3). */
  get wantsRequest (): boolean { return this.#keepAlive && this.#status < 400 }

  push (data: Buffer): void {
    this.#started = true
    let rest: Buffer | null = data
    while (rest !== null && rest.length > 0) {
      switch (this.#state) {
        case 'head': rest = this.#readHead(rest); break
        case 'length': rest = this.#readLength(rest); break
        case 'chunked': rest = this.#readChunks(rest); break
        case 'close':
          this.#events.onData(rest)
          return
        case 'complete':
          this.#excess = true
          return
        case 'fault':
          return
      }
    }
  }

  /** The server closed. @returns Whether that completes the response. */
  end (): boolean {
    if (this.#state === 'close') this.#state = 'complete'
    return this.#state === 'complete'
  }

  /** @returns What follows the head; `null` when nothing does. */
  #readHead (data: Buffer): Buffer | null {
    const pending = this.#pending === null ? data : Buffer.concat([this.#pending, data])
    const end = headEnd(pending, Math.max(0, this.#searched - 2))
    if ((end === -1 ? pending.length : end) > MAX_RESPONSE_HEAD_BYTES || !mayBeHead(pending)) {
      this.#state = 'fault'
      return null
    }
    if (end === -1) {
      // The bytes are a view that is good for this turn only.
      this.#pending = this.#pending === null ? Buffer.from(pending) : pending
      this.#searched = pending.length
      return null
    }

    this.#pending = null
    this.#searched = 0
    const emptyLine = pending[end - 2] === CR ? 2 : 1
    const head = parseResponseHead(pending.toString('latin1', 0, end - emptyLine), this.#method)
    if (head === null || (head.status < 200 && !this.#mayComeBefore(head))) {
      this.#state = 'fault'
      return null
    }
    if (head.status >= 200) this.#begin(head)
    return pending.subarray(end)
  }

  /** HTTP/1.0 knows no interim response: what follows one is its body to some (RFC 9110 section 15.2). Nobody asked to switch protocols. */
  #mayComeBefore ({ status, minorVersion }: ResponseHead): boolean {
    return status !== 101 && minorVersion === 1 && ++this.#interim <= MAX_INTERIM_RESPONSES
  }

  #begin (head: ResponseHead): void {
    this.#status = head.status
    this.#keepAlive = head.keepAlive && head.framing !== 'close'
    this.#keepAliveTimeoutMs = head.keepAliveTimeoutMs
    this.#remaining = head.contentLength
    this.#decoder = head.framing === 'chunked' ? new ChunkedDecoder() : null
    this.#state = head.framing === 'none' || (head.framing === 'length' && head.contentLength === 0) ? 'complete' : head.framing
    this.#events.onHead(head)
  }

  #readLength (data: Buffer): Buffer | null {
    const taken = Math.min(this.#remaining, data.length)
    this.#remaining -= taken
    if (this.#remaining === 0) this.#state = 'complete'
    this.#events.onData(taken === data.length ? data : data.subarray(0, taken))
    return taken === data.length ? null : data.subarray(taken)
  }

  #readChunks (data: Buffer): Buffer | null {
    const decoder = this.#decoder as ChunkedDecoder
    const taken = decoder.read(data, 0, piece => { this.#events.onData(piece) })
    if (decoder.fault) this.#state = 'fault'
    else if (decoder.done) this.#state = 'complete'
    return data.subarray(taken)
  }
}

/** Index behind the first empty line, which ends in CRLF or LF; -1 without one. */
function headEnd (bytes: Buffer, from: number): number {
  const crlf = bytes.indexOf('\n\r\n', from, 'latin1')
  const lf = (crlf === -1 ? bytes : bytes.subarray(0, crlf + 1)).indexOf('\n\n', from, 'latin1')
  if (lf !== -1) return lf + 2
  return crlf === -1 ? -1 : crlf + 3
}

/** Garbage is known by its first bytes; it is not waited for until the server closes. */
function mayBeHead (bytes: Buffer): boolean {
  return 'HTTP/1.'.startsWith(bytes.toString('latin1', 0, Math.min(7, bytes.length)))
}
