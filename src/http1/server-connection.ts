/**
 * One connection of a client. Its states, and what ends each:
 *
 *   idle ─ first byte ─► head ─ complete ─► respond ─ readBody ─► body
 *    ▲                    │                  │   ▲                  │
 *    │                    └─ malformed ──►   │   └─ body complete ──┘
 *    │                                       │ response complete
 *    ├───────────────────────────────────────┤
 *    └──── the rest of an unread body ─── discard            or: linger ─► closed
 *
 * Requests are answered one at a time, in order; what comes early waits. A client
 * that is silent for too long is reset, an idle one gets a FIN, as nginx does it.
 */
import type { Socket } from 'node:net'
import type { ErrorCode } from '../errors.ts'
import type { Seat } from '../roster.ts'
import type { Occupant } from './admission.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import { Exchange, type BodyConsumer, type ExchangeConnection } from './exchange.ts'
import { RequestReader } from './request-reader.ts'

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
/** A client that sends less, all in all, is a slow one: 1 KiB/s. */
const SLOW_BYTES_PER_MS = 1.024

type State = 'idle' | 'head' | 'body' | 'respond' | 'discard' | 'linger' | 'closed'

export class ServerConnection implements ExchangeConnection, Timed, Occupant {
  readonly socket: Socket
  readonly remoteAddress: string
  readonly localAddress: string
  readonly listener: string
  deadline: number

  readonly #timeouts: ConnectionTimeouts
  readonly #requests: RequestListener
  readonly #deadlines: Deadlines
  readonly #timed: Seat<Timed>
  readonly #reader = new RequestReader()
  #state: State = 'idle'
  #exchange: Exchange | null = null
  #startedAt = 0
  #idleSince: number
  /** Bytes of the request under way. */
  #received = 0
  #consumer: BodyConsumer | null = null
  #bodyLimit = Infinity
  #bodyPaused = false
  /** Nothing behind a malformed request can be read. */
  #unreadable = false
  #advancing = false
  #peerEnded = false
  #draining = false
  /** Infinity until the answer is out: only then does lingering begin. */
  #lingerUntil = Infinity

