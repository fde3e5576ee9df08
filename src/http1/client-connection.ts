/**
 * One connection to a server: a request goes out, a response comes back, one at a
 * time, without pipelining. The silences of the server are bounded in every phase.
 */
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Deadlines, Timed } from './deadlines.ts'
import type { ResponseHead } from './message.ts'
import { ResponseReader, type ResponseEvents } from './response-reader.ts'
import { faultReason, type FaultReason } from './socket-fault.ts'

/** How a server is dialled. */
export interface Dial {
  /** A new socket; a name is resolved here, for every connection anew, so that a recreated container needs no restart. */
  readonly connect: () => Socket
  /** The event after which it carries bytes. */
  readonly readyEvent: 'connect' | 'secureConnect'
}

export interface ClientTimeouts {
  /** Until the connection is ready, the TLS handshake included. */
  readonly connectTimeoutMs: number
  /** Between two writes. nginx: proxy_send_timeout. */
  readonly sendTimeoutMs: number
  /** Between two reads. nginx: proxy_read_timeout. */
  readonly readTimeoutMs: number
}

export interface OutgoingRequest {
  readonly method: string
  /** Request line and header lines with the empty line, as latin1. */
  readonly head: string
  /** Body in memory; empty when there is none, or when `openBody` has it. */
  readonly chunks: readonly Buffer[]
  readonly openBody: (() => Readable) | null
}

export interface ClientFault {
  readonly reason: FaultReason
  /** Whether a byte of this response had come. */
  readonly answered: boolean
  /** The connection had served a request before, and ended without a byte: its end may have crossed this one. */
  readonly stale: boolean
  readonly cause?: unknown
}

export interface ResponseHandler {
  onHead (head: ResponseHead): void
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
/** Up to this size the head and the first chunk are joined into one string and one write. */
const MAX_JOINED_BYTES = 12 * 1024

type State = 'connecting' | 'idle' | 'busy' | 'closed'

export class ClientConnection implements Timed, ResponseEvents {
  deadline: number
  readonly #socket: Socket
  readonly #timeouts: ClientTimeouts
  readonly #deadlines: Deadlines
  readonly #owner: ConnectionOwner
  #state: State = 'connecting'
  #request: OutgoingRequest | null = null
  #handler: ResponseHandler | null = null
  #reader: ResponseReader | null = null
  #served = 0
  /** The request was handed to the socket whole. */
  #sent = false
  #nextChunk = 0
  #source: Readable | null = null
  #paused = false

  constructor (dial: Dial, timeouts: ClientTimeouts, deadlines: Deadlines, owner: ConnectionOwner) {
    this.#timeouts = timeouts
    this.#deadlines = deadlines
    this.#owner = owner
    this.deadline = performance.now() + timeouts.connectTimeoutMs
    deadlines.add(this)
    const socket = dial.connect()
    this.#socket = socket
    socket.once(dial.readyEvent, () => { this.#onReady() })
    socket.on('data', (data: Buffer) => { this.#onData(data) })
    socket.on('end', () => { this.#onEnd() })
    socket.on('drain', () => { this.#pump() })
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
    this.#nextChunk = 0
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
    this.#source?.destroy()
    this.#source = null
    this.#socket.destroy()
  }

  onDeadline (): void {
    if (this.#state === 'idle') this.destroy()
    else this.#fail('timeout')
  }

  #onReady (): void {
    if (this.#request === null) this.#becomeIdle()
    else this.#begin()
  }

  // The request.

  #begin (): void {
    const request = this.#request as OutgoingRequest
    const first = request.chunks[0]
    this.#state = 'busy'
    if (first !== undefined && first.length <= MAX_JOINED_BYTES) {
      this.#nextChunk = 1
      this.#socket.write(request.head + first.toString('latin1'), 'latin1')
    } else {
      this.#socket.write(request.head, 'latin1')
    }
    this.#pump()
  }

  /** Hands on as much of the body as the socket takes; called again when it has drained. */
  #pump (): void {
    const request = this.#request
    if (request === null || this.#state !== 'busy') return
    while (this.#nextChunk < request.chunks.length && !this.#socket.writableNeedDrain) {
      this.#socket.write(request.chunks[this.#nextChunk++] as Buffer)
    }
    if (this.#source !== null) this.#source.resume()
    else if (request.openBody !== null && !this.#sent) this.#openSource(request.openBody())
    else if (this.#nextChunk === request.chunks.length) this.#sent = true
    if (this.#paused) return
    const flushed = this.#sent && !this.#socket.writableNeedDrain
    this.deadline = performance.now() + (flushed ? this.#timeouts.readTimeoutMs : this.#timeouts.sendTimeoutMs)
  }

  #openSource (source: Readable): void {
    this.#source = source
    source.on('data', (piece: Buffer) => {
      this.deadline = performance.now() + this.#timeouts.sendTimeoutMs
      if (!this.#socket.write(piece)) source.pause()
    })
    source.on('end', () => {
      this.#source = null
      this.#sent = true
      this.#pump()
    })
    source.on('error', error => { this.#fail('body_lost', error) })
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
    if (this.#sent) this.deadline = performance.now() + this.#timeouts.readTimeoutMs
    reader.push(data)
    if (reader.fault) this.#fail('invalid_response')
    else if (reader.complete) this.#complete(reader)
  }

  #onEnd (): void {
    const reader = this.#reader
    if (this.#state === 'busy' && reader?.end() === true) this.#complete(reader)
    else this.#fail('reset')
  }

  #complete (reader: ResponseReader): void {
    const handler = this.#handler
    // A request that was not taken whole: what is left of it would be read as the next.
    const reusable = this.#state === 'busy' && reader.reusable && this.#sent && this.#socket.writableLength === 0
    this.#handler = null
    this.#request = null
    this.#reader = null
    this.#served++
    if (reusable) this.#becomeIdle()
    else this.destroy()
    handler?.onEnd()
  }

  #becomeIdle (): void {
    this.#state = 'idle'
    this.deadline = performance.now() + IDLE_TIMEOUT_MS
    if (this.#paused) {
      this.#paused = false
      this.#socket.resume()
    }
    this.#owner.onIdle(this)
  }

  #onClose (): void {
    this.#deadlines.remove(this)
    this.#fail('reset')
    this.#owner.onClosed(this)
  }

  #fail (reason: FaultReason, cause?: unknown): void {
    const handler = this.#handler
    const answered = this.#reader?.started === true
    this.destroy()
    handler?.onFault({ reason, answered, stale: this.#served > 0 && !answered && reason === 'reset', cause })
  }
}
