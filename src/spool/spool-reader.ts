/**
 * The spool for those who neither take copies nor deliver them: the supervisor and
 * the command line, beside running routers or without one.
 */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { createBodyFiles } from './bodies.ts'
import { createBuried } from './buried.ts'
import { addCounts, decodeCounts, noCounts } from './counts.ts'
import { isDamaged } from './damage.ts'
import { dataFileIdentity } from './data-file.ts'
import { readDeadReasons, type DeadReason } from './dead-reasons.ts'
import { readHistory, writeHistory, type HistoryEntry } from './history-store.ts'
import { after as afterKey, readTime, timeOf, waitingKey } from './keys.ts'
import { hourKey, type StoredRow } from './ledger-row.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { readLost, type LostCopy } from './lost.ts'
import { readPartitions } from './partitions-on-disk.ts'
import { openEnvironment, type Environment } from './store.ts'
import { readFresh, readWithHistory } from './stored-copy.ts'
import type { DeadLetters, ListPending, PendingSummary, SpoolStats } from './types.ts'
import { readUndelivered, type UndeliveredCopy } from './undelivered.ts'
import { recoverLeftLogs } from './wal/recovery.ts'

export interface SpoolReader {
  readonly deadLetters: DeadLetters
  readonly pending: ListPending
  /** @param sinceHour - Hours since the epoch; included. */
  readLedger (sinceHour: number): Iterable<StoredRow>
  /** Oldest loss first. */
  lost (filter: { readonly project?: string, readonly since?: number }): Iterable<LostCopy>
  /** Every copy that was not delivered, with its body if there is one; may be read slowly. */
  undelivered (): Iterable<UndeliveredCopy>
  /** Of all processes together. */
  stats (): SpoolStats
  /** @param after - Key of the last dead letter that is known; `null` begins with the oldest. */
  deadReasons (after: Buffer | null): Iterable<DeadReason>
  /** `null`: there is no spool yet. */
  readHistory (): readonly HistoryEntry[] | null
  /** @returns Rejects with what the disk says, and when there is no spool. */
  writeHistory (entries: readonly HistoryEntry[]): Promise<void>
  /** Partitions that hold copies or dead letters. */
  partitions (): readonly number[]
  /** Takes in what processes that are gone left in their logs. For the supervisor: it knows that nobody is adopting meanwhile. @throws What the disk says. */
  recover (log: Pick<Logger, 'warn'>): void
  close (): Promise<void>
}

/** An environment that this process has open: `null` while its disk is away, `undefined` once it is closed. */
export type SharedEnvironment = () => Environment | null | undefined