  constructor (socket: Socket, listener: string, timeouts: ConnectionTimeouts, requests: RequestListener, deadlines: Deadlines) {
    this.socket = socket
    this.listener = listener
    this.remoteAddress = socket.remoteAddress ?? ''
    this.localAddress = socket.localAddress ?? ''
    this.#timeouts = timeouts
    this.#requests = requests
    this.#deadlines = deadlines
    this.#idleSince = performance.now()
    this.deadline = this.#idleSince + timeouts.headerTimeoutMs
    this.#timed = deadlines.add(this)
    socket.on('data', (data: Buffer) => { this.#onData(data) })
    socket.on('end', () => { this.#onEnd() })
    socket.on('drain', () => { this.#onDrain() })
    socket.on('finish', () => { this.#onFinish() })
    socket.on('close', () => { this.#onClose() })
    // A 'close' follows every 'error', and is where it is dealt with.
    socket.on('error', () => {})
  }

  /** Serves no further request: an idle connection closes now, a busy one after its answer. */
  drain (): void {
    this.#draining = true
    if (this.#exchange !== null) this.#exchange.keepAlive = false
    else if (this.#state === 'idle') this.#leave()
  }

  destroy (): void {
    this.socket.destroy()
  }

  // What admission asks.

  idleMs (now: number): number {
    if (this.#state === 'idle') return this.socket.writableLength === 0 ? now - this.#idleSince : 0
    return this.#state === 'linger' && this.#lingerUntil !== Infinity ? now - this.#lingerUntil + LINGER_TOTAL_MS : 0
  }

  slowMs (now: number): number {
    const ms = now - this.#startedAt
    switch (this.#state) {
      case 'head': return ms
      case 'body': case 'discard': return this.#bodyPaused || this.#received / ms >= SLOW_BYTES_PER_MS ? 0 : ms
      case 'idle': return this.socket.writableLength > 0 ? now - this.#idleSince : 0
      case 'respond': case 'linger': case 'closed': return this.socket.writableLength > 0 ? now - this.deadline + this.#timeouts.sendTimeoutMs : 0
    }
  }

  giveWay (): void {
    if (this.#state === 'idle' && this.socket.writableLength === 0) this.#leave()
    else if (this.#state === 'head' || this.#state === 'body') this.#abort('CLIENT_TIMEOUT')
    else this.socket.resetAndDestroy()
  }

  // What the exchange asks for.

  readBody (consumer: BodyConsumer, limit: number): void {
    this.#consumer = consumer
    this.#bodyLimit = limit
    if (this.#reader.bodyComplete) {
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
    if (this.#state !== 'body') return
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
    const asked = this.#exchange?.head?.keepAlive === false
    this.#exchange = null
    this.#bodyPaused = false
    if (this.#state === 'closed') return
    if (!keepAlive) {
      this.#close(asked)
    } else if (this.#reader.bodyComplete) {
      this.#becomeIdle()
    } else {
      this.#state = 'discard'
      this.deadline = performance.now() + this.#timeouts.bodyTimeoutMs
      this.socket.resume()
      this.#advance()
    }
  }

  cut (): void {
    this.#exchange = null
    if (this.#state === 'closed') this.socket.destroy()
    else this.#leave()
  }

  // What the socket tells.

  #onData (data: Buffer): void {
    if (this.#state === 'linger') {
      if (this.#lingerUntil !== Infinity) this.deadline = Math.min(performance.now() + LINGER_SILENCE_MS, this.#lingerUntil)
      return
    }
    if (this.#state === 'closed') return
    this.#received += data.length
    this.#reader.push(data)
    if (this.#state === 'respond' && this.#reader.bufferedBytes > MAX_PIPELINED_BYTES) this.socket.pause()
    else this.#advance()
  }

  #onEnd (): void {
    this.#peerEnded = true
    if (this.#state === 'idle' || this.#state === 'linger' || this.#state === 'discard') this.#leave()
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

  #onFinish (): void {
    if (this.#state !== 'linger') return
    const now = performance.now()
    this.#lingerUntil = now + LINGER_TOTAL_MS
    this.deadline = now + LINGER_SILENCE_MS
  }

  #onClose (): void {
    this.#deadlines.remove(this.#timed)
    if (this.#state === 'head' || this.#state === 'body') this.#abort('CLIENT_ABORTED')
    this.#state = 'closed'
    this.#reader.clear()
    const exchange = this.#exchange
    this.#exchange = null
    if (exchange !== null) {
      exchange.gone = true
      exchange.onGone?.()
    }
  }

  onDeadline (): void {
    switch (this.#state) {
      case 'idle': this.#leave(); break
      case 'head': case 'body': this.#abort('CLIENT_TIMEOUT'); break
      case 'respond':
        // A client that has taken all there was waits for the upstream, not the other way round.
        if (this.socket.writableLength > 0) this.socket.resetAndDestroy()
        break
      case 'discard': this.socket.resetAndDestroy(); break
      case 'linger': case 'closed': this.socket.destroy(); break
    }
  }

  // The states.

  #advance (): void {
    if (this.#advancing) return
    this.#advancing = true
    while (this.#step());
    this.#advancing = false
    if (!this.#peerEnded) return
    // It ended while an earlier request was answered, and what it had sent by then is used up.
    if (this.#state === 'idle' || this.#state === 'discard') this.#leave()
    else if (this.#state === 'head' || (this.#state === 'body' && !this.#bodyPaused)) this.#abort('CLIENT_ABORTED')
  }

  /** @returns Whether another step may be possible with the bytes there are. */
  #step (): boolean {
    switch (this.#state) {
      case 'idle':
        if (!this.#mayServe() || !this.#reader.beginHead()) return false
        this.#state = 'head'
        this.#startedAt = performance.now()
        this.#received = this.#reader.bufferedBytes
        this.deadline = this.#startedAt + this.#timeouts.headerTimeoutMs
        return true
      case 'head': return this.#readHead()
      case 'body': case 'discard': return this.#readBody()
      case 'respond': case 'linger': case 'closed': return false
    }
  }

  /** A client that asks on without reading its answers is not read either. */
  #mayServe (): boolean {
    if (!this.socket.writableNeedDrain) return true
    this.socket.pause()
    return false
  }

  #readHead (): boolean {
    const result = this.#reader.readHead()
    if (result === null) return false
    this.#state = 'respond'
    this.deadline = Infinity
    if (result.kind === 'fault') {
      this.#unreadable = true
      this.#exchange = new Exchange(this, null, result.requestLine, this.#startedAt)
      this.#requests.onMalformed(this.#exchange, result.code)
      return true
    }
    this.#bodyLimit = Infinity
    this.#exchange = new Exchange(this, result.head, result.requestLine, this.#startedAt)
    if (this.#draining) this.#exchange.keepAlive = false
    this.#requests.onRequest(this.#exchange)
    return true
  }

  #readBody (): boolean {
    if (this.#bodyPaused || this.#reader.bufferedBytes === 0) return false
    const discarding = this.#state === 'discard'
    const consumer = discarding ? null : this.#consumer
    this.deadline = performance.now() + this.#timeouts.bodyTimeoutMs
    const progress = this.#reader.readBody(this.#bodyLimit, piece => { consumer?.onData(piece) })
    if (progress === 'incomplete') return true
    if (discarding) {
      if (progress === 'complete') this.#becomeIdle()
      else this.#close()
      return true
    }
    // The consumer may have answered already, if it could not keep what it got.
    if (this.#state !== 'body') return true
    this.#state = 'respond'
    this.deadline = Infinity
    if (progress === 'complete') consumer?.onEnd()
    else consumer?.onFault(progress)
    return true
  }

  /** The client gave up, by leaving or by silence. A silent one is reset: nginx's reset_timedout_connection. */
  #abort (code: 'CLIENT_ABORTED' | 'CLIENT_TIMEOUT'): void {
    const inHead = this.#state === 'head'
    this.#state = 'closed'
    // Before anybody is told: who cuts the connection then would end it with a FIN.
    if (code === 'CLIENT_TIMEOUT') this.socket.resetAndDestroy()
    else this.socket.destroy()
    if (inHead) this.#requests.onHeadAborted()
    else this.#consumer?.onFault(code)
    this.#exchange = null
  }

  #becomeIdle (): void {
    this.#consumer = null
    if (this.#draining) {
      this.#close()
      return
    }
    this.#state = 'idle'
    this.#idleSince = performance.now()
    this.deadline = this.#idleSince + this.#timeouts.keepaliveTimeoutMs
    if (this.socket.isPaused()) this.socket.resume()
    this.#advance()
  }

  /**
   * What the client has yet to say would reset the connection, and its answer with it, if nobody read it (RFC 9112 section 9.6).
   *
   * @param asked - The client is to send nothing more: it asked for the end itself.
   */
  #close (asked = false): void {
    const mayFollow = !asked || this.#unreadable || this.#reader.bufferedBytes > 0 || !this.#reader.bodyComplete
    this.#reader.clear()
    if (!mayFollow || this.#peerEnded) {
      this.#leave()
      return
    }
    this.#state = 'linger'
    this.deadline = performance.now() + this.#timeouts.sendTimeoutMs
    this.socket.end()
    this.socket.resume()
  }

  /** Nothing more is read; what is written still goes out, if the client takes it in time. */
  #leave (): void {
    this.#state = 'closed'
    if (this.socket.writableLength === 0) {
      // Closing says FIN as well: a system call, and the events of a stream that ends, are saved.
      this.socket.destroy()
      return
    }
    this.deadline = performance.now() + this.#timeouts.sendTimeoutMs
    this.socket.destroySoon()
  }
}
