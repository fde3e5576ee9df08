/**
 * Cuts the bytes of one client into requests: heads, and the bodies behind them.
 * Knows no socket and no time; whatever reads the bytes arrive in, the result is
 * the same.
 */
import type { ErrorCode } from '../errors.ts'
import { ChunkedDecoder } from './chunked.ts'
import type { RequestHead } from './message.ts'
import { canBeginRequest, MAX_LINE_BYTES, parseRequestHead } from './request-head.ts'

export type HeadResult =
  | { readonly kind: 'head', readonly head: RequestHead, readonly requestLine: string }
  /** Nothing more can be read from this client. */
  | { readonly kind: 'fault', readonly code: ErrorCode, readonly requestLine: string }

export type BodyProgress = 'incomplete' | 'complete' | 'BAD_REQUEST' | 'BODY_TOO_LARGE'

const CR = 13
const LF = 10

export class RequestReader {
  /** Bytes received and not yet used. */
  #pending: Buffer | null = null
  /** How much of #pending was searched for the end of a head, and where its last line begins. */
  #searched = 0
  #lineStart = 0
  #decoder: ChunkedDecoder | null = null
  #remaining = 0

  get bufferedBytes (): number { return this.#pending?.length ?? 0 }

  push (data: Buffer): void {
    this.#pending = this.#pending === null ? data : Buffer.concat([this.#pending, data])
  }

  /** Forgets what was not read. */
  clear (): void {
    this.#pending = null
  }

  /** Whether a byte of the next head has come. Empty lines before it are not bytes of it (RFC 9112 section 2.2). */
  beginHead (): boolean {
    const pending = this.#pending
    if (pending === null) return false
    let start = 0
    while (start < pending.length && (pending[start] === CR || pending[start] === LF)) start++
    this.#use(start)
    this.#searched = 0
    this.#lineStart = 0
    return this.#pending !== null
  }

  /** The next head, once it is complete; a fault, as soon as it can be seen. After `beginHead`. */
  readHead (): HeadResult | null {
    const pending = this.#pending
    if (pending === null) return null
    if (!canBeginRequest(pending[0] as number)) return { kind: 'fault', code: 'BAD_REQUEST', requestLine: '' }

    const end = pending.indexOf('\r\n\r\n', Math.max(0, this.#searched - 3), 'latin1')
    if (end === -1) return this.#checkPartialHead(pending)

    const text = pending.toString('latin1', 0, end + 2)
    const head = parseRequestHead(text, true)
    const requestLine = text.substring(0, text.indexOf('\r'))
    if (head === null || typeof head === 'string') return { kind: 'fault', code: head ?? 'BAD_REQUEST', requestLine }

    this.#use(end + 4)
    this.#decoder = head.framing === 'chunked' ? new ChunkedDecoder() : null
    this.#remaining = head.contentLength
    return { kind: 'head', head, requestLine }
  }

  /** Each byte is parsed a bounded number of times: only when a line is complete, or too long to be. */
  #checkPartialHead (pending: Buffer): HeadResult | null {
    const newLine = pending.lastIndexOf(LF)
    const lineComplete = newLine >= this.#searched
    this.#searched = pending.length
    if (!lineComplete && pending.length - this.#lineStart <= MAX_LINE_BYTES) return null
    this.#lineStart = newLine + 1
    const text = pending.toString('latin1')
    const fault = parseRequestHead(text, false)
    return typeof fault === 'string' ? { kind: 'fault', code: fault, requestLine: text.substring(0, Math.max(0, text.indexOf('\r'))) } : null
  }

  get bodyComplete (): boolean {
    return this.#decoder === null ? this.#remaining === 0 : this.#decoder.done
  }

  /**
   * Hands on what has come of the body of the head last read.
   *
   * @param limit - Most bytes of a chunked body. A Content-Length is its reader's to check.
   * @param sink - Gets views of the bytes received.
   */
  readBody (limit: number, sink: (piece: Buffer) => void): BodyProgress {
    if (this.bodyComplete) return 'complete'
    const pending = this.#pending
    if (pending === null) return 'incomplete'
    const decoder = this.#decoder
    if (decoder === null) {
      const taken = Math.min(this.#remaining, pending.length)
      this.#remaining -= taken
      this.#use(taken)
      sink(taken === pending.length ? pending : pending.subarray(0, taken))
      return this.#remaining === 0 ? 'complete' : 'incomplete'
    }

    const pieces: Buffer[] = []
    decoder.limit = limit
    this.#use(decoder.read(pending, 0, piece => { pieces.push(piece) }))
    if (decoder.fault) return 'BAD_REQUEST'
    if (decoder.tooLarge) return 'BODY_TOO_LARGE'
    // One buffer for each read, however small the chunks: a body of one-byte chunks must not cost an object per byte.
    if (pieces.length > 0) sink(pieces.length === 1 ? pieces[0] as Buffer : Buffer.concat(pieces))
    return decoder.done ? 'complete' : 'incomplete'
  }

  #use (bytes: number): void {
    const pending = this.#pending
    if (pending === null || bytes === 0) return
    this.#pending = bytes === pending.length ? null : pending.subarray(bytes)
  }
}
