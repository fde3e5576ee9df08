/**
 * The upstream leg of one request: to a server, to the next one if that fails, and
 * the response back to the client. Once the body is complete the client may leave;
 * the request is still brought to its upstream.
 *
 * A response whose head is out can only be completed or cut.
 */
import type { ErrorCode } from '../errors.ts'
import type { ClientConnection, ClientFault, OutgoingRequest, ResponseHandler } from '../http1/client-connection.ts'
import type { Exchange } from '../http1/exchange.ts'
import type { ResponseHead } from '../http1/message.ts'
import { sendError } from './error-page.ts'
import { clientResponseBlock } from './headers.ts'
import { goesOn, isFailureStatus } from './next-upstream.ts'
import type { UpstreamErrorReason } from './ports.ts'
import type { Upstream, UpstreamServer } from './upstreams.ts'

export interface ForwardOptions {
  readonly exchange: Exchange
  readonly upstream: Upstream
  readonly request: OutgoingRequest
  readonly hideHeaders: readonly string[]
  /** The client is answered no earlier than this settles: the copy is then durable. */
  readonly durable: Promise<void> | null
  readonly onUpstreamError: (upstream: string, reason: UpstreamErrorReason) => void
  /** This machine has no descriptor or port left for a connection. */
  readonly onExhausted: () => void
  /** The upstream has no more use for the request; called once, before the answer is complete. */
  readonly onForwarded: () => void
  /** The answer is complete, cut, or has no client left; called once. */
  readonly onDone: (clientLeft: boolean) => void
}

/** Up to this size the response to a client that has left is read, so that the connection can be used again. */
const MAX_UNWANTED_BYTES = 64 * 1024
/** Of a response that waits for the copy, in memory; the rest stays with the upstream. */
const MAX_HELD_BYTES = 64 * 1024

export class Forward implements ResponseHandler {
  readonly #options: ForwardOptions
  readonly #tried: UpstreamServer[] = []
  #server: UpstreamServer | null = null
  #connection: ClientConnection | null = null
  #freshTried = false
  #started = false
  #waiting = false
  #held: Array<() => void> = []
  #heldBytes = 0
  #bodyDone = false
  #done = false

