/**
 * How what memory knows gets to disk. Two ways:
 *
 *   frame       whatever has changed since the last one, appended to the log: at once,
 *               and what answers wait for
 *   checkpoint  whatever the environment lacks, in one transaction with the number of
 *               the first frame that is not in it: later, when most of it is over. A
 *               copy that was delivered meanwhile never gets there
 *
 * One of each is under way at a time. Without a log (at the start, and when it fails)
 * a checkpoint is what answers wait for. When that fails as well, nothing is lost:
 * everything stays to be written, and is once the environment works again.
 */
import type { Counts } from './counts.ts'
import type { Entry, Place } from './entry.ts'
import { encodeTime as encodeNumber } from './keys.ts'
import type { Ledger } from './ledger.ts'
import type { Environment, Write } from './store.ts'
import { createScratchRecord, writeMove } from './transaction.ts'
import { createUnsaved, encoded, MAX_EXTRAS, writeCheckpoint, writeRows, type Checkpoint, type ExtraRow } from './unsaved.ts'
import { createCheckpointClock } from './wal/checkpoint-clock.ts'
import { commit, flush as flushEnvironment } from './wal/commit.ts'
import { createFrameBuilder } from './wal/frame.ts'
import type { WriteAheadLog } from './wal/log.ts'

export interface Journal {
  /** The entry is to be elsewhere than on disk. */
  move (entry: Entry, to: Place, dueAt?: number): void
  /** The disk is another one: the entry is nowhere on it. */
  renew (entry: Entry): void
  /** A row to be put with the next transaction. */
  put (row: ExtraRow): void
  /** Resolves when everything said so far survives the end of the process, or cannot; `null` while the disk takes nothing. */
  durable (): Promise<void> | null
  /** Resolves when everything said so far is in the environment, or the disk takes nothing. */
  saved (): Promise<void>
  /** Everything said so far, and `work`, in one transaction. @throws What the environment says; then nothing is written. */
  together<T> (work: (write: Write) => T): Promise<T>
  /** The environment works, or works again. */
  resume (): void
  /** It does not: nothing is tried until `resume`. @param hopeful - It may pass at once: whoever waits goes on waiting until then or `giveUp`. */
  suspend (hopeful: boolean): void
  /** It did not pass at once: nobody waits any more. */
  giveUp (): void
  /** Saves what the ledger has, though no copy moved. */
  tick (): void
  /** Nothing is written from here on. Resolves once the log is gone, if nothing is in it alone. */
  end (): Promise<void>
  /** Bytes of records that the environment lacks. */
  readonly unsavedBytes: number
}

export interface JournalOptions {
  /** `null` when none is open. */
  readonly environment: () => Environment | null
  readonly log: WriteAheadLog
  readonly ledger: Pick<Ledger, 'takeDirty' | 'hasDirty'>
  readonly fsync: 'background' | 'always'
  /** Of the partitions this process owns. */
  readonly counts: ReadonlyMap<number, Counts>
  /** A checkpoint takes them. */
  readonly onSaving: (entries: readonly Entry[]) => void
  /** The environment has the entry where it is to be; or it is to be nowhere, and never was there. */
  readonly onSaved: (entry: Entry) => void
  readonly onFault: (error: unknown) => void
  /** A transaction succeeded, or there was nothing to write. */
  readonly onSuccess: () => void
}

/** A checkpoint comes at once. */
const MANY_UNSAVED_BYTES = 8 * 1024 * 1024
/**
 * What no answer waits for goes with the next frame that one does wait for, or after
 * this time: a frame costs nearly the same whatever is in it.
 */
const LAZY_MS = 5
/** Frames wait for the checkpoint: the environment is slower than what comes. */
const TOO_MANY_UNSAVED_BYTES = 16 * 1024 * 1024

