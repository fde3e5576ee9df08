/**
 * Decodes the chunked transfer coding (RFC 9112 section 7.1), whatever reads the
 * bytes arrive in. Lines end in CRLF; extensions and trailers are read and dropped.
 */
import { HEX_VALUES } from './characters.ts'

const CR = 13
const LF = 10
/** Bytes of one chunk's extension, or of all trailers: more is taken for an attack. */
const MAX_IGNORED_BYTES = 8192
/** nginx: NGX_MAX_OFF_T_VALUE / 16. Far above any limit; only an overflow is caught here. */
const OVERFLOW_SIZE = 2 ** 59

type State =
  | 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf'
  | 'trailer-start' | 'trailer' | 'trailer-lf' | 'end-lf' | 'done' | 'fault' | 'too-large'

export class ChunkedDecoder {
  /** Most bytes of body. Held against what the size lines announce, before the bytes arrive. */
  limit = Infinity
  #state: State = 'size'
  /** Bytes of the chunks up to this one, the size being read, and what is missing of this chunk. */
  #announced = 0
  #size = 0
  #remaining = 0
  #digits = 0
  #ignored = 0

  get done (): boolean { return this.#state === 'done' }
  get fault (): boolean { return this.#state === 'fault' }
  get tooLarge (): boolean { return this.#state === 'too-large' }

  /**
   * Reads from `data` at `offset` until it is used up, the body is complete, or a fault or too large a body is found.
   *
   * @param sink - Gets each piece of body; a view of `data`, not a copy.
   * @returns Offset of the first byte not consumed.
   */
  read (data: Buffer, offset: number, sink: (piece: Buffer) => void): number {
    let at = offset
    while (at < data.length && this.#state !== 'done' && this.#state !== 'fault' && this.#state !== 'too-large') {
      if (this.#state === 'data') {
        const end = Math.min(data.length, at + this.#remaining)
        this.#remaining -= end - at
        if (this.#remaining === 0) this.#state = 'data-cr'
        sink(data.subarray(at, end))
        at = end
      } else {
        this.#state = this.#step(data[at] as number)
        at++
      }
    }
    return at
  }

  #step (byte: number): State {
    switch (this.#state) {
      case 'size': return this.#sizeDigit(byte)
      case 'extension': return byte === CR ? 'size-lf' : this.#ignore(byte, 'extension')
      case 'size-lf':
        if (byte !== LF) return 'fault'
        this.#announced += this.#size
        this.#remaining = this.#size
        this.#size = 0
        this.#digits = 0
        this.#ignored = 0
        if (this.#announced > this.limit) return 'too-large'
        return this.#remaining === 0 ? 'trailer-start' : 'data'
      case 'data-cr': return byte === CR ? 'data-lf' : 'fault'
      case 'data-lf': return byte === LF ? 'size' : 'fault'
      case 'trailer-start': return byte === CR ? 'end-lf' : this.#ignore(byte, 'trailer')
      case 'trailer': return byte === CR ? 'trailer-lf' : this.#ignore(byte, 'trailer')
      case 'trailer-lf': return byte === LF ? 'trailer-start' : 'fault'
      case 'end-lf': return byte === LF ? 'done' : 'fault'
      default: return 'fault'
    }
  }

  #sizeDigit (byte: number): State {
    if (this.#size >= OVERFLOW_SIZE) return 'fault'
    const value = HEX_VALUES[byte] as number
    if (value < 16) {
      this.#size = this.#size * 16 + value
      this.#digits++
      return 'size'
    }
    if (this.#digits === 0) return 'fault'
    if (byte === CR) return 'size-lf'
    return byte === 0x3b || byte === 0x20 || byte === 0x09 ? 'extension' : 'fault'
  }

  #ignore (byte: number, state: State): State {
    return byte === LF || byte === 0 || ++this.#ignored > MAX_IGNORED_BYTES ? 'fault' : state
  }
}