  constructor (options: ForwardOptions) {
    this.#options = options
    this.#waiting = options.durable !== null
    options.durable?.then(() => { this.#release() }, () => { this.#release() })
    // Named first: see docs/decisions/0010.
    const onGone = (): void => { this.#clientGone() }
    const onDrain = (): void => { this.#connection?.resume() }
    options.exchange.onGone = onGone
    options.exchange.onDrain = onDrain
  }

  start (): void {
    this.#tryNext()
  }

  #tryNext (): void {
    const server = this.#options.upstream.pick(this.#tried)
    if (server === null) {
      this.#fail('UPSTREAM_UNREACHABLE')
      return
    }
    this.#tried.push(server)
    this.#server = server
    this.#freshTried = false
    this.#send(server, false)
  }

  #send (server: UpstreamServer, fresh: boolean): void {
    this.#connection = server.pool.acquire(fresh)
    this.#connection.send(this.#options.request, this)
  }

  onHead (head: ResponseHead): void {
    const { upstream, request, hideHeaders } = this.#options
    this.#server?.answered()
    if (upstream.serverCount > 1 && isFailureStatus(upstream.config, head.status)) {
      if (this.#server !== null) upstream.rest(this.#server)
      if (this.#mayGoOn('status', head.status, request.method, true)) {
        this.#connection?.destroy()
        this.#tryNext()
        return
      }
    }
    this.#started = true
    if (this.#options.exchange.gone && isLong(head)) {
      this.#clientGone()
      return
    }
    this.#whenDurable(() => {
      const bodyless = head.framing === 'none' && head.contentLength < 0
      const length = head.framing === 'chunked' || head.framing === 'close' ? null : bodyless ? -1 : head.contentLength
      this.#options.exchange.start({ status: head.status, reason: head.reason, block: clientResponseBlock(head, hideHeaders), length })
    })
  }

  onData (piece: Buffer): void {
    if (this.#waiting) {
      const kept = Buffer.from(piece)
      this.#heldBytes += kept.length
      if (this.#heldBytes > MAX_HELD_BYTES) this.#connection?.pause()
      this.#held.push(() => { this.#write(kept) })
    } else if (!this.#done) this.#write(piece)
  }

  #write (piece: Buffer): void {
    if (!this.#options.exchange.write(piece)) this.#connection?.pause()
  }

  onEnd (): void {
    this.#connection = null
    this.#forwarded()
    this.#whenDurable(() => {
      this.#options.exchange.end()
      this.#finish()
    })
  }

  onFault (fault: ClientFault): void {
    this.#connection = null
    const { upstream, request } = this.#options
    if (fault.stale && !this.#freshTried && this.#server !== null) {
      // The server closed an idle connection just as it was used: not a failure of the server.
      this.#freshTried = true
      this.#send(this.#server, true)
      return
    }
    const { reason } = fault
    if (reason === 'exhausted' || reason === 'body_lost' || reason === 'tls') {
      // This machine's doing, not the upstream's.
      if (reason === 'exhausted') this.#options.onExhausted()
      this.#fail(reason === 'exhausted' ? 'EXHAUSTED' : 'INTERNAL')
      return
    }
    this.#options.onUpstreamError(upstream.config.name, reason)
    this.#server?.failed(reason)
    if (this.#started) {
      this.#fail('UPSTREAM_RESET')
      return
    }
    if (this.#server !== null) upstream.rest(this.#server)
    if (this.#mayGoOn(reason, 0, request.method, fault.sent)) this.#tryNext()
    else this.#fail(ERROR_OF[reason])
  }

  #mayGoOn (failure: UpstreamErrorReason | 'status', status: number, method: string, sent: boolean): boolean {
    const { upstream } = this.#options
    return this.#tried.length < upstream.serverCount && goesOn(upstream.config, failure, status, method, this.#tried.length, sent)
  }

  /** Answers with an error, or cuts a response whose head is out already. */
  #fail (code: ErrorCode): void {
    this.#forwarded()
    this.#whenDurable(() => {
      const { exchange } = this.#options
      if (exchange.status === 0) sendError(exchange, code)
      else {
        exchange.flush()
        exchange.connection.cut()
      }
      this.#finish()
    })
  }

  /** Runs in order, but not before the copy is durable. */
  #whenDurable (step: () => void): void {
    if (this.#done) return
    if (this.#waiting) this.#held.push(step)
    else step()
  }

  #release (): void {
    this.#waiting = false
    const held = this.#held
    this.#held = []
    // Before the steps: one of them may pause it again for a slow client.
    this.#connection?.resume()
    for (const step of held) step()
  }

  #clientGone (): void {
    if (!this.#started) return
    this.#connection?.destroy()
    this.#connection = null
    this.#forwarded()
    this.#finish()
  }

  #forwarded (): void {
    if (this.#bodyDone) return
    this.#bodyDone = true
    this.#options.onForwarded()
  }

  #finish (): void {
    if (this.#done) return
    this.#done = true
    this.#options.onDone(this.#options.exchange.gone)
  }
}

/** Whether a response that nobody waits for costs more to read than a new connection. */
function isLong ({ framing, contentLength }: ResponseHead): boolean {
  return framing === 'chunked' || framing === 'close' || (framing === 'length' && contentLength > MAX_UNWANTED_BYTES)
}

const ERROR_OF: Readonly<Record<UpstreamErrorReason, ErrorCode>> = {
  timeout: 'UPSTREAM_TIMEOUT',
  invalid_response: 'UPSTREAM_INVALID',
  reset: 'UPSTREAM_RESET',
  refused: 'UPSTREAM_UNREACHABLE',
  dns: 'UPSTREAM_UNREACHABLE',
  unreachable: 'UPSTREAM_UNREACHABLE'
}
