/**
 * One connection to a server: a request goes out, a response comes back, one at a
 * time, without pipelining. The silences of the server are bounded in every phase.
 */
import type { Socket } from 'node:net'
import type { Seat } from '../roster.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Dial } from './dial.ts'
import { MAX_JOINED_BYTES, writeJoined } from './joined-write.ts'
import type { ResponseHead } from './message.ts'
import { ResponseReader, type ResponseEvents } from './response-reader.ts'
import { faultReason, type FaultReason } from './socket-fault.ts'

export interface ClientTimeouts {
  /** Until the connection is ready, the TLS handshake included. */
  readonly connectTimeoutMs: number
  /** Between two writes. nginx: proxy_send_timeout. */
  readonly sendTimeoutMs: number
  /** Between two reads. nginx: proxy_read_timeout. */
  readonly readTimeoutMs: number
  /** From the first byte of a response to its last, however steadily it drips; unbounded when left out. */
  readonly answerTimeoutMs?: number
}

export interface OutgoingRequest {
  readonly method: string
  /** Request line and header lines with the empty line, as latin1. */
  readonly head: string
  /** Body in memory; empty when there is none, or when `readBody` has it. */
  readonly chunks: readonly Buffer[]
  /** Reads a body that is not in memory; throws when it cannot. */
  readonly readBody: (() => AsyncIterable<Buffer>) | null
}

export interface ClientFault {
  readonly reason: FaultReason
  /** Whether there was a connection, so that the server may have seen the request. */
  readonly sent: boolean
  /** Whether a byte of this response had come. */
  readonly answered: boolean
  /** The connection had served a request before, and ended without a byte: its end may have crossed this one. */
  readonly stale: boolean
  readonly cause?: unknown
}

export interface ResponseHandler {
  onHead (head: ResponseHead): void
  /** @param piece - Good until this returns: what is kept must be copied. */
  onData (piece: Buffer): void
  /** The response is complete; the connection has been given back to its owner. */
  onEnd (): void
  onFault (fault: ClientFault): void
}

export interface ConnectionOwner {
  onIdle (connection: ClientConnection): void
  onClosed (connection: ClientConnection): void
}

/** Shorter than the keep-alive of Relay (5 s) and of uWSGI (15 s): a connection they are about to close is not used. */
const IDLE_TIMEOUT_MS = 4_000
/** A server that says how long it waits is believed, less the way of the next request. */
const MAX_IDLE_TIMEOUT_MS = 60_000
const WAY_MS = 1_000

/** Handed to the socket at once; what follows waits until it is taken. */
const MAX_TOGETHER_BYTES = 128 * 1024

type State = 'connecting' | 'idle' | 'busy' | 'closed'

export class ClientConnection implements Timed, ResponseEvents {
  deadline: number
  readonly #socket: Socket
  readonly #timeouts: ClientTimeouts
  readonly #deadlines: Deadlines
  readonly #timed: Seat<Timed>
  readonly #owner: ConnectionOwner
  #state: State = 'connecting'
  #request: OutgoingRequest | null = null
  #handler: ResponseHandler | null = null
  #reader: ResponseReader | null = null
  #served = 0
  /** The request was handed to the socket whole. */
  #sent = false
  /** The response was complete before that. */
  #early = false
  #nextChunk = 0
  /** Lets `#sendFrom` go on: the socket has drained, or is gone. */
  #onDrained: (() => void) | null = null
  #paused = false
  /** When the response under way must be complete. */
  #answerBy = Infinity

