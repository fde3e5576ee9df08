/**
 * How a copy gets into the spool: a record, room for it in memory and under `max_bytes`,
 * a file for a large body. What does not fit makes room or is lost, and counted.
 */
import type { Logger } from 'pino'
import type { BodyFiles } from './bodies.ts'
import { recordBytes } from './copy.ts'
import { diskBytes } from './counts.ts'
import { createEntry, type Entry } from './entry.ts'
import type { Journal } from './journal.ts'
import { after, type KeySource } from './keys.ts'
import type { Ledger } from './ledger.ts'
import { bodyOfBytes, bodyOfFile } from './stored-copy.ts'
import type { Supply } from './supply.ts'
import type { Totals } from './totals.ts'
import type { Copy, CopyBody, DropReason } from './types.ts'
import type { Window } from './window.ts'

export interface Intake {
  insert (copy: Copy): void
  /** For a body that is large, or in a file already. Never rejects. */
  insertWithFile (copy: Copy): Promise<void>
  /** Fresh copies of our partition from this key on are, or were, in memory. */
  memoryFrom (): Buffer
  /** Whether the file is of this run, and its copy not settled. */
  isOurs (fileId: Buffer): boolean
  /** The file's copy is settled. */
  forget (fileId: Buffer): void
  /** Resolves when no body is on its way to a file. */
  idle (): Promise<void>
}

export interface IntakeOptions {
  readonly partition: number
  readonly maxBytes: number
  readonly whenFull: 'drop_oldest' | 'drop_newest'
  readonly keys: KeySource
  readonly window: Window
  readonly journal: Journal
  readonly totals: Totals
  readonly supply: Pick<Supply, 'oldest'>
  readonly bodies: BodyFiles
  readonly ledger: Pick<Ledger, 'add'>
  readonly log: Pick<Logger, 'warn'>
  /** Lets dead letters go, if the disk works. */
  readonly shrinkDead: (bytes: number) => void
  readonly isShrinking: () => boolean
  /** Drops a copy that was in. */
  readonly drop: (entry: Entry, reason: DropReason) => void
  /** Counts one that did not get in. */
  readonly count: (copy: Copy, reason: DropReason) => void
  readonly onAppend: () => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Copies in memory that are on disk as well. */
const WINDOW_BYTES = 16 * 1024 * 1024
/** Copies that are in memory and not in the environment: the disk fails, or is slow. */
const MAX_UNSAVED_BYTES = 32 * 1024 * 1024

export function createIntake (options: IntakeOptions): Intake {
  const { partition, maxBytes, whenFull, keys, window, journal, totals, supply, bodies, ledger, log, shrinkDead, isShrinking, drop, count, onAppend } = options
  let memoryFrom = keys.next(options.now())
  /** Body files of this run. */
  const files = new Set<string>()
  const storing = new Set<Promise<void>>()
  /** The log has said that files fail, and no file has worked since. */
  let complained = false

  function lose (copy: Copy, reason: DropReason, fileId: Buffer | null): void {
    if (fileId !== null) {
      files.delete(fileId.toString('hex'))
      void bodies.remove(fileId)
    }
    count(copy, reason)
  }

  function insert (copy: Copy, fileId: Buffer | null): void {
    const length = recordBytes(copy, fileId)
    const bytes = diskBytes(length, fileId === null ? 0 : copy.body.length)
    ledger.add(copy.project, 'accepted', 1, copy.body.length, '', copy.takenAt)
    if (!makeRoomInMemory(length)) { lose(copy, 'spool_error', fileId); return }
    if (!makeRoom(bytes)) { lose(copy, 'spool_full', fileId); return }
    const body = fileId === null ? ownBytes(copy.body) : bodyOfFile(bodies.pathOf(fileId), copy.body.length)
    const kept = body === copy.body ? copy : { ...copy, body }
    const entry = createEntry({ key: keys.next(copy.takenAt), partition, copy: kept, record: null, recordBytes: length, fileId, bytes, state: 'window', disk: 'none', want: 'none' })
    window.add(entry)
    totals.pending(partition, 1, bytes)
    journal.move(entry, 'fresh')
    shrinkWindow()
    onAppend()
  }

  async function insertWithFile (copy: Copy): Promise<void> {
    const fileId = keys.next(copy.takenAt)
    files.add(fileId.toString('hex'))
    copy.body.hold()
    try {
      await bodies.store(copy.body, fileId)
      complained = false
      insert(copy, fileId)
    } catch (error) {
      files.delete(fileId.toString('hex'))
      void bodies.remove(fileId)
      if (!complained) log.warn({ error: String(error) }, 'Large bodies cannot be put into files; those in memory stay there, up to a bound. Is the disk at spool.path full or read-only?')
      complained = true
      if (copy.body.chunks !== null) {
        insert(copy, null)
      } else {
        ledger.add(copy.project, 'accepted', 1, copy.body.length, '', copy.takenAt)
        lose(copy, 'spool_error', null)
      }
    } finally {
      copy.body.release()
    }
    await (journal.durable() ?? undefined)
  }

  /** What the disk has as well gives way, oldest first. */
  function shrinkWindow (): void {
    while (window.bytes > WINDOW_BYTES) {
      const oldest = window.oldest()
      if (oldest === null || oldest.disk !== 'fresh') break
      window.remove(oldest)
      oldest.state = 'settled'
      memoryFrom = after(oldest.key)
    }
  }

  function makeRoomInMemory (bytes: number): boolean {
    while (journal.unsavedBytes + bytes > MAX_UNSAVED_BYTES) {
      const oldest = whenFull === 'drop_oldest' ? window.oldest() : null
      if (oldest === null || oldest.disk !== 'none') return false
      window.remove(oldest)
      drop(oldest, 'spool_error')
    }
    return true
  }

  /** Dead letters give way first: they have been counted. Then, by `when_full`, the oldest copies. */
  function makeRoom (bytes: number): boolean {
    if (bytes > maxBytes) return false
    for (;;) {
      const { pendingBytes, deadBytes } = totals.everywhere()
      const excess = pendingBytes + deadBytes + bytes - maxBytes
      if (excess <= 0) return true
      if (deadBytes > 0) shrinkDead(excess)
      if (isShrinking() && deadBytes >= excess) return true
      const oldest = whenFull === 'drop_oldest' ? supply.oldest(Infinity) : null
      if (oldest === null) return false
      drop(oldest, 'spool_full')
    }
  }

  return {
    insert (copy) { insert(copy, null) },

    insertWithFile (copy) {
      const stored = insertWithFile(copy)
      storing.add(stored)
      return stored.finally(() => { storing.delete(stored) })
    },

    memoryFrom: () => memoryFrom,
    isOurs: fileId => files.has(fileId.toString('hex')),
    forget (fileId) { files.delete(fileId.toString('hex')) },
    async idle () { await Promise.all(storing) }
  }
}

/** What a Buffer costs besides its bytes. */
const BUFFER_BYTES = 200
/** What a body may cost beyond twice its length before its bytes are copied. */
const SPARE_BYTES = 4096

/** A small body in many pieces, or in pieces of large buffers, costs a multiple of its length for as long as it waits. */
function ownBytes (body: CopyBody): CopyBody {
  const chunks = body.chunks ?? []
  let cost = 0
  for (const { buffer } of chunks) cost += buffer.byteLength + BUFFER_BYTES
  return cost <= body.length * 2 + SPARE_BYTES ? body : bodyOfBytes(Buffer.concat(chunks))
}
