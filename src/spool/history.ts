/**
 * What became of a copy so far, in front of its record: in `waiting` once an attempt
 * has failed, in `dead` once it was given up. Numbers are big-endian.
 *
 *   0  CRC32 of the history behind it (4)
 *   4  version, 1
 *   5  attempts that failed (2)
 *   7  time it was taken, as it counts now: a replay begins it anew (6)
 *  13  first attempt's end (6), last attempt's end (6), burial (6); 0 for none
 *  31  bytes of reason (1), bytes of answer (2)
 *  34  reason (latin1), answer (UTF-8), record
 */
import { crc32 } from 'node:zlib'
import { readTime, writeTime } from './keys.ts'

const VERSION = 1
const HEAD_BYTES = 34

/** Times in milliseconds since the epoch; 0 where there is none. */
export interface History {
  readonly failures: number
  readonly takenAt: number
  readonly firstAttemptAt: number
  readonly lastAttemptAt: number
  readonly buriedAt: number
  readonly reason: string
  readonly answer: string
}

export function withHistory (history: History, record: Buffer): Buffer {
  const reason = history.reason.slice(0, 0xff)
  const answer = Buffer.from(history.answer).subarray(0, 0xffff)
  const end = HEAD_BYTES + reason.length + answer.length
  const value = Buffer.allocUnsafe(end + record.length)
  value[4] = VERSION
  value.writeUInt16BE(Math.min(history.failures, 0xffff), 5)
  writeTime(value, history.takenAt, 7)
  writeTime(value, history.firstAttemptAt, 13)
  writeTime(value, history.lastAttemptAt, 19)
  writeTime(value, history.buriedAt, 25)
  value[31] = reason.length
  value.writeUInt16BE(answer.length, 32)
  value.write(reason, HEAD_BYTES, 'latin1')
  value.set(answer, HEAD_BYTES + reason.length)
  value.writeUInt32BE(crc32(value.subarray(4, end)), 0)
  value.set(record, end)
  return value
}

/** @returns `null` when the history is damaged. The record is not looked at. */
export function splitHistory (value: Buffer): { readonly history: History, readonly record: Buffer } | null {
  if (value.length < HEAD_BYTES || value[4] !== VERSION) return null
  const reasonEnd = HEAD_BYTES + (value[31] ?? 0)
  const end = reasonEnd + value.readUInt16BE(32)
  if (end > value.length || value.readUInt32BE(0) !== crc32(value.subarray(4, end))) return null
  return {
    history: {
      failures: value.readUInt16BE(5),
      takenAt: readTime(value, 7),
      firstAttemptAt: readTime(value, 13),
      lastAttemptAt: readTime(value, 19),
      buriedAt: readTime(value, 25),
      reason: value.toString('latin1', HEAD_BYTES, reasonEnd),
      answer: value.toString('utf8', reasonEnd, end)
    },
    record: value.subarray(end)
  }
}
