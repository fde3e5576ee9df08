/**
 * The write-ahead log of one process: frames in two files, which take turns. A
 * checkpoint puts into the environment what both say; from then on frames go to the
 * file whose frames all are in there. docs/spool.md has the format.
 */
import { randomInt } from 'node:crypto'
import { mkdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ownerName } from './owner.ts'
import { openLogFile, type LogFile, type OpenLogFile } from './log-file.ts'

export interface WriteAheadLog {
  /** Key in `meta` of the number of the first frame that is not in the environment. */
  readonly key: Buffer
  /** Frames can be written. */
  readonly isOpen: boolean
  /** No frame should be written before the next checkpoint is done. */
  readonly isFull: boolean
  /** A checkpoint would make room. */
  readonly isFilling: boolean
  /** Number of the next frame. */
  readonly next: number
  /** One at a time; `frame` must stay as it is until then. Rejects with what the disk says: then it is not open any more. */
  append (frame: Buffer): Promise<void>
  /** Frames go to the other file from now on. What is in that must be in the environment, and on the disk there. */
  turn (): void
  /** Begins anew. What both files held must be in the environment. Rejects with what the disk says. */
  open (): Promise<void>
  /** No frame is written until it is opened anew; what is in the files stays. */
  abandon (): void
  /** No frame is written from here on; what is in the files stays. Never rejects. */
  close (): Promise<void>
  /** Removes the files: all they held is in the environment. Never rejects. */
  remove (): Promise<void>
}

export interface LogOptions {
  /** The spool's folder. */
  readonly path: string
  readonly partition: number
  /** Whether frames must survive a power cut. */
  readonly synced: boolean
  readonly openFile?: OpenLogFile
  /** It fails, though the environment works: told when it is opened anew, once until it works. */
  readonly onFault: (error: unknown) => void
}

export const LOG_FOLDER = 'wal'
export const LOG_SLOTS = [0, 1] as const
/** What a power cut may cost, about, where frames are not synced one by one. */
const FLUSH_AFTER_MS = 200
const FILLING_BYTES = 32 * 1024 * 1024
const FULL_BYTES = 64 * 1024 * 1024

/** `meta`'s key for a log, by its name: `<partition>-<pid>-<start>-<random>`. */
export function logKey (name: string): Buffer {
  return Buffer.from(`log ${name}`, 'latin1')
}

export function logPath (path: string, name: string, slot: number): string {
  return join(path, LOG_FOLDER, `${name}.${slot}`)
}

export function createLog ({ path, partition, synced, openFile = openLogFile, onFault }: LogOptions): WriteAheadLog {
  const name = `${partition}-${ownerName(process.pid)}-${randomInt(2 ** 32).toString(16)}`
  let files: readonly LogFile[] = []
  let slot = 0
  let position = 0
  let next = 0
  let isOpen = false
  let flushTimer: NodeJS.Timeout | null = null
  let fault: unknown = null
  let isFaultTold = false

  function fail (error: unknown): void {
    isOpen = false
    fault = error
  }

  function tellFault (): void {
    if (fault !== null && !isFaultTold) onFault(fault)
    isFaultTold ||= fault !== null
  }

  /** Never rejects. */
  async function flush (): Promise<void> {
    const opened = files
    try {
      await files[slot]?.flush()
    } catch (error) {
      // Of a file that was closed meanwhile, nothing is needed.
      if (files === opened) fail(error)
    }
  }

  function flushSoon (): void {
    if (synced) return
    flushTimer ??= setTimeout(() => {
      flushTimer = null
      void flush()
    }, FLUSH_AFTER_MS).unref()
  }

  async function closeFiles (): Promise<void> {
    const last = files
    files = []
    for (const file of last) await file.close().catch(() => {})
  }

  return {
    key: logKey(name),
    get isOpen () { return isOpen },
    get isFull () { return position >= FULL_BYTES },
    get isFilling () { return position >= FILLING_BYTES },
    get next () { return next },

    async append (frame) {
      const file = files[slot]
      if (file === undefined) throw new Error('the log is not open')
      const at = position
      next++
      position += frame.length
      try {
        await file.write(frame, at)
      } catch (error) {
        fail(error)
        throw error
      }
      fault = null
      isFaultTold = false
      flushSoon()
    },

    turn () {
      slot = 1 - slot
      position = 0
    },

    async open () {
      await closeFiles()
      const opened: LogFile[] = []
      try {
        await mkdir(join(path, LOG_FOLDER), { recursive: true, mode: 0o700 })
        for (const slot of LOG_SLOTS) opened.push(await openFile(logPath(path, name, slot), synced))
      } catch (error) {
        fail(error)
        throw error
      } finally {
        files = opened
        tellFault()
      }
      slot = 0
      position = 0
      isOpen = true
    },

    abandon () {
      isOpen = false
      fault = null
    },

    async close () {
      isOpen = false
      await closeFiles()
    },

    async remove () {
      isOpen = false
      await closeFiles()
      for (const slot of LOG_SLOTS) await unlink(logPath(path, name, slot)).catch(() => {})
    }
  }
}