export interface SpoolReaderOptions {
  /** Of the spool in this process, where there is one: to open an environment twice and to close one of the two drops LMDB's locks on both (fcntl(2)). */
  readonly shared?: SharedEnvironment
  /** Counts replays; the default writes rows of its own. */
  readonly ledger?: Ledger
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/**
 * A spool that is not there yet is an empty one, and nothing is made; it is seen once
 * it is there.
 *
 * @throws {SpoolFormatError} from here or, for a spool that comes later, from any method.
 */
export function openSpoolReader (path: string, options: SpoolReaderOptions = {}): SpoolReader {
  const now = options.now ?? Date.now
  const ledger = options.ledger ?? createLedger({ writer: `reader-${randomUUID()}`, now })
  let open: Environment | null = null
  /** The data file that is open. */
  let identity = ''
  /** Until it is closed, LMDB forbids opening the one in its place. */
  let closing: Promise<void> | null = null
  let closed = false

  function environment (): Environment | null {
    const shared = options.shared?.()
    if (shared !== undefined) return shared
    const current = dataFileIdentity(path)
    if (open !== null && current !== identity) leave(open)
    if (open === null && closing === null && !closed && current !== '' && !isDamaged(path)) {
      open = openEnvironment(path)
      identity = current
    }
    return open
  }

  /** Its file was moved aside, or another put in its place: what it says is not of this spool. */
  function leave (gone: Environment): void {
    open = null
    closing = gone.close().catch(() => {}).then(() => { closing = null })
  }

  function required (): Environment {
    const found = environment()
    if (found === null) throw new Error('there is no spool')
    return found
  }

  const bodies = createBodyFiles(path, false)
  const deadLetters = createBuried({
    environment,
    together: async work => required().transaction(work),
    ledger, bodies, now,
    onChange () {}
  })

  function * fresh (from: Environment, start: Buffer | null): Generator<PendingSummary> {
    for (const { key, value } of from.entries('fresh', start === null ? {} : { start })) {
      const { copy } = readFresh(value, bodies.pathOf)
      yield { id: copy.id, project: copy.project, attempts: 0, takenAt: copy.takenAt, dueAt: null, bodyBytes: copy.body.length, position: `f${key.toString('hex')}` }
    }
  }

  function * waiting (from: Environment, start: Buffer | null): Generator<PendingSummary> {
    for (const { key, value: due } of from.entries('ages', start === null ? {} : { start })) {
      const dueAt = readTime(due, 0)
      const value = from.get('waiting', waitingKey(key, dueAt))
      if (value === undefined) continue
      const { copy, history } = readWithHistory(value, bodies.pathOf)
      yield { id: copy.id, project: copy.project, attempts: history?.failures ?? 0, takenAt: copy.takenAt, dueAt, bodyBytes: copy.body.length, position: `w${key.toString('hex')}` }
    }
  }

  function * pendingFrom (from: Environment, position: string | undefined): Generator<PendingSummary> {
    const start = position === undefined ? null : afterKey(Buffer.from(position.slice(1), 'hex'))
    if (position?.startsWith('w') !== true) yield * fresh(from, start)
    yield * waiting(from, position?.startsWith('w') === true ? start : null)
  }

  return {
    deadLetters,

    pending (filter, limit, position) {
      const found: PendingSummary[] = []
      const from = environment()
      if (from === null || limit <= 0) return found
      for (const summary of pendingFrom(from, position)) {
        if (filter.project !== undefined && filter.project !== summary.project) continue
        found.push(summary)
        if (found.length >= limit) break
      }
      return found
    },

    readLedger (sinceHour) {
      return environment()?.entries('ledger', { start: hourKey(sinceHour) }) ?? []
    },

    * lost ({ project, since = 0 }) {
      const from = environment()
      if (from === null) return
      for (const copy of readLost(from)) {
        if ((project === undefined || copy.project === project) && copy.droppedAt >= since) yield copy
      }
    },

    undelivered () {
      const from = environment()
      return from === null ? [] : readUndelivered(from, bodies.pathOf)
    },

    stats () {
      const from = environment()
      const sum = noCounts()
      if (from === null) return { ...sum, oldestTakenAt: null }
      for (const { value } of from.entries('counts', {})) addCounts(sum, decodeCounts(value))
      let oldest = Infinity
      for (const partition of readPartitions(from)) {
        for (const table of ['fresh', 'ages'] as const) oldest = Math.min(oldest, firstTime(from, table, partition))
      }
      return { ...sum, oldestTakenAt: oldest === Infinity ? null : oldest }
    },

    deadReasons (after) {
      const from = environment()
      return from === null ? [] : readDeadReasons(from, after)
    },

    readHistory () {
      const from = environment()
      return from === null ? null : readHistory(from)
    },

    async writeHistory (entries) { await writeHistory(required(), entries) },

    partitions () {
      const from = environment()
      return from === null ? [] : readPartitions(from)
    },

    recover (log) {
      const from = environment()
      if (from !== null) void recoverLeftLogs(from, path, log)
    },

    async close () {
      closed = true
      await open?.close()
      open = null
      await closing
    }
  }
}

function firstTime (from: Environment, table: 'fresh' | 'ages', partition: number): number {
  const start = Buffer.alloc(2)
  start.writeUInt16BE(partition)
  for (const key of from.keys(table, { start, limit: 1 })) return key.readUInt16BE(0) === partition ? timeOf(key) : Infinity
  return Infinity
}
