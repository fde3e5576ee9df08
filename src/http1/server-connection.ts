/**
 * One connection of a client. Its states, and what ends each:
 *
 *   idle ─ first byte ─► head ─ complete ─► respond ◄──────────┐
 *    ▲                    │ malformed ────► respond, then close │ body complete
 *    │                    │                 respond ─ readBody ─► body
 *    └── response complete, unread body discarded ◄── respond
 *
 * Requests are answered one at a time, in order; what comes early waits. A client
 * that is silent for too long is reset, an idle one gets a FIN, as nginx does it.
 */
import type { Socket } from 'node:net'
import type { ErrorCode } from '../errors.ts'
import { ChunkedDecoder } from './chunked.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { Exchange, type BodyConsumer, type BodyFault, type ExchangeConnection } from './exchange.ts'
import { canBeginRequest, MAX_LINE_BYTES, parseRequestHead } from './request-head.ts'

export interface ConnectionTimeouts {
  /** For a whole head. nginx: client_header_timeout. */
  readonly headerTimeoutMs: number
  /** Between two reads of a body. nginx: client_body_timeout. */
  readonly bodyTimeoutMs: number
  /** Between two writes. nginx: send_timeout. */
  readonly sendTimeoutMs: number
  /** Between two requests. nginx: keepalive_timeout. */
  readonly keepaliveTimeoutMs: number
}

export interface RequestListener {
  /** A head is complete. Answer it, or read its body first. */
  onRequest (exchange: Exchange): void
  /** What came cannot be served; the connection closes after the answer. */
  onMalformed (exchange: Exchange, code: ErrorCode): void
  /** The client left, or fell silent, within a head. */
  onHeadAborted (): void
}

/** A client may send this much ahead of its answer before it is no longer read. */
const MAX_PIPELINED_BYTES = 64 * 1024
/** How long a closing connection still reads, so that the client gets its answer and not a reset. nginx: lingering_timeout, lingering_time. */
const LINGER_SILENCE_MS = 5_000
const LINGER_TOTAL_MS = 30_000

type State = 'idle' | 'head' | 'body' | 'respond' | 'discard' | 'linger' | 'closed'

export class ServerConnection implements ExchangeConnection, Timed {
  readonly socket: Socket
  readonly remoteAddress: string
  readonly localAddress: string
  readonly listener: string
  deadline: number

  readonly #timeouts: ConnectionTimeouts
  readonly #requests: RequestListener
  readonly #deadlines: Deadlines
  #state: State = 'idle'
  #exchange: Exchange | null = null
  #startedAt = 0
  /** Bytes read and not yet used. */
  #pending: Buffer | null = null
  /** In `head`: how much of #pending was searched, and where its last line begins. */
  #searched = 0
  #lineStart = 0
  #consumer: BodyConsumer | null = null
  #decoder: ChunkedDecoder | null = null
  #bodyLimit = 0
  #bodyRemaining = 0
  #bodyPaused = false
  #advancing = false
  #peerEnded = false
  #draining = false
  #lingerUntil = 0

