/**
 * Reads the endpoint's answer to one copy: the head decides, a little of the body is
 * kept for the dead letter, the rest is read only so that the connection can be used
 * again, and no further than that is worth.
 */
import { ChunkedDecoder } from '../http1/chunked.ts'
import { headerValue, type ResponseHead } from '../http1/message.ts'
import { MAX_RESPONSE_HEAD_BYTES, parseResponseHead } from '../http1/response-head.ts'

/** What a dead letter keeps of the answer. */
const KEPT_BYTES = 512
/** A longer answer costs more to read than a new connection. */
const MAX_DRAINED_BYTES = 64 * 1024
/** An idle connection is given up before the server gives it up: Relay waits 5 s, others longer. */
const IDLE_MS = 3500
const MAX_IDLE_MS = 60_000

export interface AnswerReader {
  /** `invalid`: not HTTP/1. `cut`: the head is known, but the connection is of no further use. */
  readonly state: 'head' | 'body' | 'complete' | 'cut' | 'invalid'
  /** Whether a byte has come. */
  readonly started: boolean
  /** The final head; interim ones (1xx) are passed over. */
  readonly head: ResponseHead | null
  /** The first 512 bytes of the body so far. */
  text (): string
  /** How long the connection may now lie idle, in milliseconds; 0: it must not be used again. */
  idleMs (): number
  push (chunk: Buffer): void
  /** The other side has closed. */
  end (): void
}

/**
 * Keeps no piece of what is pushed: the caller may use its buffer again.
 *
 * @param method - Of the copy: the answer to HEAD has no body.
 */
export function createAnswerReader (method: string): AnswerReader {
  let state: AnswerReader['state'] = 'head'
  let head: ResponseHead | null = null
  let unread: Buffer = Buffer.alloc(0)
  let headBytes = 0
  let bodyBytes = 0
  let kept: Buffer = Buffer.alloc(0)
  let excess = false
  let decoder: ChunkedDecoder | null = null

  function readHead (chunk: Buffer): void {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk])
    headBytes += chunk.length
    while (head === null) {
      if (!looksLikeHttp(unread)) { state = 'invalid'; return }
      const end = unread.indexOf('\r\n\r\n')
      if (end === -1) {
        if (headBytes > MAX_RESPONSE_HEAD_BYTES) state = 'invalid'
        if (unread.length <= chunk.length) unread = Buffer.from(unread)
        return
      }
      const parsed = parseResponseHead(unread.toString('latin1', 0, end + 2), method)
      // Nobody asked for a switch of protocols.
      if (parsed === null || parsed.status === 101) { state = 'invalid'; return }
      unread = unread.subarray(end + 4)
      if (parsed.status >= 200) head = parsed
    }
    const rest = unread
    unread = Buffer.alloc(0)
    state = 'body'
    if (head.framing === 'chunked') decoder = new ChunkedDecoder()
    readBody(rest, head)
  }

  function readBody (chunk: Buffer, head: ResponseHead): void {
    switch (head.framing) {
      case 'none':
        state = 'complete'
        excess = chunk.length > 0
        return
      case 'length': {
        const missing = head.contentLength - bodyBytes
        keep(missing < chunk.length ? chunk.subarray(0, missing) : chunk)
        if (bodyBytes === head.contentLength) {
          state = 'complete'
          excess = chunk.length > missing
          return
        }
        break
      }
      case 'chunked': {
        const used = decoder?.read(chunk, 0, keep) ?? 0
        if (decoder?.fault === true) { state = 'cut'; return }
        if (decoder?.done === true) {
          state = 'complete'
          excess = used < chunk.length
          return
        }
        break
      }
      case 'close':
        keep(chunk)
        break
    }
    if (bodyBytes > MAX_DRAINED_BYTES) state = 'cut'
  }

  function keep (piece: Buffer): void {
    bodyBytes += piece.length
    if (kept.length < KEPT_BYTES && piece.length > 0) kept = Buffer.concat([kept, piece.subarray(0, KEPT_BYTES - kept.length)])
  }

  return {
    get state () { return state },
    get started () { return headBytes > 0 },
    get head () { return head },
    text: () => kept.toString('utf8'),
    idleMs: () => state !== 'complete' || excess || head === null || head.framing === 'close' || !head.keepAlive ? 0 : idleLimit(head),
    push (chunk) {
      if (head === null) readHead(chunk)
      else if (state === 'body') readBody(chunk, head)
      else excess = true
    },
    end () {
      if (state === 'head') state = 'invalid'
      else if (state === 'body') state = head?.framing === 'close' ? 'complete' : 'cut'
    }
  }
}

/** So that garbage is known at once, not when it happens to contain an empty line. */
function looksLikeHttp (bytes: Buffer): boolean {
  const prefix = 'HTTP/1.'
  return prefix.startsWith(bytes.toString('latin1', 0, prefix.length))
}

/** `Keep-Alive: timeout=N` says when the endpoint will close; a second is left for the way. */
function idleLimit (head: ResponseHead): number {
  const hint = /\btimeout=(\d{1,9})/i.exec(headerValue(head.headers, 'keep-alive') ?? '')
  return hint === null ? IDLE_MS : Math.min(Math.max(Number(hint[1]) * 1000 - 1000, 0), MAX_IDLE_MS)
}
