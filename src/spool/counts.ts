/**
 * How much a partition holds, in the table `counts`, so that nobody has to look at
 * the records. A partition has two rows: `own`, written by the process that owns it,
 * with absolute values in every transaction that changes them; and `others`, changed
 * by whoever replays or purges, in a transaction that reads it first. What the
 * partition holds is their sum; a row alone may be negative.
 */
export interface Counts {
  pending: number
  pendingBytes: number
  dead: number
  deadBytes: number
}

export type CountsRow = 'own' | 'others'

export function noCounts (): Counts {
  return { pending: 0, pendingBytes: 0, dead: 0, deadBytes: 0 }
}

export function addCounts (to: Counts, counts: Counts): void {
  to.pending += counts.pending
  to.pendingBytes += counts.pendingBytes
  to.dead += counts.dead
  to.deadBytes += counts.deadBytes
}

/** partition (2 bytes) | 0 own, 1 others */
export function countsKey (partition: number, row: CountsRow): Buffer {
  const key = Buffer.allocUnsafe(3)
  key.writeUInt16BE(partition)
  key[2] = row === 'own' ? 0 : 1
  return key
}

/** Four signed 64-bit numbers. */
export function encodeCounts (counts: Counts): Buffer {
  const value = Buffer.allocUnsafe(32)
  value.writeBigInt64BE(BigInt(counts.pending), 0)
  value.writeBigInt64BE(BigInt(counts.pendingBytes), 8)
  value.writeBigInt64BE(BigInt(counts.dead), 16)
  value.writeBigInt64BE(BigInt(counts.deadBytes), 24)
  return value
}

export function decodeCounts (value: Buffer | undefined): Counts {
  if (value === undefined || value.length !== 32) return noCounts()
  return {
    pending: Number(value.readBigInt64BE(0)),
    pendingBytes: Number(value.readBigInt64BE(8)),
    dead: Number(value.readBigInt64BE(16)),
    deadBytes: Number(value.readBigInt64BE(24))
  }
}

/** LMDB's page, and what an entry of a table costs besides its value. */
const PAGE_BYTES = 4096
const NODE_BYTES = 64
/** Longer values get pages of their own. */
const MAX_SHARED_VALUE_BYTES = 1900

/** Room that a record takes on disk, roughly, with its body's file. */
export function diskBytes (recordBytes: number, fileBytes: number): number {
  const value = recordBytes <= MAX_SHARED_VALUE_BYTES ? recordBytes : Math.ceil((recordBytes + 24) / PAGE_BYTES) * PAGE_BYTES
  return NODE_BYTES + value + fileBytes
}
