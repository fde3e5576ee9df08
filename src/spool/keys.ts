/**
 * Keys of the tables. Numbers are big-endian, so that keys sort as what they mean.
 *
 *   copy     partition (2 bytes) | time (6) | sequence (4)       12 bytes; order within a partition = age
 *   waiting  partition (2) | due (6) | copy key (12)             20 bytes
 *   dead     buried (6) | copy key (12)                          18 bytes
 *
 * A copy keeps its key for life, whatever table it is in. Times are milliseconds
 * since the epoch; the time in a copy's key never goes back within a partition,
 * whatever the clock does.
 */
export const COPY_KEY_BYTES = 12
const TIME_BYTES = 6
const MAX_TIME = 2 ** 48 - 1
const MAX_SEQUENCE = 2 ** 32 - 1

/** Hands out keys of one partition, each greater than the one before. */
export interface KeySource {
  next (takenAt: number): Buffer
}

/**
 * @param lastTime - Time in the partition's last key; 0 when it has none.
 * @param firstSequence - Differs between runs, so that no key is used twice even when the clock was set back.
 */
export function createKeySource (partition: number, lastTime: number, firstSequence: number): KeySource {
  let time = lastTime
  let sequence = firstSequence
  return {
    next (takenAt) {
      if (takenAt > time) time = Math.min(Math.floor(takenAt), MAX_TIME)
      if (sequence === MAX_SEQUENCE) {
        sequence = 0
        time++
      }
      const key = Buffer.allocUnsafe(COPY_KEY_BYTES)
      key.writeUInt16BE(partition, 0)
      writeTime(key, time, 2)
      key.writeUInt32BE(sequence++, 8)
      return key
    }
  }
}

export function partitionOf (key: Buffer): number {
  return key.readUInt16BE(0)
}

/** Time in a copy's key. */
export function timeOf (key: Buffer): number {
  return readTime(key, 2)
}

export function waitingKey (key: Buffer, dueAt: number): Buffer {
  const waiting = Buffer.allocUnsafe(2 + TIME_BYTES + COPY_KEY_BYTES)
  key.copy(waiting, 0, 0, 2)
  writeTime(waiting, dueAt, 2)
  key.copy(waiting, 8)
  return waiting
}

/** Due time in a key of `waiting`. */
export function dueOf (waiting: Buffer): number {
  return readTime(waiting, 2)
}

export function copyKeyOfWaiting (waiting: Buffer): Buffer {
  return waiting.subarray(8)
}

export function deadKey (key: Buffer, buriedAt: number): Buffer {
  const dead = Buffer.allocUnsafe(TIME_BYTES + COPY_KEY_BYTES)
  writeTime(dead, buriedAt, 0)
  key.copy(dead, TIME_BYTES)
  return dead
}

export function copyKeyOfDead (dead: Buffer): Buffer {
  return dead.subarray(TIME_BYTES)
}

/** Least key of a partition, in `fresh`, `ages` and `waiting`. */
export function partitionStart (partition: number): Buffer {
  const key = Buffer.allocUnsafe(2)
  key.writeUInt16BE(partition)
  return key
}

/** Above every key of the partition. */
export function partitionEnd (partition: number): Buffer {
  if (partition < 0xffff) return partitionStart(partition + 1)
  return Buffer.alloc(2 + TIME_BYTES + COPY_KEY_BYTES + 1, 0xff)
}

/** The least key greater than `key`. */
export function after (key: Buffer): Buffer {
  const next = Buffer.alloc(key.length + 1)
  key.copy(next)
  return next
}

export function encodeTime (time: number): Buffer {
  const value = Buffer.allocUnsafe(TIME_BYTES)
  writeTime(value, time, 0)
  return value
}

export function readTime (from: Buffer, at: number): number {
  return from.readUInt16BE(at) * 0x1_0000_0000 + from.readUInt32BE(at + 2)
}

export function writeTime (to: Buffer, time: number, at: number): void {
  const whole = Math.min(Math.max(Math.floor(time), 0), MAX_TIME)
  to.writeUInt16BE(Math.floor(whole / 0x1_0000_0000), at)
  to.writeUInt32BE(whole % 0x1_0000_0000, at + 2)
}
