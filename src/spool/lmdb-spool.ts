/**
 * The durable spool: copies in an LMDB environment, large bodies in files beside it.
 * docs/spool.md has the format; this is how it is used.
 *
 *   append  record into `fresh`; the copy also stays in memory (window) while there is room
 *   claim   from the window, or from disk: never attempted by age, attempted once due
 *   ack     record and body gone
 *   retry   record into `waiting`, behind its due time
 *   bury    record into `dead`
 *
 * Invariants:
 * - a copy's record is in exactly one of `fresh`, `waiting`, `dead`, and moves in the
 *   transaction that counts the move (`counts`, `ledger`);
 * - what memory knows better than the environment is `held`, until a checkpoint has said so;
 * - a partition is delivered by the one process that owns it;
 * - a body's file is there before its record, and goes after it.
 *
 * When the disk fails, what is under way stays in memory, up to a bound, and goes to
 * disk once it works again.
 */
import { randomInt } from 'node:crypto'
import type { Logger } from 'pino'
import { createBacklog } from './backlog.ts'
import { createBodyFiles, INLINE_BYTES, type BodyFiles } from './bodies.ts'
import { createBuried } from './buried.ts'
import { attemptsMade } from './dead-letter.ts'
import { createDisk } from './disk.ts'
import { historyAfter, type Entry } from './entry.ts'
import { createHeap } from './heap.ts'
import { createHeld } from './held.ts'
import { createIntake } from './intake.ts'
import { createJournal } from './journal.ts'
import { createKeySource, partitionEnd } from './keys.ts'
import { createLedgerCompaction } from './ledger-compaction.ts'
import { hourOf } from './ledger-row.ts'
import type { Ledger } from './ledger.ts'
import { createLostRows, pruneLost } from './lost.ts'
import { lastTime, readPartitions } from './partitions-on-disk.ts'
import { openEnvironment, type Environment, type OpenEnvironment } from './store.ts'
import type { SharedEnvironment } from './spool-reader.ts'
import { createSupply } from './supply.ts'
import { sweepBodies } from './sweep.ts'
import { createTotals } from './totals.ts'
import type { ClaimedCopy, Copy, DropReason, OnDrop, Spool } from './types.ts'
import type { OpenLogFile } from './wal/log-file.ts'
import { createLog } from './wal/log.ts'
import { findLogs, recoverLog } from './wal/recovery.ts'
import { createWindow, isFresh } from './window.ts'

export interface SpoolOptions {
  readonly path: string
  /** Records and bodies on disk, dead letters included, of all processes together. */
  readonly maxBytes: number
  readonly whenFull: 'drop_oldest' | 'drop_newest'
  readonly fsync: 'background' | 'always'
  readonly deadLetters: { readonly maxBytes: number, readonly maxAgeMs: number }
  /** What this process appends to; nobody else does. */
  readonly partition: number
  readonly onDrop: OnDrop
  /** A copy died inside the spool: its record is damaged. */
  readonly onDead?: (project: string, reason: 'corrupt') => void
  /** Dead letters gave way to younger ones, to copies, or to their age. */
  readonly onDeadPurged: (project: string, count: number) => void
  readonly ledger: Ledger
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long answers wait for a disk that has just failed, each for `commit_timeout` at most; a little longer than the first probes take. */
  readonly hopeMs?: number
  /** For tests that make the disk fail. */
  readonly openEnvironment?: OpenEnvironment
  readonly bodies?: BodyFiles
  readonly openLogFile?: OpenLogFile
}

export interface DurableSpool extends Spool {
  /** Delivers these partitions too; their owner is gone. */
  adopt (partitions: readonly number[]): void
  /** Partitions that hold copies or dead letters, of whichever owner. */
  partitions (): readonly number[]
  /** Another process changed something: looks again. */
  poll (): void
  /** For others in this process who read it. */
  environment: SharedEnvironment
  /** Whether its disk takes what it is given; while it does not, copies wait in memory. */
  works (): boolean
  /** Resolves when others that open the environment see everything said so far, or the disk takes nothing. */
  saved (): Promise<void>
}

const TICK_MS = 1000
const FIRST_PROBES_MS = [50, 200, 600]
const HOPE_MS = 650
const HOUSEKEEPING_MS = 60_000
/** Dead letters give way by this much at once, at least. */
const MIN_SHRINK_BYTES = 1024 * 1024

