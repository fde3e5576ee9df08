/**
 * What processes that are gone left in their logs goes into the environment, in one
 * transaction per log, and the log goes.
 */
import { readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { readTime as readNumber } from '../keys.ts'
import type { Environment, Table, Write } from '../store.ts'
import { frameBehind, readFrame, readWrites, type Frame } from './frame.ts'
import { LOG_FOLDER, logKey, logPath, LOG_SLOTS } from './log.ts'
import { isAlive, ownerName } from './owner.ts'

export interface FoundLog {
  readonly name: string
  readonly partition: number
  /** Which process writes it. One in another container cannot be seen, and is taken for gone. */
  readonly owner: 'this' | 'another' | 'none'
}

const FILE_NAME = /^((\d+)-(\d+-\d+)-[0-9a-f]+)\.[01]$/

export function findLogs (path: string): readonly FoundLog[] {
  const found = new Map<string, FoundLog>()
  for (const file of namesIn(join(path, LOG_FOLDER))) {
    const [, name = '', partition = '', owner = ''] = FILE_NAME.exec(file) ?? []
    if (name !== '' && !found.has(name)) found.set(name, { name, partition: Number(partition), owner: stateOf(owner) })
  }
  return [...found.values()]
}

function stateOf (owner: string): FoundLog['owner'] {
  if (owner === ownerName(process.pid)) return 'this'
  return isAlive(owner) ? 'another' : 'none'
}

/** What every process that is gone left. Before anybody adopts: their logs may tell of partitions that they had adopted. @throws As `recoverLog`. */
export async function recoverLeftLogs (environment: Environment, path: string, log: Pick<Logger, 'warn'>): Promise<void> {
  const left = findLogs(path).filter(({ owner }) => owner === 'none')
  await Promise.all(left.map(({ name }) => recoverLog(environment, path, name, log)))
}

/**
 * At once; the promise is for the files' end, and never rejects.
 *
 * @throws What the environment and the file system say; then the log is there as before.
 */
export function recoverLog (environment: Environment, path: string, name: string, log: Pick<Logger, 'warn'>): Promise<void> {
  const key = logKey(name)
  const from = environment.get('meta', key)
  // Without it, it is the log of another environment, or one that is in this one as a whole.
  const { writes, isWhole } = from === undefined ? { writes: null, isWhole: true } : collect(path, name, readNumber(from, 0))
  if (!isWhole) log.warn({ log: name }, 'The end of a log in the spool cannot be read, as after a power cut: what was taken in the last moment before it is not delivered.')
  if (from !== undefined) {
    environment.transaction(write => {
      for (const [table, rows] of writes ?? []) {
        for (const { key, value } of rows.values()) write(table, key, value)
      }
      write('meta', key, null)
    })
  }
  // A power cut from here on may bring the transaction's absence back, but not the files; so they go once it is on the disk.
  return environment.flushed().then(() => { removeLog(path, name) }, () => {})
}

type Rows = Map<string, { readonly key: Buffer, readonly value: Buffer | null }>

/** The last value of every key in the frames from number `from` on. */
function collect (path: string, name: string, from: number): { writes: ReadonlyMap<Table, Rows>, isWhole: boolean } {
  const writes = new Map<Table, Rows>()
  const put: Write = (table, key, value) => {
    let rows = writes.get(table)
    if (rows === undefined) writes.set(table, rows = new Map())
    rows.set(key.toString('latin1'), { key, value })
  }
  let expected = from
  const runs = LOG_SLOTS.map(slot => readRun(logPath(path, name, slot)))
  for (const { frames, damaged } of runs.sort((a, b) => firstNumber(a) - firstNumber(b))) {
    for (const frame of frames) {
      if (frame.number < expected) continue
      if (frame.number > expected || !readWrites(frame.writes, put)) return { writes, isWhole: false }
      expected++
    }
    if (damaged !== null && damaged >= expected) return { writes, isWhole: false }
  }
  return { writes, isWhole: true }
}

interface Run {
  readonly frames: readonly Frame[]
  /** Number of a frame that is damaged, and not the last; else `null`. */
  readonly damaged: number | null
}

/** From the file's beginning to its first frame that is not the next: behind it is what an earlier turn left. */
function readRun (file: string): Run {
  const bytes = readIfThere(file)
  const frames: Frame[] = []
  let at = 0
  for (let frame = readFrame(bytes, at); frame !== null && follows(frames.at(-1), frame); frame = readFrame(bytes, at)) {
    frames.push(frame)
    at = frame.end
  }
  const behind = frameBehind(bytes, at)
  const last = frames.at(-1)
  const isDamaged = behind !== null && (last === undefined || behind.number === last.number + 2)
  return { frames, damaged: isDamaged ? behind.number - 1 : null }
}

function follows (last: Frame | undefined, frame: Frame): boolean {
  return last === undefined || frame.number === last.number + 1
}

function firstNumber ({ frames, damaged }: Run): number {
  return frames[0]?.number ?? damaged ?? 0
}

function readIfThere (file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

function removeLog (path: string, name: string): void {
  for (const slot of LOG_SLOTS) {
    try {
      unlinkSync(logPath(path, name, slot))
    } catch {
      // It is found again, and ends here again, at the next start.
    }
  }
}

function namesIn (folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
