/**
 * Whether an LMDB environment can be opened at all, and what becomes of one that
 * cannot. LMDB maps its file into memory and believes what it reads: a file shorter
 * than its own meta page says would end the process, so it is looked at before.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DATA_FILE } from './data-file.ts'

const LOCK_FILE = 'lock.mdb'

/** Where LMDB's meta page has what (lmdb-js 3.5, 64 bit, little-endian). */
const HEADER_BYTES = 24
const META_BYTES = 152
const MAGIC = 0xbeefc0de
const PAGE_SIZE_AT = 24
const LAST_PAGE_AT = 120
const TRANSACTION_AT = 128

/** Page not found, corrupted, version mismatch, invalid. */
const DAMAGE_CODES = [-30797, -30796, -30794, -30793]

export function isDamage (error: unknown): boolean {
  return error instanceof Error && 'code' in error && DAMAGE_CODES.includes(Number(error.code))
}

/** Whether the data file is there and is no environment, or lacks its end. @throws What the file system says, but for a missing file. */
export function isDamaged (path: string): boolean {
  let file: number
  try {
    file = openSync(join(path, DATA_FILE), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  try {
    // LMDB begins an empty file anew.
    if (fstatSync(file).size === 0) return false
    const first = readMeta(file, 0)
    if (first === null) return true
    const second = readMeta(file, first.pageSize)
    if (second === null) return true
    const { lastPage, pageSize } = first.transaction >= second.transaction ? first : second
    // Only now: another process may be writing, and the file grows before its meta page says so.
    const { size } = fstatSync(file)
    return (lastPage + 1n) * BigInt(pageSize) > BigInt(size)
  } finally {
    closeSync(file)
  }
}

interface Meta {
  readonly pageSize: number
  readonly lastPage: bigint
  readonly transaction: bigint
}

function readMeta (file: number, at: number): Meta | null {
  const meta = Buffer.alloc(META_BYTES)
  if (readSync(file, meta, 0, META_BYTES, at + HEADER_BYTES) < TRANSACTION_AT + 8 || meta.readUInt32LE(0) !== MAGIC) return null
  const pageSize = meta.readUInt32LE(PAGE_SIZE_AT)
  if (pageSize < 256 || pageSize > 65_536) return null
  return { pageSize, lastPage: meta.readBigUInt64LE(LAST_PAGE_AT), transaction: meta.readBigUInt64LE(TRANSACTION_AT) }
}

/** @returns The file's new name. @throws What the file system says. */
export function moveAside (path: string, time: number): string {
  const name = `${DATA_FILE}.damaged-${new Date(time).toISOString().replaceAll(':', '')}`
  renameSync(join(path, DATA_FILE), join(path, name))
  rmSync(join(path, LOCK_FILE), { force: true })
  return name
}
