/**
 * Reads the endpoint's answer to one copy: the head decides, a little of the body is
 * kept for the dead letter, the rest is read only so that the connection can be used
 * again, and no further than that is worth.
 */
import type { ClientConnection, ClientFault, ResponseHandler } from '../http1/client-connection.ts'
import { headerValue, type ResponseHead } from '../http1/message.ts'
import type { FaultReason } from '../http1/socket-fault.ts'
import type { SendResult } from './endpoint.ts'
import type { FailureCode } from './retry-policy.ts'

/** `stale`: the connection had been used before and ended without a byte of answer. */
export type AttemptResult = SendResult | 'stale'

/** What a dead letter keeps of the answer. */
const KEPT_BYTES = 512
/** A longer answer costs more to read than a new connection. */
const MAX_DRAINED_BYTES = 64 * 1024

export class Attempt implements ResponseHandler {
  readonly #connection: ClientConnection
  readonly #onResult: (result: AttemptResult) => void
  #head: ResponseHead | null = null
  #kept = ''
  #bodyBytes = 0
  #done = false

  /** @param onResult - Called once. */
  constructor (connection: ClientConnection, onResult: (result: AttemptResult) => void) {
    this.#connection = connection
    this.#onResult = onResult
  }

  onHead (head: ResponseHead): void {
    this.#head = head
  }

  onData (piece: Buffer): void {
    if (this.#bodyBytes < KEPT_BYTES) this.#kept += piece.toString('latin1', 0, KEPT_BYTES - this.#bodyBytes)
    this.#bodyBytes += piece.length
    if (this.#bodyBytes <= MAX_DRAINED_BYTES) return
    this.#connection.destroy()
    this.#answered()
  }

  onEnd (): void {
    this.#answered()
  }

  onFault (fault: ClientFault): void {
    // Once the head is in, the copy's fate is known; the rest of the answer is not waited for.
    if (this.#head !== null) this.#answered()
    else this.#finish(resultOf(fault))
  }

  abort (): void {
    this.#connection.destroy()
    this.#finish({ kind: 'unsent' })
  }

  #answered (): void {
    const head = this.#head
    if (head === null) return
    this.#finish({
      kind: 'status',
      status: head.status,
      retryAfter: headerValue(head.headers, 'retry-after'),
      answer: Buffer.from(this.#kept, 'latin1').toString('utf8')
    })
  }

  #finish (result: AttemptResult): void {
    if (this.#done) return
    this.#done = true
    this.#onResult(result)
  }
}

function resultOf (fault: ClientFault): AttemptResult {
  if (fault.stale) return 'stale'
  if (fault.reason === 'body_lost') return { kind: 'body_lost' }
  if (fault.reason === 'exhausted') return { kind: 'unsent' }
  return { kind: 'failure', code: failureCode(fault.reason) }
}

function failureCode (reason: Exclude<FaultReason, 'body_lost' | 'exhausted'>): FailureCode {
  switch (reason) {
    case 'unreachable': return 'refused'
    // What is not HTTP ends the connection, like a reset.
    case 'invalid_response': return 'reset'
    default: return reason
  }
}
