/**
 * Decodes the chunked transfer coding (RFC 9112 section 7.1), whatever reads the
 * bytes arrive in. Lines end in CRLF; extensions and trailers are read and dropped,
 * but what is no extension and no field line is a fault: another parser might take
 * it for something else.
 */
import { HEX_VALUES, NAME_BYTES, NAME_FORBIDDEN } from './characters.ts'

const CR = 13
const LF = 10
const TAB = 9
const SPACE = 32
const COLON = 0x3a
const SEMICOLON = 0x3b
/** Bytes of size lines and trailers beyond what the chunks give credit for: more is taken for an attack. */
const MAX_OVERHEAD_BYTES = 8192
/** What a chunk may cost beside twice its data, for free: no encoder needs more. */
const FREE_BYTES = 16
/** nginx: NGX_MAX_OFF_T_VALUE / 16. Far above any limit; only an overflow is caught here. */
const OVERFLOW_SIZE = 2 ** 59

type State =
  | 'size' | 'size-space' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf'
  | 'trailer-start' | 'trailer-name' | 'trailer' | 'trailer-lf' | 'end-lf' | 'done' | 'fault' | 'too-large'

export class ChunkedDecoder {
  /** Most bytes of body. Held against what the size lines announce, before the bytes arrive. */
  limit = Infinity
  #state: State = 'size'
  /** Bytes of the chunks up to this one, the size being read, and what is missing of this chunk. */
  #announced = 0
  #size = 0
  #remaining = 0
  #digits = 0
  #overhead = 0

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
      case 'size-space': return this.#sizeEnd(byte)
      case 'extension': return byte === CR ? 'size-lf' : this.#ignore(byte, 'extension')
      case 'size-lf':
        if (byte !== LF) return 'fault'
        this.#announced += this.#size
        this.#overhead = Math.max(0, this.#overhead - FREE_BYTES - 2 * this.#size)
        this.#remaining = this.#size
        this.#size = 0
        this.#digits = 0
        if (this.#announced > this.limit) return 'too-large'
        return this.#remaining === 0 ? 'trailer-start' : 'data'
      case 'data-cr': return byte === CR ? 'data-lf' : 'fault'
      case 'data-lf': return byte === LF ? 'size' : 'fault'
      case 'trailer-start': return byte === CR ? 'end-lf' : byte === COLON ? 'fault' : this.#trailerName(byte)
      case 'trailer-name': return byte === COLON ? this.#ignore(byte, 'trailer') : this.#trailerName(byte)
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
      return this.#ignore(byte, 'size')
    }
    return this.#digits === 0 ? 'fault' : this.#sizeEnd(byte)
  }

  /** Spaces may stand before an extension and, as nginx has it, at the end of the line. */
  #sizeEnd (byte: number): State {
    if (byte === CR) return 'size-lf'
    if (byte === SPACE || byte === TAB) return this.#ignore(byte, 'size-space')
    return byte === SEMICOLON ? this.#ignore(byte, 'extension') : 'fault'
  }

  #trailerName (byte: number): State {
    return NAME_BYTES[byte] === NAME_FORBIDDEN ? 'fault' : this.#ignore(byte, 'trailer-name')
  }

  #ignore (byte: number, state: State): State {
    return isControl(byte) || ++this.#overhead > MAX_OVERHEAD_BYTES ? 'fault' : state
  }
}

function isControl (byte: number): boolean {
  return (byte < SPACE && byte !== TAB) || byte === 0x7f
}