  constructor (dial: Dial, timeouts: ClientTimeouts, deadlines: Deadlines, owner: ConnectionOwner) {
    this.#timeouts = timeouts
    this.#deadlines = deadlines
    this.#owner = owner
    this.deadline = performance.now() + timeouts.connectTimeoutMs
    this.#timed = deadlines.add(this)
    const socket = dial.connect(data => { this.#onData(data) })
    this.#socket = socket
    socket.once(dial.readyEvent, () => { this.#onReady() })
    socket.on('end', () => { this.#onEnd() })
    socket.on('drain', () => { this.#onDrain() })
    socket.on('error', error => { this.#fail(faultReason(error, dial.readyEvent === 'secureConnect'), error) })
    socket.on('close', () => { this.#onClose() })
  }

  /** Whether a request can be sent at once. */
  get idle (): boolean { return this.#state === 'idle' }

  /** Sends a request. The handler gets `onHead`, `onData`… and one of `onEnd` and `onFault`, unless the connection is destroyed. */
  send (request: OutgoingRequest, handler: ResponseHandler): void {
    this.#request = request
    this.#handler = handler
    this.#reader = new ResponseReader(request.method, this)
    this.#sent = false
    this.#early = false
    this.#nextChunk = 0
    this.#answerBy = Infinity
    if (this.#state === 'idle') this.#begin()
  }

  /** Reads no more than what is on its way already: the client is slower than the server. */
  pause (): void {
    if (this.#paused || this.#state !== 'busy') return
    this.#paused = true
    this.#socket.pause()
    this.deadline = Infinity
  }

  resume (): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#state !== 'busy') return
    this.deadline = performance.now() + this.#timeouts.readTimeoutMs
    this.#socket.resume()
  }

  /** Ends the connection without telling the handler. */
  destroy (): void {
    this.#handler = null
    this.#state = 'closed'
    this.#socket.destroy()
    this.#onDrained?.()
  }

  onDeadline (): void {
    if (this.#state === 'idle') this.destroy()
    else this.#fail('timeout')
  }

  #onReady (): void {
    if (this.#state !== 'connecting') return
    if (this.#request === null) this.#becomeIdle(IDLE_TIMEOUT_MS)
    else this.#begin()
  }

  // The request.

  #begin (): void {
    const request = this.#request as OutgoingRequest
    const first = request.chunks[0]
    this.#state = 'busy'
    if (first !== undefined && first.length <= MAX_JOINED_BYTES) {
      this.#nextChunk = 1
      writeJoined(this.#socket, request.head, first, '')
    } else {
      this.#sendTogether(request)
    }
    if (request.readBody === null) this.#sendChunks(request.chunks)
    else void this.#sendFrom(request.readBody())
  }

  /** The head and the first of the body in one system call. */
  #sendTogether ({ head, chunks }: OutgoingRequest): void {
    this.#socket.cork()
    this.#socket.write(head, 'latin1')
    for (let bytes = 0; bytes < MAX_TOGETHER_BYTES && this.#nextChunk < chunks.length;) {
      const chunk = chunks[this.#nextChunk++] as Buffer
      this.#socket.write(chunk)
      bytes += chunk.length
    }
    this.#socket.uncork()
  }

  #onDrain (): void {
    if (this.#state !== 'busy') return
    if (this.#onDrained !== null) this.#onDrained()
    else if (this.#request !== null) this.#sendChunks(this.#request.chunks)
  }

  /** Hands on as much of the body as the socket takes; called again when it has drained. */
  #sendChunks (chunks: readonly Buffer[]): void {
    while (this.#nextChunk < chunks.length && !this.#socket.writableNeedDrain) {
      this.#socket.write(chunks[this.#nextChunk++] as Buffer)
    }
    if (this.#nextChunk === chunks.length && !this.#sent) this.#onSent()
    else this.#expectProgress()
  }

  async #sendFrom (source: AsyncIterable<Buffer>): Promise<void> {
    this.#expectProgress()
    try {
      for await (const piece of source) {
        if (this.#state !== 'busy') return
        if (!this.#socket.write(piece)) await new Promise<void>(resolve => { this.#onDrained = resolve })
        this.#onDrained = null
        this.#expectProgress()
      }
    } catch (cause) {
      this.#fail('body_lost', cause)
      return
    }
    if (this.#state === 'busy') this.#onSent()
  }

  #onSent (): void {
    this.#sent = true
    if (this.#reader?.complete === true) this.#complete(this.#reader)
    else this.#expectProgress()
  }

  /** The server must take what is written, then answer. */
  #expectProgress (): void {
    if (this.#paused || this.#state !== 'busy') return
    const flushed = this.#sent && !this.#socket.writableNeedDrain
    const now = performance.now()
    this.deadline = flushed ? Math.min(now + this.#timeouts.readTimeoutMs, this.#answerBy) : now + this.#timeouts.sendTimeoutMs
  }

  // The response. What the handler gave up on is read no further, also within one read.

  onHead (head: ResponseHead): void { this.#handler?.onHead(head) }
  onData (piece: Buffer): void { this.#handler?.onData(piece) }

  #onData (data: Buffer): void {
    const reader = this.#reader
    // Nothing was asked: whatever this is, it must not become the answer to the next request.
    if (this.#state !== 'busy' || reader === null) {
      this.destroy()
      return
    }
    this.#expectMore(reader)
    reader.push(data)
    if (reader.fault) this.#fail('invalid_response')
    else if (reader.complete) {
      this.#early = !this.#sent
      if (this.#sent || !reader.wantsRequest) this.#complete(reader)
    }
  }

  /** Until the request is sent, it is the server's reading that must go on. */
  #expectMore (reader: ResponseReader): void {
    const now = performance.now()
    if (!reader.started) this.#answerBy = now + (this.#timeouts.answerTimeoutMs ?? Infinity)
    if (this.#sent) this.deadline = Math.min(now + this.#timeouts.readTimeoutMs, this.#answerBy)
  }

  #onEnd (): void {
    const reader = this.#reader
    if (this.#state === 'busy' && reader?.end() === true) this.#complete(reader)
    else this.#fail('reset')
  }

  #complete (reader: ResponseReader): void {
    const handler = this.#handler
    const flushed = this.#sent && this.#socket.writableLength === 0
    // A request that was not taken whole, or that the server answered without it: what is left of it might be read as the next.
    const reusable = this.#state === 'busy' && reader.reusable && flushed && !this.#early
    this.#handler = null
    this.#request = null
    this.#reader = null
    this.#served++
    const idleMs = idleTimeoutMs(reader.keepAliveTimeoutMs)
    if (reusable && idleMs > 0) this.#becomeIdle(idleMs)
    else if (this.#sent && (!flushed || this.#early) && reader.wantsRequest) this.#leave()
    else this.destroy()
    handler?.onEnd()
  }

  /** The answer is there; the end of the request still goes out. */
  #leave (): void {
    this.#handler = null
    this.#state = 'closed'
    this.deadline = performance.now() + this.#timeouts.sendTimeoutMs
    this.#socket.destroySoon()
  }

  #becomeIdle (idleMs: number): void {
    this.#state = 'idle'
    this.deadline = performance.now() + idleMs
    if (this.#paused) {
      this.#paused = false
      this.#socket.resume()
    }
    this.#owner.onIdle(this)
  }

  #onClose (): void {
    this.#deadlines.remove(this.#timed)
    this.#fail('reset')
    this.#owner.onClosed(this)
  }

  #fail (reason: FaultReason, cause?: unknown): void {
    const handler = this.#handler
    const sent = this.#state !== 'connecting'
    const answered = this.#reader?.started === true
    const complete = this.#reader?.complete === true && reason !== 'body_lost'
    this.destroy()
    // A server that answers and then breaks off has answered.
    if (complete) handler?.onEnd()
    else handler?.onFault({ reason, sent, answered, stale: this.#served > 0 && !answered && reason === 'reset', cause })
  }
}

function idleTimeoutMs (hintMs: number | null): number {
  return hintMs === null ? IDLE_TIMEOUT_MS : Math.min(hintMs - WAY_MS, MAX_IDLE_TIMEOUT_MS)
}
