/**
 * The LMDB environment of the spool: its tables, and one transaction at a time. All
 * of the spool's writing and reading goes through `Environment`, so that a test can
 * make any of it fail.
 */
import { existsSync, linkSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { open, type Database, type RangeOptions } from 'lmdb'

/** See docs/spool.md for what each holds. The log knows them by their place: new ones go to the end. */
export const TABLES = ['meta', 'fresh', 'waiting', 'ages', 'dead', 'deadIds', 'files', 'counts', 'lost', 'ledger', 'history'] as const
export type Table = typeof TABLES[number]

/** Puts a value, or removes the key where the value is `null`. */
export type Write = (table: Table, key: Buffer, value: Buffer | null) => void

export interface Range {
  /** Included; the first key of the table when left out. */
  readonly start?: Buffer
  /** Not included. */
  readonly end?: Buffer
  readonly limit?: number
  /** From the last key to the first; without `start` and `end`. */
  readonly reverse?: boolean
}

export interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

export interface Environment {
  get (table: Table, key: Buffer): Buffer | undefined
  keys (table: Table, range: Range): Iterable<Buffer>
  entries (table: Table, range: Range): Iterable<Entry>
  /**
   * One transaction; resolves when it survives the end of the process. What it was given must not be changed until then.
   *
   * @param bytes - That it takes, roughly: rejects with ENOSPC where there is no room for them.
   */
  commit (bytes: number, fill: (write: Write) => void): Promise<void>
  /** Resolves when everything committed survives a power cut. */
  flushed (): Promise<void>
  /** One transaction, at once. Reads inside see its writes; all or nothing. */
  transaction<T> (work: (write: Write) => T): T
  /** Reads from here on see what other processes have committed by now. */
  lookAnew (): void
  /** Frees what processes that were killed still hold. */
  clearStaleReaders (): void
  close (): Promise<void>
}

export type OpenEnvironment = (path: string) => Environment

/** The spool was written by a newer program. */
export class SpoolFormatError extends Error {
  override readonly name = 'SpoolFormatError'
}

export const FORMAT = 2
/** Had no log; all else is the same. */
const FORMAT_WITHOUT_LOG = 1
const FORMAT_KEY = Buffer.from('format')
const LOCK_FILE = 'lock.mdb'
/** What the tree above the rows costs. */
const SPARE_BYTES = 128 * 1024
/** More than LMDB asks for (126 readers). */
const LOCK_FILE_BYTES = 16 * 1024
type BinaryTable = Database<Buffer, Buffer>

/** Makes the folder if it is missing. @throws {SpoolFormatError}, or what LMDB says. */
export const openEnvironment: OpenEnvironment = path => {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  makeLockFile(path)
  const options = {
    path, noSubdir: false, maxDbs: TABLES.length + 4, permissionsMode: 0o600,
    encoding: 'binary' as const, keyEncoding: 'binary' as const, eventTurnBatching: false
  }
  const root = open<Buffer, Buffer>(options)
  const openTable = (name: Table): BinaryTable => root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })

  const tables: Partial<Record<Table, BinaryTable>> = { meta: openTable('meta') }
  const meta = table('meta')
  const format = root.transactionSync(() => {
    const found = meta.get(FORMAT_KEY)
    if (found !== undefined && Number(found.toString()) !== FORMAT_WITHOUT_LOG) return found
    meta.putSync(FORMAT_KEY, Buffer.from(String(FORMAT)))
    return undefined
  })
  if (format !== undefined && format.toString() !== String(FORMAT)) {
    void root.close()
    throw new SpoolFormatError(`the spool at ${path} has format ${format.toString()}, this program knows format ${FORMAT}: start the newer program, or give this one another spool.path`)
  }
  for (const name of TABLES) tables[name] ??= openTable(name)

  function table (name: Table): BinaryTable {
    const found = tables[name]
    if (found === undefined) throw new Error(`the table ${name} is not open`)
    return found
  }

  const write: Write = (name, key, value) => {
    // Inside a batch neither has a promise of its own; inside a transaction both are done at once.
    if (value === null) void table(name).remove(key)
    else void table(name).put(key, value)
  }

  return {
    get: (name, key) => table(name).getBinary(key),
    keys: (name, range) => table(name).getKeys(rangeOptions(range)),
    entries: (name, range) => table(name).getRange(rangeOptions(range)),
    async commit (bytes, fill) {
      requireRoom(path, bytes)
      try {
        await root.batch(() => { fill(write) })
      } catch (error) {
        throw await causeOf(error)
      }
    },
    async flushed () { await root.flushed },
    transaction: work => root.transactionSync(() => work(write)),
    clearStaleReaders () { root.readerCheck() },
    lookAnew () { root.resetReadTxn() },
    close: () => root.close()
  }
}

/**
 * LMDB makes its lock file with a hole, and fills it through a memory map: on a full
 * disk that ends the process (SIGBUS). Written out, it fails like any other write.
 * Linked into place whole, so that a process beside us never sees half of it.
 *
 * @throws What the file system says.
 */
function makeLockFile (path: string): void {
  const file = join(path, LOCK_FILE)
  if (existsSync(file)) return
  const prepared = `${file}.${process.pid}`
  try {
    writeFileSync(prepared, Buffer.alloc(LOCK_FILE_BYTES), { mode: 0o600 })
    linkSync(prepared, file)
  } catch (error) {
    if (!existsSync(file)) throw error
  } finally {
    rmSync(prepared, { force: true })
  }
}

/**
 * LMDB does not always survive a disk that is full: what it frees after a failed write
 * may not be its own, and that ends the process. So a full disk is found before.
 *
 * @param bytes - About to be written.
 * @throws ENOSPC
 */
export function requireRoom (path: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(path)
  if (bavail * bsize < bytes * 2 + SPARE_BYTES) throw Object.assign(new Error(`ENOSPC: no space left on device for ${bytes} bytes`), { code: 'ENOSPC' })
}

function rangeOptions ({ start, end, limit, reverse }: Range): RangeOptions {
  return {
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(limit === undefined ? {} : { limit }),
    ...(reverse === undefined ? {} : { reverse })
  }
}

/** lmdb-js rejects a commit with a general error that holds a promise of the real one, which is rejected right after, if at all. */
async function causeOf (thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof Error) || !('commitError' in thrown)) return thrown
  try {
    await Promise.race([thrown.commitError, sleep(100)])
    return thrown
  } catch (cause) {
    return cause
  }
}
