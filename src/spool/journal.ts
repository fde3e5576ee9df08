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
import { createChanges } from './changes.ts'
import { createCheckpoints, type BegunCheckpoint } from './checkpoints.ts'
import type { Counts } from './counts.ts'
import type { Entry, Place } from './entry.ts'
import type { Ledger } from './ledger.ts'
import type { Environment, Write } from './store.ts'
import { createUnsaved, type ExtraRow } from './unsaved.ts'
import { createWaiters } from './waiters.ts'
import { createCheckpointClock } from './wal/checkpoint-clock.ts'
import { flush as flushEnvironment } from './wal/commit.ts'
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
/** The same while a backlog goes out: its rows are removed on the thread that answers, a few milliseconds' worth at a time. */
const MANY_DISPLACED = 1000
/**
 * What no answer waits for goes with the next frame that one does wait for, or after
 * this time: a frame costs nearly the same whatever is in it.
 */
const LAZY_MS = 5
/** Frames wait for the checkpoint: the environment is slower than what comes. */
const TOO_MANY_UNSAVED_BYTES = 16 * 1024 * 1024

export function createJournal (options: JournalOptions): Journal {
  const { environment, log, ledger, counts, onSaved, onFault } = options
  const unsaved = createUnsaved(counts)
  const changes = createChanges(unsaved, ledger, counts)
  const checkpoints = createCheckpoints({ ...options, unsaved })
  const waiters = createWaiters()
  const builder = createFrameBuilder()
  const clock = createCheckpointClock(schedule)
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
      if (!changes.isEmpty) schedule()
    }, LAZY_MS).unref()
  }

  /** After something was written. */
  function goOn (): void {
    if (!waiters.isEmpty || clock.isDue || !log.isOpen) schedule()
    else if (!changes.isEmpty) scheduleLazily()
  }

  function hasUnsaved (): boolean {
    return !changes.isEmpty || unsaved.hasWork || ledger.hasDirty
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
    const isHeld = log.isFull || unsaved.bytes > TOO_MANY_UNSAVED_BYTES
    const isDue = clock.isDue || isHeld || log.isFilling || unsaved.bytes > MANY_UNSAVED_BYTES || unsaved.displaced > MANY_DISPLACED
    if (!isDue || checkpoint !== null) {
      if (!isHeld) writeFrame()
      return
    }
    // First, so that the number in the checkpoint is that of the frame behind it.
    writeFrame()
    if (hasUnsaved() || log.isFilling) checkpoint = save(open)
    else clock.restart()
  }

  function writeFrame (): void {
    const waiting = waiters.take()
    if (changes.isEmpty) {
      waiting?.resolve()
      return
    }
    const moved = changes.absorb(builder.write)
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
      waiters.giveBack(waiting)
    }).then(() => {
      frame = null
      goOn()
    })
  }

  function begin (): BegunCheckpoint {
    clock.restart()
    return checkpoints.begin()
  }

  /** Never rejects. */
  async function save (open: Environment): Promise<void> {
    log.turn()
    if (await checkpoints.commit(open, begin(), false)) await flushed(open)
    checkpoint = null
    goOn()
  }

  /** The log is not there: the transaction is what answers wait for, and lets it begin anew. Never rejects. */
  async function saveDirectly (open: Environment): Promise<void> {
    const waiting = waiters.take()
    isSavingDirectly = true
    changes.absorb(null)
    const isCommitted = await checkpoints.commit(open, begin(), true)
    const isDone = isCommitted && (options.fsync === 'background' || await flushed(open))
    if (isDone || !hopeful) waiting?.resolve()
    else waiters.giveBack(waiting)
    isSavingDirectly = false
    checkpoint = null
    // It may have been opened while this was under way; to open it again would empty it.
    if (isDone && !log.isOpen) opening ??= openLog(open)
    if (!changes.isEmpty || !waiters.isEmpty) schedule()
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

  function move (entry: Entry, to: Place, dueAt = 0): void {
    changes.move(entry, to, dueAt)
    scheduleLazily()
  }

  function giveUp (): void {
    hopeful = false
    waiters.release()
  }

  return {
    get unsavedBytes () { return unsaved.bytes },
    move,

    renew (entry) {
      if (entry.disk === 'none') return
      const { want } = entry
      entry.disk = 'none'
      entry.want = 'none'
      move(entry, want, entry.dueAt)
    },

    put (row) {
      changes.put(row)
      scheduleLazily()
    },

    durable () {
      if ((suspended || environment() === null) && !hopeful) return null
      schedule()
      return waiters.join()
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
      changes.absorb(null)
      const result = checkpoints.commitWith(open, begin(), work)
      schedule()
      return result
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
