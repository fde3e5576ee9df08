/**
 * Reads a request body whole: up to 1 MiB in memory, as long as all bodies together
 * stay within their budget, above that in a file.
 */
import type { BodyConsumer, BodyFault } from '../http1/exchange.ts'
import { BodyFile, type BodyReaderOptions } from './body-file.ts'
import { MemoryBody } from './request-body.ts'

export const MAX_MEMORY_BYTES = 1024 * 1024
/** Below this average a list of chunks is joined: a Buffer costs about a hundred bytes of its own. */
const SMALL_CHUNK_BYTES = 4096
const MANY_CHUNKS = 64

export class BodyReader implements BodyConsumer {
  readonly #options: BodyReaderOptions
  #chunks: Buffer[] = []
  #length = 0
  #file: BodyFile | null = null

  constructor (options: BodyReaderOptions) {
    this.#options = options
  }

  onData (piece: Buffer): void {
    if (this.#file !== null) {
      this.#file.append(piece)
    } else if (this.#length + piece.length <= MAX_MEMORY_BYTES && this.#options.budget.take(piece.length)) {
      this.#length += piece.length
      this.#chunks.push(piece)
      if (this.#chunks.length > MANY_CHUNKS && this.#chunks.length * SMALL_CHUNK_BYTES > this.#length) this.#chunks = [Buffer.concat(this.#chunks)]
    } else {
      this.#file = new BodyFile(this.#options)
      for (const chunk of this.#chunks) this.#file.append(chunk)
      this.#file.append(piece)
      this.#options.budget.give(this.#length)
      this.#chunks = []
    }
  }

  onEnd (): void {
    if (this.#file !== null) this.#file.end()
    else this.#options.onOutcome({ kind: 'body', body: new MemoryBody(this.#chunks, this.#length, this.#options.budget) })
  }

  onFault (code: BodyFault): void {
    if (this.#file !== null) this.#file.abandon()
    else this.#options.budget.give(this.#length)
    this.#options.onOutcome({ kind: 'fault', code })
  }
}
