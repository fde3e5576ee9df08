/**
 * One request and its answer, as the handler of requests sees them. The response
 * side of HTTP/1.1 is here: framing, HEAD, persistence, and how many writes it takes.
 */
import type { Socket } from 'node:net'
import type { ErrorCode } from '../errors.ts'
import { httpDate } from './date.ts'
import { MAX_JOINED_BYTES, writeJoined } from './joined-write.ts'
import type { RequestHead } from './message.ts'

/** Gets the body of a request piece by piece, then exactly one of `onEnd` and `onFault`. */
export interface BodyConsumer {
  /** A view of the bytes read; keeping it keeps the whole read. */
  onData (piece: Buffer): void
  onEnd (): void
  onFault (code: BodyFault): void
}

export type BodyFault = Extract<ErrorCode, 'BAD_REQUEST' | 'BODY_TOO_LARGE' | 'CLIENT_ABORTED' | 'CLIENT_TIMEOUT'>

/** What the connection does for its exchanges. */
export interface ExchangeConnection {
  readonly socket: Socket
  readonly remoteAddress: string
  readonly localAddress: string
  readonly listener: string
  readBody (consumer: BodyConsumer, limit: number): void
  pauseBody (): void
  resumeBody (): void
  /** Bytes were handed to the socket: the client now has to take them. */
  onWrite (): void
  /** The response is complete. */
  finish (): void
  /** Cuts the connection: the only honest end of a response that cannot be completed. */
  cut (): void
}

export interface ResponseStart {
  readonly status: number
  readonly reason: string
  /** Header lines, each ended by CRLF, as latin1; without Date, Server, Connection and framing. */
  readonly block: string
  /** Length of the body; `null` when it is not known beforehand; -1 when the response has none and says nothing about it. */
  readonly length: number | null
}

export class Exchange {
  readonly connection: ExchangeConnection
  /** `null` when the request is malformed. */
  readonly head: RequestHead | null
  /** As received, latin1; what there was of it. */
  readonly requestLine: string
  /** When its first byte came, on the clock of `performance.now()`. */
  readonly startedAt: number
  /** 0 until the head of the response is decided. */
  status = 0
  /** Bytes of response body handed to the socket. */
  bytesSent = 0
  /** Whether the connection may serve another request afterwards. */
  keepAlive: boolean
  /** The client took what was written; more may follow. */
  onDrain: (() => void) | null = null
  /** The client's connection is gone before the response was complete. */
  onGone: (() => void) | null = null
  gone = false

  #continued = false
  #pendingHead: string | null = null
  #bodyless = false
  #chunked = false

  constructor (connection: ExchangeConnection, head: RequestHead | null, requestLine: string, startedAt: number) {
    this.connection = connection
    this.head = head
    this.requestLine = requestLine
    this.startedAt = startedAt
    this.keepAlive = head?.keepAlive ?? false
  }

  /** Tells a waiting client to send its body (RFC 9110 section 10.1.1). */
  sendContinue (): void {
    this.#continued = true
    this.connection.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  /** Decides the head of the response. It leaves with the first piece of body, or at the end of this turn. */
  start (response: ResponseStart): void {
    const { status, length } = response
    const oldClient = this.head?.minorVersion === 0
    this.status = status
    if (this.#bodyMayStayAway()) this.keepAlive = false
    this.#bodyless = this.head?.method === 'HEAD' || length === -1

    let framing = ''
    if (length === null && !this.#bodyless) {
      this.#chunked = !oldClient
      if (oldClient) this.keepAlive = false
      else framing = 'Transfer-Encoding: chunked\r\n'
    } else if (length !== null && length >= 0) {
      framing = `Content-Length: ${length}\r\n`
    }
    const persistence = !this.keepAlive ? 'Connection: close\r\n' : oldClient ? 'Connection: keep-alive\r\n' : ''

    this.#pendingHead = `HTTP/1.1 ${status} ${response.reason}\r\nServer: mirror-router\r\nDate: ${httpDate()}\r\n${response.block}${framing}${persistence}\r\n`
    process.nextTick(flush, this)
  }

  /**
   * A client that was not told to send its body may send it or not (RFC 9110 section 10.1.1):
   * what comes next on its connection is anybody's guess.
   */
  #bodyMayStayAway (): boolean {
    return this.head?.expectContinue === true && this.head.framing !== 'none' && !this.#continued
  }

  /** @returns `false` when the client is slower than the body: wait for `onDrain`. */
  write (piece: Buffer): boolean {
    if (this.#bodyless || this.gone) return true
    this.bytesSent += piece.length
    const head = this.#takeHead()
    const before = this.#chunked ? `${head}${piece.length.toString(16)}\r\n` : head
    const after = this.#chunked ? '\r\n' : ''
    return this.#send(before, piece, after)
  }

  end (): void {
    const last = this.#takeHead() + (this.#chunked && !this.gone ? '0\r\n\r\n' : '')
    if (last !== '' && !this.gone) this.#send(last, null, '')
    this.connection.finish()
  }

  /** Sends what is still held back of the head. */
  flush (): void {
    const head = this.#takeHead()
    if (head !== '' && !this.gone) this.#send(head, null, '')
  }

  #takeHead (): string {
    const head = this.#pendingHead ?? ''
    this.#pendingHead = null
    return head
  }

  #send (before: string, piece: Buffer | null, after: string): boolean {
    const { socket } = this.connection
    let taken: boolean
    if (piece === null) {
      taken = socket.write(before, 'latin1')
    } else if (piece.length <= MAX_JOINED_BYTES && before !== '') {
      taken = writeJoined(socket, before, piece, after)
    } else {
      socket.cork()
      if (before !== '') socket.write(before, 'latin1')
      // The piece is a view that is good for this turn only.
      taken = socket.write(Buffer.from(piece))
      if (after !== '') taken = socket.write(after, 'latin1')
      socket.uncork()
    }
    this.connection.onWrite()
    return taken
  }
}

function flush (exchange: Exchange): void {
  exchange.flush()
}
