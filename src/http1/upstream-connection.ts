/**
 * One connection to a server of an upstream: a request goes out, a response comes
 * back, one at a time, without pipelining. Silences are bounded in every phase;
 * a response that two parsers could read in two ways is a fault.
 */
import { connect, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { ChunkedDecoder } from './chunked.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { ResponseHead } from './message.ts'
import { MAX_RESPONSE_HEAD_BYTES, parseResponseHead } from './response-head.ts'

export interface UpstreamTimeouts {
  readonly connectTimeoutMs: number
  readonly sendTimeoutMs: number
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

export type UpstreamFaultReason = 'refused' | 'reset' | 'timeout' | 'dns' | 'unreachable' | 'invalid_response'

export interface UpstreamFault {
  readonly reason: UpstreamFaultReason
  /** Whether a byte of this response had come. */
  readonly answered: boolean
  /** Whether the connection had served a request before: then its end may have crossed this one. */
  readonly reused: boolean
  readonly cause?: unknown
}

export interface ResponseHandler {
  onHead (head: ResponseHead): void
  onData (piece: Buffer): void
  /** The response is complete; the connection has been given back to its owner. */
  onEnd (): void
  onFault (fault: UpstreamFault): void
}

export interface ConnectionOwner {
  onIdle (connection: UpstreamConnection): void
  onClosed (connection: UpstreamConnection): void
}

/** Shorter than the keep-alive of Relay (5 s) and of uWSGI (15 s): a connection they are about to close is not used. */
export const IDLE_TIMEOUT_MS = 4_000
const MAX_JOINED_BYTES = 12 * 1024
const MAX_INTERIM_RESPONSES = 32

type State = 'connecting' | 'idle' | 'head' | 'length' | 'chunked' | 'close' | 'closed'

export class UpstreamConnection implements Timed {
  deadline: number
  readonly #socket: Socket
  readonly #timeouts: UpstreamTimeouts
  readonly #deadlines: Deadlines
  readonly #owner: ConnectionOwner
  #state: State = 'connecting'
  #connected = false
  #request: OutgoingRequest | null = null
  #handler: ResponseHandler | null = null
  #served = 0
  #answered = false
  #sent = false
  #nextChunk = 0
  #source: Readable | null = null
  #pending: Buffer | null = null
  #searched = 0
  #interim = 0
  #remaining = 0
  #decoder: ChunkedDecoder | null = null
  #reusable = false
  #paused = false

  constructor (host: string, port: number, timeouts: UpstreamTimeouts, deadlines: Deadlines, owner: ConnectionOwner) {
    this.#timeouts = timeouts
    this.#deadlines = deadlines
    this.#owner = owner
    this.deadline = performance.now() + timeouts.connectTimeoutMs
    deadlines.add(this)
    // The name is resolved here, for every connection anew: a recreated container needs no restart.
    const socket = connect({ host, port, noDelay: true })
    this.#socket = socket
    socket.on('connect', () => { this.#onConnect() })
    socket.on('data', (data: Buffer) => { this.#onData(data) })
    socket.on('end', () => { this.#onEnd() })
    socket.on('drain', () => { this.#pump() })
    socket.on('error', error => { this.#fault(reasonOf(error), error) })
    socket.on('close', () => { this.#onClose() })
  }

  /** Sends a request; a connection serves one at a time. The handler gets `onHead`, `onData`… and one of `onEnd` and `onFault`. */
  send (request: OutgoingRequest, handler: ResponseHandler): void {
    this.#request = request
    this.#handler = handler
    this.#answered = false
    this.#sent = false
    this.#nextChunk = 0
    this.#interim = 0
    this.#searched = 0
    if (this.#connected) this.#begin()
  }

  /** Stops reading while the client is slower than the upstream. */
  pause (): void {
    if (this.#paused || this.#state === 'closed') return
    this.#paused = true
    this.#socket.pause()
    this.deadline = Infinity
  }

  resume (): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#state === 'closed' || this.#state === 'idle') return
    this.deadline = performance.now() + this.#timeouts.readTimeoutMs
    this.#socket.resume()
    if (this.#pending !== null) this.#parse()
  }

  /** Whether a request can be sent at once. */
  get idle (): boolean { return this.#state === 'idle' }

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
    else this.#fault('timeout')
  }

  #onConnect (): void {
    this.#connected = true
    if (this.#request === null) this.#state = 'idle'
    else this.#begin()
  }

  // The request.

  #begin (): void {
    const request = this.#request as OutgoingRequest
    this.#state = 'head'
    this.deadline = performance.now() + this.#timeouts.sendTimeoutMs
    const first = request.chunks[0]
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
    if (request === null || this.#state === 'closed' || this.#state === 'idle') return
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
    source.on('error', error => { this.#fault('reset', error) })
  }

  // The response.

  #onData (data: Buffer): void {
    if (this.#state === 'idle' || this.#state === 'connecting') {
      // Nothing was asked: whatever this is, it must not become the answer to the next request.
      this.destroy()
      return
    }
    if (this.#state === 'closed') return
    this.#answered = true
    if (this.#sent) this.deadline = performance.now() + this.#timeouts.readTimeoutMs
    this.#pending = this.#pending === null ? data : Buffer.concat([this.#pending, data])
    this.#parse()
  }

  #parse (): void {
    while (this.#pending !== null && !this.#paused) {
      const pending = this.#pending
      switch (this.#state) {
        case 'head':
          if (!this.#readHead(pending)) return
          break
        case 'length': {
          const taken = Math.min(this.#remaining, pending.length)
          this.#remaining -= taken
          this.#pending = taken === pending.length ? null : pending.subarray(taken)
          this.#handler?.onData(taken === pending.length ? pending : pending.subarray(0, taken))
          if (this.#remaining === 0) { this.#complete(); return }
          break
        }
        case 'chunked':
          if (!this.#readChunks(pending)) return
          break
        case 'close':
          this.#pending = null
          this.#handler?.onData(pending)
          break
        case 'connecting': case 'idle': case 'closed':
          return
      }
    }
  }

  #readChunks (pending: Buffer): boolean {
    const decoder = this.#decoder as ChunkedDecoder
    const pieces: Buffer[] = []
    const taken = decoder.read(pending, 0, piece => { pieces.push(piece) })
    this.#pending = taken === pending.length ? null : pending.subarray(taken)
    for (const piece of pieces) this.#handler?.onData(piece)
    if (decoder.fault) { this.#fault('invalid_response'); return false }
    if (decoder.done) { this.#complete(); return false }
    return true
  }

  /** @returns Whether there may be more to parse. */
  #readHead (pending: Buffer): boolean {
    const end = pending.indexOf('\r\n\r\n', Math.max(0, this.#searched - 3), 'latin1')
    if (end === -1 ? pending.length > MAX_RESPONSE_HEAD_BYTES : end > MAX_RESPONSE_HEAD_BYTES) { this.#fault('invalid_response'); return false }
    if (end === -1) {
      this.#searched = pending.length
      // Garbage is answered with a 502 as soon as it shows, not when the upstream closes.
      if (!'HTTP/1.'.startsWith(pending.toString('latin1', 0, Math.min(7, pending.length)))) this.#fault('invalid_response')
      return false
    }
    const head = parseResponseHead(pending.toString('latin1', 0, end + 2), this.#request?.method ?? 'GET')
    this.#pending = end + 4 === pending.length ? null : pending.subarray(end + 4)
    this.#searched = 0
    if (head === null || head.status === 101) { this.#fault('invalid_response'); return false }
    if (head.status < 200) {
      if (++this.#interim > MAX_INTERIM_RESPONSES) { this.#fault('invalid_response'); return false }
      return true
    }

    this.#reusable = head.keepAlive && head.framing !== 'close'
    if (head.framing === 'none' || (head.framing === 'length' && head.contentLength === 0)) {
      this.#state = 'length'
      this.#remaining = 0
      this.#handler?.onHead(head)
      this.#complete()
      return false
    }
    this.#state = head.framing
    this.#remaining = head.contentLength
    this.#decoder = head.framing === 'chunked' ? new ChunkedDecoder() : null
    this.#handler?.onHead(head)
    return true
  }

  #complete (): void {
    const handler = this.#handler
    // More bytes than the response, or a request that was not taken whole: the next answer could be mistaken.
    const reusable = this.#reusable && this.#sent && this.#pending === null && this.#socket.writableLength === 0
    this.#handler = null
    this.#request = null
    this.#decoder = null
    this.#pending = null
    this.#served++
    if (reusable && this.#state !== 'closed') {
      this.#state = 'idle'
      this.#paused = false
      this.#socket.resume()
      this.deadline = performance.now() + IDLE_TIMEOUT_MS
      this.#owner.onIdle(this)
    } else {
      this.destroy()
    }
    handler?.onEnd()
  }

  // The end.

  #onEnd (): void {
    if (this.#state === 'close') this.#complete()
    else if (this.#state === 'idle') this.destroy()
    else this.#fault('reset')
  }

  #onClose (): void {
    this.#deadlines.remove(this)
    if (this.#handler !== null) this.#fault('reset')
    this.#state = 'closed'
    this.#owner.onClosed(this)
  }

  #fault (reason: UpstreamFaultReason, cause?: unknown): void {
    const handler = this.#handler
    this.destroy()
    handler?.onFault({ reason, answered: this.#answered, reused: this.#served > 0, cause })
  }
}

const REASONS: Readonly<Record<string, UpstreamFaultReason>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EMFILE: 'unreachable'
}

function reasonOf (error: Error): UpstreamFaultReason {
  return 'code' in error ? REASONS[String(error.code)] ?? 'reset' : 'reset'
}
