/**
 * What is known of every request that was sent, in 40 bytes each: an hour of traffic
 * must not make the harness the process that grows. A request's number is its row.
 */

/** Whether the request is to be copied. `maybe`: a reload was under way, or its client left. */
export type Due = 'yes' | 'no' | 'maybe'

export interface Entry {
  readonly number: number
  readonly due: Due
  /** The endpoint is to refuse it for good. */
  readonly poison: boolean
  /** The client may have sent its last byte. */
  readonly sentWhole: boolean
  /** `null`: no whole answer came. */
  readonly status: number | null
  readonly bytes: number
  /** Milliseconds since the start of the run. */
  readonly beganAt: number
  readonly endedAt: number
  /** Whole requests at Relay, and at the endpoint. */
  readonly atRelay: number
  readonly atEndpoint: number
  /** Final answers the endpoint wrote, at least their head. */
  readonly taken: number
  /** The first 16 hex digits of its `X-Request-Id`; empty while nobody has seen it. */
  readonly requestId: string
}

export interface Book {
  readonly count: () => number
  readonly open: (request: { readonly due: Due, readonly poison: boolean, readonly at: number }) => number
  /** Its bytes are known. @param digest - Of them, 8 bytes or more. */
  readonly filled: (number: number, digest: Buffer, bytes: number) => void
  readonly sentWhole: (number: number) => void
  readonly ended: (number: number, status: number | null, at: number) => void
  /** From now on nothing is promised about its copy. */
  readonly unsure: (number: number) => void
  /** @returns Whether its bytes are those that were sent. */
  readonly arrived: (number: number, where: 'relay' | 'endpoint', digest: Buffer, requestId: string) => boolean
  /**
   * The endpoint writes a final answer.
   *
   * @param doubtful - The router may not read it.
   * @returns When it last did, and whether that one was doubtful; `null` if this is the first.
   */
  readonly taken: (number: number, at: number, doubtful: boolean) => { readonly at: number, readonly doubtful: boolean } | null
  readonly read: (number: number) => Entry | null
  readonly entries: () => Generator<Entry>
}

const ROW_BYTES = 40
const ROWS = 16_384
const AT = { digest: 0, id: 8, began: 16, ended: 20, taken: 24, bytes: 28, status: 32, flags: 34, atRelay: 35, atEndpoint: 36, takenCount: 37 } as const
const DUE = 1
const MAYBE = 2
const POISON = 4
const SENT_WHOLE = 8
const DOUBTFUL = 16

const rowOf = (number: number): number => (number % ROWS) * ROW_BYTES

export function createBook (): Book {
  const chunks: Buffer[] = []
  let count = 0

  const chunkOf = (number: number): Buffer => {
    const chunk = number >= 0 && number < count ? chunks[Math.floor(number / ROWS)] : undefined
    if (chunk === undefined) throw new RangeError(`no request has the number ${number}`)
    return chunk
  }

  function flag (number: number, set: number, clear = 0): void {
    const chunk = chunkOf(number)
    const at = rowOf(number) + AT.flags
    chunk[at] = ((chunk[at] ?? 0) & ~clear) | set
  }

  function increase (number: number, field: number): number {
    const chunk = chunkOf(number)
    const at = rowOf(number) + field
    const value = Math.min(255, (chunk[at] ?? 0) + 1)
    chunk[at] = value
    return value
  }

  function read (number: number): Entry | null {
    if (!(number >= 0 && number < count)) return null
    const chunk = chunkOf(number)
    const row = rowOf(number)
    const flags = chunk[row + AT.flags] ?? 0
    const status = chunk.readUInt16LE(row + AT.status)
    const id = chunk.toString('hex', row + AT.id, row + AT.id + 8)
    return {
      number,
      due: (flags & MAYBE) !== 0 ? 'maybe' : (flags & DUE) !== 0 ? 'yes' : 'no',
      poison: (flags & POISON) !== 0,
      sentWhole: (flags & SENT_WHOLE) !== 0,
      status: status === 0 ? null : status,
      bytes: chunk.readUInt32LE(row + AT.bytes),
      beganAt: chunk.readUInt32LE(row + AT.began),
      endedAt: chunk.readUInt32LE(row + AT.ended),
      atRelay: chunk[row + AT.atRelay] ?? 0,
      atEndpoint: chunk[row + AT.atEndpoint] ?? 0,
      taken: chunk[row + AT.takenCount] ?? 0,
      requestId: /^0+$/.test(id) ? '' : id
    }
  }

  return {
    count: () => count,

    open ({ due, poison, at }) {
      if (count % ROWS === 0) chunks.push(Buffer.alloc(ROWS * ROW_BYTES))
      const number = count++
      chunkOf(number).writeUInt32LE(Math.floor(at), rowOf(number) + AT.began)
      flag(number, (due === 'yes' ? DUE : due === 'maybe' ? MAYBE : 0) | (poison ? POISON : 0))
      return number
    },

    filled (number, digest, bytes) {
      const chunk = chunkOf(number)
      digest.copy(chunk, rowOf(number) + AT.digest, 0, 8)
      chunk.writeUInt32LE(bytes, rowOf(number) + AT.bytes)
    },

    sentWhole: number => { flag(number, SENT_WHOLE) },

    ended (number, status, at) {
      const chunk = chunkOf(number)
      chunk.writeUInt16LE(status ?? 0, rowOf(number) + AT.status)
      chunk.writeUInt32LE(Math.floor(at), rowOf(number) + AT.ended)
    },

    unsure: number => { flag(number, MAYBE, DUE) },

    arrived (number, where, digest, requestId) {
      const chunk = chunkOf(number)
      const row = rowOf(number)
      increase(number, where === 'relay' ? AT.atRelay : AT.atEndpoint)
      if (/^[0-9a-f]{16}/.test(requestId)) chunk.write(requestId.slice(0, 16), row + AT.id, 'hex')
      return digest.compare(chunk, row + AT.digest, row + AT.digest + 8, 0, 8) === 0
    },

    taken (number, at, doubtful) {
      const chunk = chunkOf(number)
      const row = rowOf(number)
      const last = { at: chunk.readUInt32LE(row + AT.taken), doubtful: ((chunk[row + AT.flags] ?? 0) & DOUBTFUL) !== 0 }
      chunk.writeUInt32LE(Math.floor(at), row + AT.taken)
      flag(number, doubtful ? DOUBTFUL : 0, DOUBTFUL)
      return increase(number, AT.takenCount) === 1 ? null : last
    },

    read,

    * entries () {
      for (let number = 0; number < count; number++) {
        const entry = read(number)
        if (entry !== null) yield entry
      }
    }
  }
}
