/** Cuts one message body off the front of a byte stream, for the suite's client and its backends alike. */
import { createHash } from 'node:crypto'

export type BodyFraming = { readonly length: number } | 'chunked' | 'until-close'

const HEAD_BYTES = 200

export class BodyReader {
  done = false
  length = 0
  /** The first bytes, Latin-1. */
  head = ''
  readonly #hash = createHash('sha1')
  readonly #framing: BodyFraming
  /** Bytes left of the body, or of the chunk. */
  #left: number
  #expects: 'size' | 'data' | 'line-end' | 'trailer' = 'size'

  constructor (framing: BodyFraming) {
    this.#framing = framing
    this.#left = typeof framing === 'object' ? framing.length : 0
  }

  /** Takes what belongs to the body; returns the rest, to be offered again with more behind it. */
  take (input: Buffer): Buffer {
    if (this.#framing === 'chunked') return this.#takeChunks(input)
    if (this.#framing === 'until-close') return this.#keep(input, input.length)
    const rest = this.#takeLeft(input)
    this.done = this.#left === 0
    return rest
  }

  /** 16 hex digits, enough to tell two bodies apart. Ends the count; the reader takes nothing after it. */
  digest (): string {
    return this.#hash.digest('hex').slice(0, 16)
  }

  #takeChunks (input: Buffer): Buffer {
    let rest = input
    while (!this.done) {
      if (this.#expects === 'data') {
        if (rest.length === 0) return rest
        rest = this.#takeLeft(rest)
        if (this.#left === 0) this.#expects = 'line-end'
        continue
      }

      const end = rest.indexOf('\r\n')
      if (end < 0) return rest
      const line = rest.toString('latin1', 0, end)
      rest = rest.subarray(end + 2)
      this.#takeLine(line)
    }
    return rest
  }

  #takeLine (line: string): void {
    if (this.#expects === 'size') {
      this.#left = Number.parseInt(line, 16)
      this.#expects = this.#left === 0 ? 'trailer' : 'data'
    } else if (this.#expects === 'line-end') {
      this.#expects = 'size'
    } else if (line === '') {
      this.done = true
    }
  }

  #takeLeft (input: Buffer): Buffer {
    const count = Math.min(this.#left, input.length)
    this.#left -= count
    return this.#keep(input, count)
  }

  #keep (input: Buffer, count: number): Buffer {
    if (count === 0) return input
    const bytes = input.subarray(0, count)
    this.#hash.update(bytes)
    if (this.head.length < HEAD_BYTES) this.head = (this.head + bytes.toString('latin1', 0, HEAD_BYTES)).slice(0, HEAD_BYTES)
    this.length += count
    return input.subarray(count)
  }
}
