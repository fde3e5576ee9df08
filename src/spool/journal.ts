/**
 * What memory knows and the disk does not yet. Each entry says where it is on disk
 * and where it is to be; a transaction moves all of them at once, together with the
 * counts and the rows of the ledger that go with them. One transaction is under way
 * at a time; what changes meanwhile goes into the next.
 *
 * When a transaction fails, nothing of it is lost: everything stays to be written,
 * and the journal tries again every few seconds until the disk takes it.
 */
import { encodeCounts, type Counts } from './counts.ts'
import type { Entry, Place } from './entry.ts'
import type { Ledger } from './ledger.ts'
import type { Environment, Write } from './store.ts'
import { commit, writeTransaction, type ExtraRow, type Transaction } from './transaction.ts'

export interface Journal {
  /** The entry is to be elsewhere than on disk. */
  move (entry: Entry, to: Place, dueAt?: number): void
  /** The disk is another one: the entry is nowhere on it. */
  renew (entry: Entry): void
  /** A row to be put with the next transaction. */
  put (row: ExtraRow): void
  /** Resolves when everything said so far is committed, or cannot be; `null` while the disk takes nothing. */
  durable (): Promise<void> | null
  /** Resolves when nothing is left to write, or the disk takes nothing. */
  settled (): Promise<void>
  /** Everything said so far, and `work`, in one transaction. @throws What the environment says; then nothing is written. */
  together<T> (work: (write: Write) => T): Promise<T>
  /** Writes what the ledger has, though no copy moved. */
  tick (): void
  /** The environment works, or works again. */
  resume (): void
  /** It does not: nothing is tried until `resume`. @param hopeful - It may pass at once: whoever waits goes on waiting until then or `giveUp`. */
  suspend (hopeful: boolean): void
  /** It did not pass at once: nobody waits any more. */
  giveUp (): void
  /** Bytes of records that are nowhere but in memory. */
  readonly unwrittenBytes: number
}

export interface JournalOptions {
  /** `null` when none is open. */
  readonly environment: () => Environment | null
  readonly ledger: Pick<Ledger, 'takeDirty' | 'putBack' | 'hasDirty'>
  readonly fsync: 'background' | 'always'
  /** Of the partitions this process owns. */
  readonly counts: ReadonlyMap<number, Counts>
  /** The entry is on disk where it is to be. */
  readonly onMoved: (entry: Entry) => void
  readonly onFault: (error: unknown) => void
  /** A transaction succeeded, or there was nothing to write. */
  readonly onSuccess: () => void
}

/** Rows for people that wait for a disk; more are not kept. */
const MAX_EXTRAS = 10_000

export function createJournal (options: JournalOptions): Journal {
  const { environment, ledger, counts, onMoved, onFault, onSuccess } = options
  let dirty = new Set<Entry>()
  let touched = new Set<number>()
  let extras: ExtraRow[] = []
  let unwrittenBytes = 0
  let scheduled = false
  let suspended = false
  /** While suspended: those who ask still wait. */
  let hopeful = false
  /** The transaction under way, until it is settled either way. */
  let underWay: Promise<void> | null = null
  /** Resolves what `durable` gave out since the last transaction began. */
  let next: PromiseWithResolvers<void> | null = null

  function schedule (): void {
    if (scheduled || underWay !== null || suspended) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      flush()
    })
  }

  function hasWork (): boolean {
    return dirty.size > 0 || touched.size > 0 || extras.length > 0 || ledger.hasDirty
  }

  function begin (): Transaction {
    const encoded = new Map<number, Buffer>()
    for (const partition of touched) {
      const row = counts.get(partition)
      if (row !== undefined) encoded.set(partition, encodeCounts(row))
    }
    const transaction = { entries: [...dirty], counts: encoded, rows: ledger.takeDirty(), extras }
    dirty = new Set()
    touched = new Set()
    extras = []
    for (const entry of transaction.entries) {
      entry.going = entry.want
      entry.goingDueAt = entry.dueAt
    }
    return transaction
  }

  function succeed (transaction: Transaction): void {
    for (const entry of transaction.entries) {
      if (entry.disk === 'none' && entry.going !== 'none' && entry.want !== 'none') unwrittenBytes -= entry.record.length
      entry.disk = entry.going
      entry.diskDueAt = entry.goingDueAt
      if (!dirty.has(entry)) onMoved(entry)
    }
    onSuccess()
  }

  function fail (transaction: Transaction, error: unknown): void {
    for (const entry of transaction.entries) dirty.add(entry)
    for (const partition of transaction.counts.keys()) touched.add(partition)
    ledger.putBack(transaction.rows)
    extras = [...transaction.extras, ...extras].slice(0, MAX_EXTRAS)
    onFault(error)
  }

  function flush (): void {
    const open = environment()
    if (underWay !== null || suspended || open === null) return
    const waiting = next
    next = null
    if (!hasWork()) {
      onSuccess()
      waiting?.resolve()
      return
    }
    underWay = run(open).then(committed => {
      underWay = null
      if (committed || !hopeful) waiting?.resolve()
      else wait(waiting)
      if (hasWork() || next !== null) schedule()
    })
  }

  async function idle (): Promise<void> {
    for (;;) {
      if (underWay === null) return
      await underWay
    }
  }

  /** Those who waited for a transaction that failed wait for the next. */
  function wait (waiting: PromiseWithResolvers<void> | null): void {
    if (next === null) next = waiting
    else if (waiting !== null) waiting.resolve(next.promise)
  }

  /** @returns Whether it is durable. */
  async function run (open: Environment): Promise<boolean> {
    const transaction = begin()
    try {
      await commit(open, transaction)
      if (options.fsync === 'always') await open.flushed()
      succeed(transaction)
      return true
    } catch (error) {
      fail(transaction, error)
      return false
    }
  }

  function move (entry: Entry, to: Place, dueAt = 0): void {
    if (entry.disk === 'none') {
      if (entry.want === 'none' && to !== 'none') unwrittenBytes += entry.record.length
      else if (entry.want !== 'none' && to === 'none') unwrittenBytes -= entry.record.length
    }
    entry.want = to
    entry.dueAt = dueAt
    dirty.add(entry)
    touched.add(entry.partition)
    schedule()
  }

  function giveUp (): void {
    hopeful = false
    next?.resolve()
    next = null
  }

  return {
    get unwrittenBytes () { return unwrittenBytes },
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
      schedule()
    },

    durable () {
      if ((suspended || environment() === null) && !hopeful) return null
      next ??= Promise.withResolvers()
      schedule()
      return next.promise
    },

    async settled () {
      for (;;) {
        flush()
        if (underWay === null) return
        await underWay
      }
    },

    async together (work) {
      await idle()
      const open = environment()
      if (open === null) throw new Error('the spool has no disk')
      const transaction = begin()
      try {
        const result = open.transaction(put => {
          writeTransaction(transaction, put)
          return work(put)
        })
        succeed(transaction)
        return result
      } catch (error) {
        fail(transaction, error)
        throw error
      }
    },

    tick: schedule,

    resume () {
      suspended = false
      hopeful = false
      schedule()
    },

    suspend (hope) {
      suspended = true
      hopeful = hope
      if (!hope) giveUp()
    },

    giveUp
  }
}