/** Opens the spool, or begins one. Disks that fail are no error: see the header. @throws {SpoolFormatError} */
export function openSpool (options: SpoolOptions): DurableSpool {
  const { path, maxBytes, whenFull, fsync, partition, onDrop, ledger, log, now } = options
  const bodies = options.bodies ?? createBodyFiles(path, fsync === 'always')
  let outageTimers: NodeJS.Timeout[] = []
  const window = createWindow()
  const retrying = createHeap<Entry>((a, b) => a.dueAt < b.dueAt)
  const held = createHeld()
  const totals = createTotals()
  const compaction = createLedgerCompaction()
  const lostRow = createLostRows(randomInt(2 ** 32))
  const disk = createDisk({ path, open: options.openEnvironment ?? openEnvironment, log, now, waitingBytes: () => journal.unsavedBytes, onFail: beginOutage, onWork: recover })
  const environment = (): Environment | null => disk.environment()
  const writeAhead = createLog({ path, partition, synced: fsync === 'always', onFault: tellLogFault, ...(options.openLogFile === undefined ? {} : { openFile: options.openLogFile }) })
  const journal = createJournal({ environment, log: writeAhead, ledger, fsync, counts: totals.own, onSaving: entries => { held.saving(entries) }, onSaved, onFault: disk.fail, onSuccess: disk.confirm })
  const backlog = createBacklog(environment, key => held.hides(key))
  const supply = createSupply({ environment, window, backlog, retrying, held, pathOf: bodies.pathOf, onCorrupt, onFault: disk.fail })
  const buried = createBuried({ environment, together: work => journal.together(work), ledger, bodies, onChange: lookAgain, now })
  const keys = createKeySource(partition, lastTimeOnDisk(), randomInt(2 ** 30))
  const intake = createIntake({
    partition, maxBytes, whenFull, keys, window, journal, totals, supply, bodies, ledger, log, drop, count, now,
    shrinkDead: bytes => { if (disk.works) void shrinkDead(bytes) },
    isShrinking: () => shrinking,
    onAppend: () => { spool.onAppend?.() }
  })
  /** Partitions whose counts on disk are in `totals`. */
  const loaded = new Set<number>()
  let closed = false
  let isOpen = true
  let shrinking = false
  let lastHousekeeping = now()

  /** In our partition; what its last owner left in a log counts, so that all keys from now on are greater. */
  function lastTimeOnDisk (): number {
    const open = environment()
    try {
      if (open === null) return 0
      recoverLogs(open, [partition])
      return lastTime(open, partition) + 1
    } catch (error) {
      disk.fail(error)
      return 0
    }
  }

  /** Takes in what the disk holds of our partitions. */
  function load (open: Environment): void {
    const isNew = [...totals.own.keys()].filter(owned => !loaded.has(owned))
    recoverLogs(open, isNew)
    for (const owned of isNew) {
      totals.load(owned, open)
      loaded.add(owned)
    }
    totals.refresh(open)
  }

  /** The disk works again, or is another one. */
  function recover (anew: boolean): void {
    const open = environment()
    if (open === null) return
    if (anew) loseWhatIsNotInMemory()
    load(open)
    journal.resume()
    backlog.lookAgain()
    spool.onAppend?.()
  }

  function loseWhatIsNotInMemory (): void {
    const here = totals.here().pending
    totals.forget()
    const entries = [...held]
    for (let entry = window.oldest(); entry !== null; entry = entry.younger) entries.push(entry)
    let kept = 0
    for (const entry of entries) {
      if (entry.state === 'settled') continue
      kept++
      totals.pending(entry.partition, 1, entry.bytes)
      journal.renew(entry)
    }
    for (let lost = here - kept; lost > 0; lost--) {
      ledger.add('default', 'dropped', 1, 0, 'spool_error')
      onDrop('default', 'spool_error')
    }
  }

  /** The process ends, and the disk still takes nothing. */
  function loseWhatIsNotOnDisk (): void {
    const entries = [...held]
    for (let entry = window.oldest(); entry !== null; entry = entry.younger) entries.push(entry)
    const lost = entries.filter(entry => entry.disk === 'none' && entry.logged === 'none' && entry.want !== 'none')
    for (const { copy } of lost) onDrop(copy.project, 'spool_error')
    if (lost.length > 0) log.error({ copies: lost.length }, 'Copies were lost: the spool could not write them before the end. Look at the disk at spool.path; mirror-router report tells which.')
  }

  function tellLogFault (error: unknown): void {
    log.warn({ error: String(error) }, 'The log of the spool cannot be written; until it can, every copy goes straight into the environment, at a higher cost. Is the disk at spool.path full or read-only?')
  }

  function onSaved (entry: Entry): void {
    if (entry.disk !== entry.want) return
    switch (entry.disk) {
      case 'fresh':
        break
      case 'waiting':
        if (entry.state !== 'retrying' || entry.diskDueAt !== entry.dueAt) return
        retrying.remove(entry)
        entry.state = 'settled'
        held.remove(entry)
        backlog.expect(entry.diskDueAt)
        break
      case 'none':
        if (entry.fileId !== null) {
          void bodies.remove(entry.fileId)
          intake.forget(entry.fileId)
        }
        held.remove(entry)
        break
      case 'dead':
        held.remove(entry)
        break
    }
  }

  /** A copy that is no more; it stays held until the disk says so too. */
  function drop (entry: Entry, reason: DropReason): void {
    settle(entry)
    journal.move(entry, 'none')
    count(entry.copy, reason)
  }

  function count (copy: Copy, reason: DropReason): void {
    ledger.add(copy.project, 'dropped', 1, copy.body.length, reason, copy.takenAt)
    journal.put(lostRow(copy, reason, now()))
    onDrop(copy.project, reason)
  }

  /** The copy is pending no more. */
  function settle (entry: Entry): void {
    entry.state = 'settled'
    held.add(entry)
    totals.pending(entry.partition, -1, -entry.bytes)
  }

  function buryEntry (entry: Entry, reason: string, answer: string): void {
    const time = now()
    const attempted = attemptsMade(0, reason) > 0
    entry.history = { ...historyAfter(entry, attempted, answer, time), buriedAt: time, reason }
    settle(entry)
    totals.dead(entry.partition, 1, entry.bytes)
    journal.move(entry, 'dead')
    ledger.add(entry.copy.project, 'dead', 1, entry.copy.body.length, reason, entry.copy.takenAt)
    const excess = totals.everywhere().deadBytes - options.deadLetters.maxBytes
    if (excess > 0) void shrinkDead(excess)
  }

  function onCorrupt (entry: Entry): void {
    log.error({ id: entry.copy.id, project: entry.copy.project }, 'A copy in the spool is damaged; it is a dead letter now.')
    buryEntry(entry, 'corrupt', '')
    options.onDead?.(entry.copy.project, 'corrupt')
  }

  async function shrinkDead (bytes: number): Promise<void> {
    if (shrinking) return
    shrinking = true
    try {
      const purged = await buried.shrink(now() - options.deadLetters.maxAgeMs, bytes > 0 ? Math.max(bytes, Math.min(MIN_SHRINK_BYTES, maxBytes / 16)) : 0)
      for (const [project, count] of purged) options.onDeadPurged(project, count)
    } catch (error) {
      disk.fail(error)
    } finally {
      shrinking = false
    }
  }

  function lookAgain (): void {
    const open = environment()
    if (open === null || closed) return
    try {
      totals.refresh(open)
      backlog.lookAgain()
    } catch (error) {
      disk.fail(error)
    }
    spool.onAppend?.()
  }

  /** What the last owners left in their logs. */
  function recoverLogs (open: Environment, partitions: readonly number[]): void {
    for (const { name, partition, owner } of findLogs(path)) {
      if (owner !== 'another' && partitions.includes(partition)) void recoverLog(open, path, name, log)
    }
  }

  function adopt (partitions: readonly number[]): void {
    const open = environment()
    try {
      // Counts and records must be of one moment, and of one after their owner's end.
      open?.lookAnew()
      for (const adopted of partitions) {
        if (totals.own.has(adopted)) continue
        totals.adopt(adopted)
        backlog.add(adopted, adopted === partition ? () => intake.memoryFrom() : () => partitionEnd(adopted))
      }
      open?.clearStaleReaders()
      if (open !== null) load(open)
    } catch (error) {
      disk.fail(error)
    }
    void sweep(partitions)
    spool.onAppend?.()
  }

  async function sweep (partitions: readonly number[]): Promise<void> {
    const files = await bodies.list()
    const open = environment()
    if (open === null || closed) return
    try {
      const orphans = sweepBodies({ environment: open, files, partitions, isOurs: fileId => intake.isOurs(fileId), log })
      await Promise.all(orphans.map(fileId => bodies.remove(fileId)))
    } catch (error) {
      disk.fail(error)
    }
  }

  function tick (): void {
    disk.probe()
    const open = environment()
    if (!disk.works || open === null) {
      // What can be read again by now, nobody has said is due.
      spool.onAppend?.()
      return
    }
    journal.tick()
    try {
      totals.refresh(open)
      if (now() - lastHousekeeping < HOUSEKEEPING_MS) return
      lastHousekeeping = now()
      open.clearStaleReaders()
      pruneLost(open)
      compaction.step(open, hourOf(now()))
    } catch (error) {
      disk.fail(error)
      return
    }
    void shrinkDead(Math.max(0, totals.everywhere().deadBytes - options.deadLetters.maxBytes))
  }

  /** Most faults pass at once, and answers wait for that: the first looks are close together, the others are the tick's. */
  function beginOutage (isNew: boolean): void {
    journal.suspend(isNew)
    for (const timer of outageTimers) clearTimeout(timer)
    outageTimers = FIRST_PROBES_MS.map(delayMs => setTimeout(() => { disk.probeNow() }, delayMs))
    outageTimers.push(setTimeout(() => { if (!disk.works) journal.giveUp() }, options.hopeMs ?? HOPE_MS))
  }

  const timer = setInterval(tick, TICK_MS)
  timer.unref()

  const spool: DurableSpool = {
    onAppend: null,

    append (copy) {
      if (closed) {
        ledger.add(copy.project, 'accepted', 1, copy.body.length, '', copy.takenAt)
        count(copy, 'spool_error')
        return null
      }
      if (copy.body.file !== null || copy.body.length > INLINE_BYTES) return intake.insertWithFile(copy)
      intake.insert(copy)
      return journal.durable()
    },

    claim (limit, time, mostOld = limit) {
      const claimed: Entry[] = []
      let old = 0
      while (claimed.length < limit) {
        const entry = supply.next(time, old < mostOld)
        if (entry === null) break
        if (!isFresh(entry.copy, time)) old++
        claimed.push(entry)
      }
      return claimed
    },

    nextDueAt: () => supply.nextDueAt(),

    ack (token) {
      const entry = unclaim(token)
      settle(entry)
      journal.move(entry, 'none')
      ledger.add(entry.copy.project, 'delivered', 1, entry.copy.body.length, '', entry.copy.takenAt)
    },

    retry (token, dueAt, counted = true, answer = '') {
      const entry = unclaim(token)
      if (counted) entry.failures++
      entry.history = historyAfter(entry, counted, answer, now())
      entry.state = 'retrying'
      journal.move(entry, 'waiting', Math.max(0, Math.floor(dueAt)))
      retrying.push(entry)
    },

    bury (token, reason, answer) {
      buryEntry(unclaim(token), reason, answer)
    },

    deadLetters: buried,

    stats () {
      const { pending, pendingBytes, dead, deadBytes } = totals.here()
      return { pending, pendingBytes, oldestTakenAt: supply.oldestTakenAt(), dead, deadBytes }
    },

    adopt,

    partitions () {
      const open = environment()
      return open === null ? [] : readPartitions(open)
    },

    poll () {
      disk.probe()
      lookAgain()
    },

    environment: () => isOpen ? environment() : undefined,
    works: () => disk.works,
    saved: () => journal.saved(),

    async close () {
      if (closed) return
      closed = true
      clearInterval(timer)
      for (const pending of outageTimers) clearTimeout(pending)
      if (!disk.works) journal.giveUp()
      await intake.idle()
      await journal.saved()
      if (!disk.works) {
        disk.probeNow()
        await journal.saved()
      }
      await journal.end()
      loseWhatIsNotOnDisk()
      await disk.close()
      isOpen = false
    }
  }

  if (!disk.works) beginOutage(true)
  adopt([partition])
  return spool
}

function unclaim (token: ClaimedCopy): Entry {
  // A token is the entry itself.
  const entry = token as Entry
  if (entry.state !== 'claimed' || entry.seat === null) throw new Error('This copy is not claimed.')
  return entry
}