  constructor (socket: Socket, listener: string, timeouts: ConnectionTimeouts, requests: RequestListener, deadlines: Deadlines) {
    this.socket = socket
    this.listener = listener
    this.remoteAddress = socket.remoteAddress ?? ''
    this.localAddress = socket.localAddress ?? ''
    this.#timeouts = timeouts
    this.#requests = requests
    this.#deadlines = deadlines
    this.deadline = performance.now() + timeouts.headerTimeoutMs
    deadlines.add(this)
    socket.on('data', (data: Buffer) => { this.#onData(data) })
    socket.on('end', () => { this.#onEnd() })
    socket.on('drain', () => { this.#onDrain() })
    socket.on('close', () => { this.#onClose() })
    // A 'close' follows every 'error', and is where it is dealt with.
    socket.on('error', () => {})
  }

  /** Serves no further request: an idle connection closes now, a busy one after its answer. */
  drain (): void {
    this.#draining = true
    if (this.#exchange !== null) this.#exchange.keepAlive = false
    else if (this.#state === 'idle') this.#close()
  }

  destroy (): void {
    this.socket.destroy()
  }

  // What the exchange asks for.

  readBody (consumer: BodyConsumer, limit: number): void {
    this.#consumer = consumer
    this.#bodyLimit = limit
    if (this.#bodyComplete()) {
      consumer.onEnd()
      return
    }
    this.#state = 'body'
    this.deadline = performance.now() + this.#timeouts.bodyTimeoutMs
    this.#advance()
  }

  pauseBody (): void {
    this.#bodyPaused = true
    this.socket.pause()
    this.deadline = Infinity
  }

  resumeBody (): void {
    this.#bodyPaused = false
    this.deadline = performance.now() + this.#timeouts.bodyTimeoutMs
    this.socket.resume()
    this.#advance()
  }

  onWrite (): void {
    this.deadline = this.socket.writableLength > 0 ? performance.now() + this.#timeouts.sendTimeoutMs : Infinity
  }

  finish (): void {
    const keepAlive = this.#exchange?.keepAlive === true && !this.#draining
    this.#exchange = null
    if (this.#state === 'closed') return
    if (!keepAlive) {
      this.#close()
    } else if (this.#bodyComplete()) {
      this.#becomeIdle()
    } else {
      this.#state = 'discard'
      this.#consumer = null
      this.#bodyPaused = false
      this.deadline = performance.now() + this.#timeouts.bodyTimeoutMs
      this.socket.resume()
      this.#advance()
    }
  }

  cut (): void {
    this.#exchange = null
    this.socket.destroy()
  }

  // What the socket tells.

  #onData (data: Buffer): void {
    if (this.#state === 'linger') {
      this.deadline = Math.min(performance.now() + LINGER_SILENCE_MS, this.#lingerUntil)
      return
    }
    if (this.#state === 'closed') return
    this.#pending = this.#pending === null ? data : Buffer.concat([this.#pending, data])
    if (this.#state === 'respond' && this.#pending.length > MAX_PIPELINED_BYTES) this.socket.pause()
    else this.#advance()
  }

  #onEnd (): void {
    this.#peerEnded = true
    if (this.#state === 'idle' || this.#state === 'linger' || this.#state === 'discard') this.socket.destroySoon()
    else if (this.#state === 'head' || this.#state === 'body') this.#abort('CLIENT_ABORTED')
    // In `respond` the request is complete: a client that only closed its sending half still gets its answer.
  }

  #onDrain (): void {
    if (this.#state === 'respond') {
      this.deadline = Infinity
      this.#exchange?.onDrain?.()
    } else if (this.#state === 'idle') {
      this.socket.resume()
      this.#advance()
    }
  }

  #onClose (): void {
    this.#deadlines.remove(this)
    if (this.#state === 'head' || this.#state === 'body') this.#abort('CLIENT_ABORTED')
    this.#state = 'closed'
    this.#pending = null
    const exchange = this.#exchange
    this.#exchange = null
    if (exchange !== null) {
      exchange.gone = true
      exchange.onGone?.()
    }
  }

  onDeadline (): void {
    switch (this.#state) {
      case 'idle':
        // The first request of a connection has the header's time, as in nginx: no bytes at all is a silence, not idleness.
        this.socket.destroySoon()
        break
      case 'head': case 'body':
        this.#abort('CLIENT_TIMEOUT')
        break
      case 'respond': case 'discard':
        this.socket.resetAndDestroy()
        break
      case 'linger': case 'closed':
        this.socket.destroy()
        break
    }
  }

  // The states.

  #advance (): void {
    if (this.#advancing) return
    this.#advancing = true
    let progress = true
    while (progress && this.#pending !== null) {
      switch (this.#state) {
        case 'idle': case 'head': progress = this.#mayServe() && this.#readHead(this.#pending); break
        case 'body': case 'discard': progress = this.#readBody(this.#pending); break
        case 'respond': case 'linger': case 'closed': progress = false; break
      }
    }
    this.#advancing = false
    if (this.#peerEnded && this.#state === 'idle') this.socket.destroySoon()
    else if (this.#peerEnded && this.#state === 'head') this.#abort('CLIENT_ABORTED')
  }

  /** A client that asks on without reading its answers is not read either. */
  #mayServe (): boolean {
    if (!this.socket.writableNeedDrain) return true
    this.socket.pause()
    return false
  }

  #readHead (pending: Buffer): boolean {
    let start = 0
    if (this.#state === 'idle') {
      // RFC 9112 section 2.2: empty lines before a request are ignored.
      while (start < pending.length && (pending[start] === 13 || pending[start] === 10)) start++
      this.#pending = start === pending.length ? null : start === 0 ? pending : pending.subarray(start)
      if (this.#pending === null) return false
      this.#state = 'head'
      this.#startedAt = performance.now()
      this.#searched = 0
      this.#lineStart = 0
      this.deadline = this.#startedAt + this.#timeouts.headerTimeoutMs
      if (!canBeginRequest(this.#pending[0] as number)) return this.#malformed('BAD_REQUEST', '')
      return true
    }

    const end = pending.indexOf('\r\n\r\n', Math.max(0, this.#searched - 3), 'latin1')
    if (end === -1) return this.#checkPartialHead(pending)

    const text = pending.toString('latin1', 0, end + 2)
    const head = parseRequestHead(text, true)
    this.#pending = end + 4 === pending.length ? null : pending.subarray(end + 4)
    const requestLine = text.substring(0, text.indexOf('\r'))
    if (head === null || typeof head === 'string') return this.#malformed(head ?? 'BAD_REQUEST', requestLine)

    this.#decoder = head.framing === 'chunked' ? new ChunkedDecoder() : null
    this.#bodyRemaining = head.contentLength
    this.#bodyLimit = Infinity
    this.#state = 'respond'
    this.deadline = Infinity
    this.#exchange = new Exchange(this, head, requestLine, this.#startedAt)
    if (this.#draining) this.#exchange.keepAlive = false
    this.#requests.onRequest(this.#exchange)
    return true
  }

  /** A fault is answered as soon as it can be seen; each byte is looked at a bounded number of times. */
  #checkPartialHead (pending: Buffer): boolean {
    const newLine = pending.lastIndexOf(10)
    const lineComplete = newLine >= this.#searched
    this.#searched = pending.length
    if (!lineComplete && pending.length - this.#lineStart <= MAX_LINE_BYTES) return false
    this.#lineStart = newLine + 1
    const text = pending.toString('latin1', 0, pending.length)
    const fault = parseRequestHead(text, false)
    return typeof fault === 'string' ? this.#malformed(fault, text.substring(0, Math.max(0, text.indexOf('\r')))) : false
  }

  #malformed (code: ErrorCode, requestLine: string): boolean {
    this.#state = 'respond'
    this.deadline = Infinity
    this.#bodyRemaining = Infinity
    this.#exchange = new Exchange(this, null, requestLine, this.#startedAt)
    this.#requests.onMalformed(this.#exchange, code)
    return true
  }

  #readBody (pending: Buffer): boolean {
    if (this.#bodyPaused) return false
    this.deadline = performance.now() + this.#timeouts.bodyTimeoutMs
    const decoder = this.#decoder
    if (decoder === null) {
      const taken = Math.min(this.#bodyRemaining, pending.length)
      this.#bodyRemaining -= taken
      this.#pending = taken === pending.length ? null : pending.subarray(taken)
      this.#consumer?.onData(taken === pending.length ? pending : pending.subarray(0, taken))
    } else {
      const pieces: Buffer[] = []
      const taken = decoder.read(pending, 0, piece => { pieces.push(piece) })
      this.#pending = taken === pending.length ? null : pending.subarray(taken)
      if (decoder.fault) return this.#failBody('BAD_REQUEST')
      if (decoder.announced > this.#bodyLimit) return this.#failBody('BODY_TOO_LARGE')
      // One buffer for each read, however small the chunks: a body of one-byte chunks must not cost an object per byte.
      if (pieces.length > 0) this.#consumer?.onData(pieces.length === 1 ? pieces[0] as Buffer : Buffer.concat(pieces))
    }
    if (this.#bodyComplete()) this.#endBody()
    return true
  }

  #bodyComplete (): boolean {
    return this.#decoder === null ? this.#bodyRemaining === 0 : this.#decoder.done
  }

  #endBody (): void {
    if (this.#state === 'discard') {
      this.#becomeIdle()
    } else {
      this.#state = 'respond'
      this.deadline = Infinity
      this.#consumer?.onEnd()
    }
  }

  #failBody (code: BodyFault): boolean {
    if (this.#state === 'discard') {
      this.#close()
    } else {
      this.#state = 'respond'
      this.deadline = Infinity
      this.#consumer?.onFault(code)
    }
    return true
  }

  /** The client gave up, by leaving or by silence. A silent one is reset: nginx's reset_timedout_connection. */
  #abort (code: 'CLIENT_ABORTED' | 'CLIENT_TIMEOUT'): void {
    const inHead = this.#state === 'head'
    this.#state = 'closed'
    if (inHead) this.#requests.onHeadAborted()
    else this.#consumer?.onFault(code)
    this.#exchange = null
    if (code === 'CLIENT_TIMEOUT') this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  #becomeIdle (): void {
    this.#state = 'idle'
    this.#consumer = null
    this.deadline = performance.now() + this.#timeouts.keepaliveTimeoutMs
    if (this.#draining) { this.#close(); return }
    if (this.socket.isPaused()) this.socket.resume()
    if (this.#pending !== null) this.#advance()
    else if (this.#peerEnded) this.socket.destroySoon()
  }

  #close (): void {
    const unread = this.#pending !== null || !this.#bodyComplete()
    this.#pending = null
    if (!unread || this.#peerEnded) {
      this.#state = 'closed'
      this.socket.destroySoon()
      return
    }
    this.#state = 'linger'
    const now = performance.now()
    this.#lingerUntil = now + LINGER_TOTAL_MS
    this.deadline = now + LINGER_SILENCE_MS
    this.socket.end()
    this.socket.resume()
  }
}
