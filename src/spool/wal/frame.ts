/**
 * A frame of the write-ahead log: what one transaction writes. Numbers are big-endian.
 *
 *   0  CRC32 of everything behind it (4), but of a record in `fresh` only the first four bytes: they are the CRC32 of the rest
 *   4  bytes behind the head (4)
 *   8  number (6): one more than the frame before
 *  14  writes: table (1), bytes of the key (2), 1 + bytes of the value, or 0 to remove the key (4), key, value
 */
import { crc32 } from 'node:zlib'
import { readTime as readNumber, writeTime as writeNumber } from '../keys.ts'
import { TABLES, type Table, type Write } from '../store.ts'

export interface FrameBuilder {
  /** Adds to the frame. */
  readonly write: Write
  /** The frame, valid until the next `write`; what follows goes into another. */
  end (number: number): Buffer
}

export interface Frame {
  readonly number: number
  /** @returns Where it ends. */
  readonly end: number
  readonly writes: Buffer
}

const SUM_BYTES = 4
const HEAD_BYTES = 14
const WRITE_BYTES = 7
const FIRST_BYTES = 64 * 1024
/** Shorter records are summed up once more: that costs less than to leave them out. */
const SUMMED_ONCE_BYTES = 1024
/** A buffer that had to be larger than this once is not kept. */
const KEPT_BYTES = 2 * 1024 * 1024
const TABLE_CODES = new Map(TABLES.map((table, code) => [table, code]))

export function createFrameBuilder (): FrameBuilder {
  let buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  let length = HEAD_BYTES
  let ended = false
  /** Where what has a sum of its own begins and ends, in turn. */
  const covered: number[] = []

  function room (bytes: number): void {
    if (ended) {
      ended = false
      length = HEAD_BYTES
      covered.length = 0
      if (buffer.length > KEPT_BYTES) buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
    }
    if (length + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, length + bytes))
    buffer.copy(larger, 0, 0, length)
    buffer = larger
  }

  return {
    write (table, key, value) {
      room(WRITE_BYTES + key.length + (value?.length ?? 0))
      buffer[length] = TABLE_CODES.get(table) as number
      buffer.writeUInt16BE(key.length, length + 1)
      buffer.writeUInt32BE(value === null ? 0 : value.length + 1, length + 3)
      length += WRITE_BYTES
      buffer.set(key, length)
      length += key.length
      if (value === null) return
      buffer.set(value, length)
      if (hasOwnSum(table, value)) covered.push(length + SUM_BYTES, length + value.length)
      length += value.length
    },

    end (number) {
      room(0)
      const frame = buffer.subarray(0, length)
      frame.writeUInt32BE(length - HEAD_BYTES, 4)
      writeNumber(frame, number, 8)
      frame.writeUInt32BE(sumOf(frame, SUM_BYTES, length, covered), 0)
      ended = true
      return frame
    }
  }
}

/** @returns `null` when there is no whole frame at `at`. */
export function readFrame (bytes: Buffer, at: number): Frame | null {
  if (at + HEAD_BYTES > bytes.length) return null
  const end = at + HEAD_BYTES + bytes.readUInt32BE(at + SUM_BYTES)
  if (end > bytes.length) return null
  const writes = bytes.subarray(at + HEAD_BYTES, end)
  const covered: number[] = []
  readWrites(writes, (table, _, value) => {
    const start = value === null ? 0 : value.byteOffset - bytes.byteOffset
    if (value !== null && hasOwnSum(table, value)) covered.push(start + SUM_BYTES, start + value.length)
  })
  if (bytes.readUInt32BE(at) !== sumOf(bytes, at + SUM_BYTES, end, covered)) return null
  for (let i = 0; i < covered.length; i += 2) {
    const start = covered[i] as number
    if (bytes.readUInt32BE(start - SUM_BYTES) !== crc32(bytes.subarray(start, covered[i + 1]))) return null
  }
  return { number: readNumber(bytes, at + 8), end, writes }
}

function hasOwnSum (table: Table, value: Buffer): boolean {
  return table === 'fresh' && value.length >= SUMMED_ONCE_BYTES
}

/** @param covered - What is left out: beginnings and ends in turn, ascending. */
function sumOf (bytes: Buffer, from: number, end: number, covered: readonly number[]): number {
  let sum = 0
  let at = from
  for (let i = 0; i < covered.length; i += 2) {
    sum = crc32(bytes.subarray(at, covered[i]), sum)
    at = covered[i + 1] as number
  }
  return crc32(bytes.subarray(at, end), sum)
}

/** The frame behind the one at `at`, which is damaged; `null` when that was the last, or does not say where it ends. */
export function frameBehind (bytes: Buffer, at: number): Frame | null {
  return at + HEAD_BYTES > bytes.length ? null : readFrame(bytes, at + HEAD_BYTES + bytes.readUInt32BE(at + 4))
}

/** @param writes - Of a frame whose checksum holds. @returns Whether all of it could be read. */
export function readWrites (writes: Buffer, write: Write): boolean {
  for (let at = 0; at < writes.length;) {
    if (at + WRITE_BYTES > writes.length) return false
    const table = TABLES[writes[at] as number]
    const keyEnd = at + WRITE_BYTES + writes.readUInt16BE(at + 1)
    const value = writes.readUInt32BE(at + 3)
    const end = keyEnd + Math.max(0, value - 1)
    if (table === undefined || end > writes.length) return false
    write(table, writes.subarray(at + WRITE_BYTES, keyEnd), value === 0 ? null : writes.subarray(keyEnd, end))
    at = end
  }
  return true
}
