/**
 * Dead letters on disk: listed, replayed and purged from any process that has the
 * environment open. Oldest burial first.
 */
import { setImmediate } from 'node:timers/promises'
import { addCounts, countsKey, decodeCounts, diskBytes, encodeCounts, noCounts, type Counts } from './counts.ts'
import { attemptsMade, matches } from './dead-letter.ts'
import { withHistory } from './history.ts'
import { after, copyKeyOfDead, encodeTime, partitionOf, readTime, waitingKey } from './keys.ts'
import type { Ledger } from './ledger.ts'
import type { BodyFiles } from './bodies.ts'
import type { Entry, Environment, Range, Write } from './store.ts'
import { readWithHistory, type StoredCopy } from './stored-copy.ts'
import type { DeadLetter, DeadLetterFilter, DeadLetterSummary, DeadLetters } from './types.ts'

export interface BuriedOptions {
  /** `null` when none is open: then there are no dead letters. */
  readonly environment: () => Environment | null
  /** Runs `work` in one transaction. */
  readonly together: <T>(work: (write: Write) => T) => Promise<T>
  readonly ledger: Pick<Ledger, 'add' | 'takeDirty' | 'putBack'>
  readonly bodies: Pick<BodyFiles, 'pathOf' | 'remove'>
  /** Copies wait on disk that did not before, or dead letters are gone. */
  readonly onChange: () => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Buried extends DeadLetters {
  /** Removes the oldest: all buried before, and until `bytes` are free. @returns How many, by project. */
  shrink (buriedBefore: number, bytes: number): Promise<ReadonlyMap<string, number>>
}

/** Letters moved in one transaction. */
const PER_TRANSACTION = 500
const BYTES_PER_TRANSACTION = 4 * 1024 * 1024

interface Found {
  readonly key: Buffer
  readonly stored: StoredCopy
  readonly letter: DeadLetter
}

export function createBuried (options: BuriedOptions): Buried {
  const { environment, together, ledger, bodies, onChange, now } = options

  function * find (filter: DeadLetterFilter, range: Range = {}): Generator<Found> {
    const open = environment()
    if (open === null) return
    for (const entry of filter.ids === undefined ? open.entries('dead', range) : byIds(open, filter.ids)) {
      const found = read(entry)
      if (matches(filter, found.letter)) yield found
    }
  }

  function read ({ key, value }: Entry): Found {
    const stored = readWithHistory(value, bodies.pathOf)
    const { copy, history } = stored
    const reason = history?.reason ?? 'corrupt'
    return {
      key,
      stored,
      letter: {
        id: copy.id,
        project: copy.project,
        reason,
        attempts: attemptsMade(history?.failures ?? 0, reason),
        takenAt: copy.takenAt,
        buriedAt: history?.buriedAt ?? readTime(key, 0),
        bodyBytes: copy.body.length,
        firstAttemptAt: history?.firstAttemptAt || null,
        lastAttemptAt: history?.lastAttemptAt || null,
        answer: history?.answer ?? '',
        copy
      }
    }
  }

  /**
   * Takes letters out by pages, each page in a transaction and a turn of the event loop:
   * those that are there at the beginning, each once. What is buried again meanwhile may
   * lie anywhere: a clock that was set back puts it before letters of the future.
   *
   * @param handle - What else becomes of a letter; returns what undoes its counting, should the transaction fail.
   * @param kept - Its body is still needed.
   */
  async function takeOut (filter: DeadLetterFilter, maxBytes: number, handle: (found: Found, write: Write, counts: Counts) => () => void, kept: boolean): Promise<string[]> {
    const projects: string[] = []
    let bytesLeft = maxBytes
    let range: Range | null = null
    /** By the keys of their copies. */
    const done = new Set<string>()
    for (;;) {
      const files: Buffer[] = []
      let isLast = true
      const undo: (() => void)[] = []
      const taken = await together(write => {
        const page: Found[] = []
        let pageBytes = 0
        // Not before: what memory knows of was written just now.
        range ??= { end: endOfDead() }
        for (const found of bytesLeft > 0 ? find(filter, range) : []) {
          const name = copyKeyOfDead(found.key).toString('latin1')
          if (done.has(name)) continue
          done.add(name)
          page.push(found)
          range = { ...range, start: after(found.key) }
          pageBytes += found.stored.record.length
          bytesLeft -= sizeOf(found.stored)
          isLast = page.length < PER_TRANSACTION && pageBytes < BYTES_PER_TRANSACTION
          if (!isLast || bytesLeft <= 0) break
        }
        const changes = new Map<number, Counts>()
        for (const found of page) {
          const { key, stored } = found
          const counts = changesOf(changes, partitionOf(copyKeyOfDead(key)))
          counts.dead--
          counts.deadBytes -= sizeOf(stored)
          write('dead', key, null)
          write('deadIds', idKey(stored.copy.id), null)
          if (!kept && stored.fileId !== null) {
            write('files', stored.fileId, null)
            files.push(stored.fileId)
          }
          undo.push(handle(found, write, counts))
        }
        addToCounts(changes, write)
        for (const row of ledger.takeDirty()) write('ledger', row.key, row.value)
        return page.map(found => found.letter.project)
      }).catch((error: unknown) => {
        for (const uncount of undo) uncount()
        throw error
      })
      for (const file of files) void bodies.remove(file)
      projects.push(...taken)
      if (isLast) break
      await setImmediate()
    }
    if (projects.length > 0) onChange()
    return projects
  }

  /** Behind the youngest letter. */
  function endOfDead (): Buffer {
    for (const key of environment()?.keys('dead', { reverse: true, limit: 1 }) ?? []) return after(key)
    return Buffer.from([0])
  }

  function addToCounts (changes: ReadonlyMap<number, Counts>, write: Write): void {
    for (const [partition, change] of changes) {
      const key = countsKey(partition, 'others')
      const sum = decodeCounts(environment()?.get('counts', key))
      addCounts(sum, change)
      write('counts', key, encodeCounts(sum))
    }
  }

  return {
    list (filter, limit, afterId) {
      const start = afterId === undefined ? undefined : environment()?.get('deadIds', idKey(afterId))
      const letters: DeadLetterSummary[] = []
      if (limit <= 0) return letters
      for (const { letter } of find(filter, start === undefined ? {} : { start: after(start) })) {
        const { id, project, reason, attempts, takenAt, buriedAt, bodyBytes } = letter
        letters.push({ id, project, reason, attempts, takenAt, buriedAt, bodyBytes })
        if (letters.length >= limit) break
      }
      return letters
    },

    get (id) {
      for (const { letter } of find({ ids: [id] })) return letter
      return null
    },

    async replay (filter) {
      const time = now()
      return await takeOut(filter, Infinity, ({ key, stored, letter }, write, counts) => {
        const copyKey = copyKeyOfDead(key)
        const history = { failures: 0, takenAt: time, firstAttemptAt: 0, lastAttemptAt: 0, buriedAt: 0, reason: '', answer: '' }
        write('waiting', waitingKey(copyKey, time), withHistory(history, stored.record))
        write('ages', copyKey, encodeTime(time))
        counts.pending++
        counts.pendingBytes += sizeOf(stored)
        ledger.add(stored.copy.project, 'revived', 1, stored.copy.body.length, letter.reason, letter.takenAt)
        ledger.add(stored.copy.project, 'replayed', 1, stored.copy.body.length, '', time)
        return () => { ledger.add(stored.copy.project, 'replayed', -1, -stored.copy.body.length, '', time) }
      }, true)
    },

    async purge (filter) {
      return (await takeOut(filter, Infinity, uncounted, false)).length
    },

    async shrink (buriedBefore, bytes) {
      const projects = [
        ...await takeOut({ buriedBefore }, Infinity, uncounted, false),
        ...await takeOut({}, bytes, uncounted, false)
      ]
      const counts = new Map<string, number>()
      for (const project of projects) counts.set(project, (counts.get(project) ?? 0) + 1)
      return counts
    }
  }
}

function * byIds (open: Environment, ids: readonly string[]): Generator<Entry> {
  const keys = ids.map(id => open.get('deadIds', idKey(id))).filter(key => key !== undefined)
  for (const key of keys.sort((a, b) => Buffer.compare(a, b))) {
    const value = open.get('dead', key)
    if (value !== undefined) yield { key, value }
  }
}

/** A purge is no change of state: what is purged was counted when it died. */
function uncounted (): () => void {
  return () => {}
}

function changesOf (changes: Map<number, Counts>, partition: number): Counts {
  let counts = changes.get(partition)
  if (counts === undefined) changes.set(partition, counts = noCounts())
  return counts
}

function idKey (id: string): Buffer {
  // LMDB has no empty keys.
  return Buffer.from(id.slice(0, 255) || '-', 'latin1')
}

/** What it counts for against the bounds; the same in every table. */
export function sizeOf ({ record, fileId, copy }: StoredCopy): number {
  return diskBytes(record.length, fileId === null ? 0 : copy.body.length)
}