export function createJournal (options: JournalOptions): Journal {
  const { environment, log, ledger, counts, onSaving, onSaved, onFault, onSuccess } = options
  const unsaved = createUnsaved(counts)
  const builder = createFrameBuilder()
  const scratchRecord = createScratchRecord()
  const clock = createCheckpointClock(schedule)
  let unlogged: Entry[] = []
  let touched = new Set<number>()
  let extras: ExtraRow[] = []
  let unsavedBytes = 0
  let scheduled = false
  let lazyTimer: NodeJS.Timeout | null = null
  let suspended = false
  /** While suspended: those who ask still wait. */
  let hopeful = false
  let ended = false
  /** Aborted by the next outage. */
  let outage = new AbortController()
  /** Until they are settled either way. */
  let frame: Promise<void> | null = null
  let checkpoint: Promise<void> | null = null
  /** The checkpoint under way is one without a log. */
  let isSavingDirectly = false
  let opening: Promise<void> | null = null
  /** Resolves what `durable` gave out since the last frame, or the last checkpoint without a log. */
  let next: PromiseWithResolvers<void> | null = null

  function schedule (): void {
    if (scheduled || suspended || ended) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      flush()
    })
  }

  function scheduleLazily (): void {
    if (scheduled || suspended || ended) return
    lazyTimer ??= setTimeout(() => {
      lazyTimer = null
      if (hasUnlogged()) schedule()
    }, LAZY_MS).unref()
  }

  /** After something was written. */
  function goOn (): void {
    if (next !== null || clock.isDue || !log.isOpen) schedule()
    else if (hasUnlogged()) scheduleLazily()
  }

  function hasUnlogged (): boolean {
    return unlogged.length > 0 || extras.length > 0
  }

  function hasUnsaved (): boolean {
    return hasUnlogged() || unsaved.hasWork || ledger.hasDirty
  }

  /** Does what is to be done now, as far as what is under way allows. */
  function flush (): void {
    const open = environment()
    if (suspended || ended || open === null) return
    if (!log.isOpen) {
      if (frame === null && checkpoint === null) checkpoint = saveDirectly(open)
      return
    }
    if (frame !== null || isSavingDirectly) return
    const isHeld = log.isFull || unsavedBytes > TOO_MANY_UNSAVED_BYTES
    const isDue = clock.isDue || isHeld || log.isFilling || unsavedBytes > MANY_UNSAVED_BYTES
    if (!isDue || checkpoint !== null) {
      if (!isHeld) writeFrame()
      return
    }
    // First, so that the number in the checkpoint is that of the frame behind it.
    writeFrame()
    if (hasUnsaved() || log.isFilling) checkpoint = save(open)
    else clock.restart()
  }

  /** Everything that has changed goes into a frame, or is left to the checkpoint that comes right after (`null`). */
  function absorb (write: Write | null): readonly Entry[] {
    const moved = unlogged
    unlogged = []
    for (const entry of moved) {
      entry.isUnlogged = false
      if (write === null) continue
      writeMove(entry, entry.logged, entry.loggedDueAt, entry.want, entry.dueAt, write, scratchRecord)
      entry.logged = entry.want
      entry.loggedDueAt = entry.dueAt
    }
    const rows = ledger.takeDirty()
    if (write !== null) writeRows(encoded(touched, counts), rows, extras, write)
    unsaved.add(rows, extras)
    touched = new Set()
    extras = []
    return moved
  }

  function writeFrame (): void {
    const waiting = next
    next = null
    if (!hasUnlogged()) {
      waiting?.resolve()
      return
    }
    const moved = absorb(builder.write)
    clock.frame()
    frame = log.append(builder.end(log.next)).then(() => {
      for (const entry of moved) {
        if (entry.disk === 'none' && entry.want === 'none' && !entry.isUnlogged && unsaved.forget(entry)) onSaved(entry)
      }
      waiting?.resolve()
    }, () => {
      // A checkpoint without the log comes next.
      for (const entry of moved) {
        if (entry.disk === 'none') entry.logged = 'none'
      }
      wait(waiting)
    }).then(() => {
      frame = null
      goOn()
    })
  }

  /** Never rejects. */
  async function save (open: Environment): Promise<void> {
    log.turn()
    const taken = begin()
    if (await commitCheckpoint(open, taken, false)) await flushed(open)
    checkpoint = null
    goOn()
  }

  /** The log is not there: the transaction is what answers wait for, and lets it begin anew. Never rejects. */
  async function saveDirectly (open: Environment): Promise<void> {
    const waiting = next
    next = null
    isSavingDirectly = true
    absorb(null)
    const taken = begin()
    const isCommitted = await commitCheckpoint(open, taken, true)
    const isDone = isCommitted && (options.fsync === 'background' || await flushed(open))
    if (isDone || !hopeful) waiting?.resolve()
    else wait(waiting)
    isSavingDirectly = false
    checkpoint = null
    // It may have been opened while this was under way; to open it again would empty it.
    if (isDone && !log.isOpen) opening ??= openLog(open)
    if (hasUnlogged() || next !== null) schedule()
  }

  /** Answers do not wait for it: meanwhile, too, whatever changes is saved directly. Never rejects. */
  async function openLog (open: Environment): Promise<void> {
    const { signal } = outage
    // An outage leaves the log behind: it begins anew after the first transaction that succeeds.
    if (!suspended && !ended && await flushed(open) && !signal.aborted && !ended) await log.open().catch(() => {})
    if (signal.aborted) log.abandon()
    opening = null
    schedule()
  }

  function begin (): { readonly checkpoint: Checkpoint, readonly number: Buffer } {
    clock.restart()
    // What changed in the ledger alone is in no frame.
    unsaved.add(ledger.takeDirty(), [])
    const taken = unsaved.begin()
    onSaving(taken.entries)
    return { checkpoint: taken, number: encodeNumber(log.next) }
  }

  /** @param isDirect - What is in it is in no frame. @returns Whether it was committed. */
  async function commitCheckpoint (open: Environment, { checkpoint, number }: ReturnType<typeof begin>, isDirect: boolean): Promise<boolean> {
    try {
      await commit(open, write => {
        writeCheckpoint(checkpoint, write)
        write('meta', log.key, number)
      })
    } catch (error) {
      unsaved.fail(checkpoint)
      onFault(error)
      return false
    }
    succeed(checkpoint, isDirect)
    return true
  }

  function succeed (done: Checkpoint, isDirect: boolean): void {
    for (const entry of done.entries) {
      if (entry.disk === 'none' && entry.going !== 'none' && entry.want !== 'none') unsavedBytes -= entry.recordBytes
      if (log.isOpen && !isDirect) continue
      entry.logged = entry.going
      entry.loggedDueAt = entry.goingDueAt
    }
    unsaved.succeed(done, onSaved)
    onSuccess()
  }

  /** @returns Whether everything committed survives a power cut. */
  async function flushed (open: Environment): Promise<boolean> {
    try {
      await flushEnvironment(open, outage.signal)
      return true
    } catch (error) {
      if (!suspended) onFault(error)
      return false
    }
  }

  /** Resolves when nothing is under way. */
  async function idle (): Promise<void> {
    for (;;) {
      const underWay = frame ?? checkpoint
      if (underWay === null) return
      await underWay
    }
  }

  /** Those who waited for what failed wait for the next. */
  function wait (waiting: PromiseWithResolvers<void> | null): void {
    if (next === null) next = waiting
    else if (waiting !== null) waiting.resolve(next.promise)
  }

  function move (entry: Entry, to: Place, dueAt = 0): void {
    if (entry.disk === 'none') {
      if (entry.want === 'none' && to !== 'none') unsavedBytes += entry.recordBytes
      else if (entry.want !== 'none' && to === 'none') unsavedBytes -= entry.recordBytes
    }
    entry.want = to
    entry.dueAt = dueAt
    unsaved.move(entry)
    touched.add(entry.partition)
    if (!entry.isUnlogged) {
      entry.isUnlogged = true
      unlogged.push(entry)
    }
    scheduleLazily()
  }

  function giveUp (): void {
    hopeful = false
    next?.resolve()
    next = null
  }

  return {
    get unsavedBytes () { return unsavedBytes },
    move,

    renew (entry) {
      if (entry.disk === 'none') return
      const { want } = entry
      entry.disk = 'none'
      entry.want = 'none'
      move(entry, want, entry.dueAt)
    },

    put (row) {
      if (extras.length < MAX_EXTRAS) extras.push(row)
      scheduleLazily()
    },

    durable () {
      if ((suspended || environment() === null) && !hopeful) return null
      next ??= Promise.withResolvers()
      schedule()
      return next.promise
    },

    async saved () {
      for (;;) {
        await idle()
        if (suspended || environment() === null || !hasUnsaved()) return
        clock.advance()
        flush()
        if (frame === null && checkpoint === null) return
      }
    },

    async together (work) {
      await idle()
      const open = environment()
      if (open === null) throw new Error('the spool has no disk')
      absorb(null)
      const { checkpoint: taken, number } = begin()
      try {
        const result = open.transaction(write => {
          writeCheckpoint(taken, write)
          write('meta', log.key, number)
          return work(write)
        })
        succeed(taken, true)
        schedule()
        return result
      } catch (error) {
        unsaved.fail(taken)
        onFault(error)
        throw error
      }
    },

    resume () {
      suspended = false
      hopeful = false
      outage = new AbortController()
      schedule()
    },

    suspend (hope) {
      suspended = true
      hopeful = hope
      log.abandon()
      outage.abort()
      if (!hope) giveUp()
    },

    giveUp,

    tick () {
      if (clock.isSet || checkpoint !== null || !hasUnsaved()) return
      clock.advance()
      schedule()
    },

    async end () {
      ended = true
      clock.stop()
      await idle()
      await opening
      const open = environment()
      try {
        if (suspended || open === null || hasUnsaved()) return
        open.transaction(write => { write('meta', log.key, null) })
        if (await flushed(open)) await log.remove()
      } catch (error) {
        onFault(error)
      } finally {
        await log.close()
      }
    }
  }
}
