/**
 * The history of the status page, kept beside the copies so that it survives a restart:
 * rings of small records, each written over once its ring has come around. What is in
 * them is src/status/'s business.
 *
 *   key   ring (1 byte) | position (2)
 */
import type { Environment } from './store.ts'

export interface HistoryEntry {
  /** Below 256. */
  readonly ring: number
  /** Below 65,536. */
  readonly position: number
  readonly value: Buffer
}

const KEY_BYTES = 3
/** What a row takes besides its value, roughly. */
const ROW_BYTES = 64

export function readHistory (environment: Environment): HistoryEntry[] {
  const entries: HistoryEntry[] = []
  for (const { key, value } of environment.entries('history', {})) {
    if (key.length === KEY_BYTES) entries.push({ ring: key.readUInt8(0), position: key.readUInt16BE(1), value })
  }
  return entries
}

/** One transaction. @returns Rejects with what the disk says; then nothing was written. */
export function writeHistory (environment: Environment, entries: readonly HistoryEntry[]): Promise<void> {
  const bytes = entries.reduce((sum, { value }) => sum + ROW_BYTES + value.length, 0)
  return environment.commit(bytes, write => {
    for (const { ring, position, value } of entries) {
      const key = Buffer.allocUnsafe(KEY_BYTES)
      key.writeUInt8(ring, 0)
      key.writeUInt16BE(position, 1)
      write('history', key, value)
    }
  })
}
