/**
 * One connection to the endpoint, one copy at a time. Bytes go out exactly as given:
 * undici would lower-case `Host`, add `Connection`, leave out `Content-Length: 0`, and
 * refuse control bytes that nginx passes.
 *
 * Timeouts are silences, except for two: connecting (with the TLS handshake), and the
 * answer, which must be whole one read timeout after its first byte, so that an
 * endpoint that drips holds nothing for long.
 */
import type { FileHandle } from 'node:fs/promises'
import type { OnReadOpts, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { createAnswerReader, type AnswerReader } from './answer.ts'
import type { FailureCode } from './retry-policy.ts'

export interface WireRequest {
  readonly method: string
  /** Request line and header fields, with the empty line; latin1. */
  readonly head: string
  readonly chunks: readonly Buffer[]
  /** The body instead of `chunks`; stays open. */
  readonly file: FileHandle | null
  /** Length of the body in bytes. */
  readonly length: number
}

export type ExchangeResult =
  | { readonly kind: 'answer', readonly status: number, readonly retryAfter: string | undefined, readonly answer: string }
  /** `unanswered`: the connection died without a byte of answer. */
  | { readonly kind: 'failure', readonly code: FailureCode, readonly unanswered: boolean }
  /** The file ended early or could not be read. */
  | { readonly kind: 'body_lost' }
  | { readonly kind: 'aborted' }

export interface Connection {
  /** Sends a request and reads its answer. Never rejects. Only on a new or an idle connection. */
  exchange (request: WireRequest): Promise<ExchangeResult>
  /** Cuts it; a running exchange ends as `aborted`. */
  destroy (): void
}

export interface ConnectionOptions {
  /** Connects. What is read goes to `onread` instead of `data` events: one buffer for all, none per answer. */
  readonly open: (onread: OnReadOpts) => Socket
  /** Shared by all connections: an answer is read, or copied, before the next one comes. */
  readonly readBuffer: Buffer
  /** The event after which the socket carries bytes. */
  readonly readyEvent: 'connect' | 'secureConnect'
  readonly connectTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly readTimeoutMs: number
  /** The answer is complete and the connection may be used again. */
  readonly onIdle: (connection: Connection) => void
  readonly onClose: (connection: Connection) => void
}

/** Up to this size head and body go out as one string: one write instead of two. */
const JOINED_BYTES = 12 * 1024
const FILE_CHUNK_BYTES = 64 * 1024

/** What is under way on a connection. */
interface Exchange {
  readonly reader: AnswerReader
  readonly resolve: (result: ExchangeResult) => void
  flushed: boolean
  /** `performance.now()` of the first byte of answer after the request was out; 0: none yet. */
  answerStartedAt: number
}

export function wrapConnection (options: ConnectionOptions): Connection {
  const { readBuffer, connectTimeoutMs, sendTimeoutMs, readTimeoutMs } = options
  let exchange: Exchange | null = null
  let ready = false

  const socket = options.open({
    buffer: readBuffer,
    callback (length) {
      onData(readBuffer.subarray(0, length))
      return true
    }
  })
  const connectTimer = setTimeout(() => { fail('timeout') }, connectTimeoutMs)
  socket.once(options.readyEvent, () => {
    ready = true
    clearTimeout(connectTimer)
    socket.setTimeout(exchange?.flushed === true ? readTimeoutMs : sendTimeoutMs)
  })
  socket.on('end', onEnd)
  socket.on('timeout', onSilence)
  socket.on('error', error => { fail(failureCode(error, options.readyEvent === 'secureConnect')) })
  socket.on('close', () => {
    clearTimeout(connectTimer)
    fail('reset')
    options.onClose(connection)
  })

  function onData (chunk: Buffer): void {
    // Bytes nobody asked for: a server that says so closes anyway.
    if (exchange === null) { socket.destroy(); return }
    const { reader } = exchange
    reader.push(chunk)
    if (reader.state === 'invalid') fail('reset')
    else if (reader.state === 'complete' || reader.state === 'cut') answered(exchange)
    else if (exchange.flushed) {
      const time = performance.now()
      if (exchange.answerStartedAt === 0) exchange.answerStartedAt = time
      else if (time - exchange.answerStartedAt > readTimeoutMs) onSilence()
    }
  }

  function onEnd (): void {
    if (exchange === null) { socket.destroy(); return }
    exchange.reader.end()
    if (exchange.reader.head === null) fail('reset')
    else answered(exchange)
  }

  function onSilence (): void {
    // Once the head is in, the copy's fate is known; the rest of the answer is not waited for.
    if (exchange !== null && exchange.reader.head !== null) answered(exchange)
    else fail('timeout')
  }

  function answered (done: Exchange): void {
    const { head } = done.reader
    if (head === null) return
    exchange = null
    const idleMs = done.flushed ? done.reader.idleMs() : 0
    if (idleMs > 0) {
      socket.setTimeout(idleMs)
      options.onIdle(connection)
    } else {
      socket.destroy()
    }
    done.resolve({ kind: 'answer', status: head.status, retryAfter: retryAfterOf(head.headers), answer: done.reader.text() })
  }

  /** Ends the connection, and what is under way on it. */
  function fail (code: FailureCode): void {
    const failed = exchange
    exchange = null
    socket.destroy()
    if (failed === null) return
    if (failed.reader.head !== null) {
      failed.resolve({ kind: 'answer', status: failed.reader.head.status, retryAfter: retryAfterOf(failed.reader.head.headers), answer: failed.reader.text() })
    } else {
      failed.resolve({ kind: 'failure', code, unanswered: code === 'reset' && !failed.reader.started })
    }
  }

  function end (result: ExchangeResult): void {
    const ended = exchange
    exchange = null
    socket.destroy()
    ended?.resolve(result)
  }

  function onFlushed (error?: Error | null): void {
    if (error || exchange === null) return
    exchange.flushed = true
    socket.setTimeout(readTimeoutMs)
  }

  async function sendFile (file: FileHandle, length: number): Promise<void> {
    let lost = false
    async function * read (): AsyncGenerator<Buffer> {
      for (let position = 0; position < length;) {
        const size = Math.min(FILE_CHUNK_BYTES, length - position)
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, position).catch(() => ({ bytesRead: 0, buffer: null }))
        if (bytesRead === 0 || buffer === null) {
          lost = true
          return
        }
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    }
    try {
      await pipeline(read, socket, { end: false })
      if (lost) end({ kind: 'body_lost' })
      else onFlushed()
    } catch {
      // The socket failed, and its own events have said how.
      fail('reset')
    }
  }

  const connection: Connection = {
    exchange: request => new Promise(resolve => {
      exchange = { reader: createAnswerReader(request.method), resolve, flushed: false, answerStartedAt: 0 }
      if (ready) socket.setTimeout(sendTimeoutMs)
      if (request.file !== null) {
        socket.write(request.head, 'latin1')
        void sendFile(request.file, request.length)
      } else if (request.length <= JOINED_BYTES) {
        let text = request.head
        for (const chunk of request.chunks) text += chunk.toString('latin1')
        socket.write(text, 'latin1', onFlushed)
      } else {
        writeChunks(socket, request, onFlushed)
      }
    }),
    destroy () { end({ kind: 'aborted' }) }
  }
  return connection
}

function writeChunks (socket: Socket, request: WireRequest, onFlushed: (error?: Error | null) => void): void {
  const last = request.chunks.length - 1
  socket.cork()
  socket.write(request.head, 'latin1')
  request.chunks.forEach((chunk, index) => { socket.write(chunk, index === last ? onFlushed : undefined) })
  socket.uncork()
}

function retryAfterOf (headers: readonly string[]): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (name.length === 11 && name.toLowerCase() === 'retry-after') return headers[i + 1]
  }
  return undefined
}

/** No connection could be made, for whatever reason below TCP. */
const REFUSED = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'ENETDOWN', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOENT'])
const RESET = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ENOTCONN', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'])

/** Exported for its test. @param secure - Whether the connection is TLS: what is left is then the handshake's or the certificate's. */
export function failureCode (error: unknown, secure: boolean): FailureCode {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code.startsWith('EAI_')) return 'dns'
  if (code === 'ETIMEDOUT') return 'timeout'
  if (REFUSED.has(code)) return 'refused'
  if (RESET.has(code) || !secure) return 'reset'
  return 'tls'
}
