/**
 * The status of the running program: looks at all processes when asked, and every 10 s
 * for the history, which it keeps in the spool's environment. Where that fails the
 * history lives in memory, and nothing else suffers.
 */
import type { MetricsSnapshot } from '../admin/metrics.ts'
import type { Readiness } from '../admin/server.ts'
import type { Config } from '../config/config.ts'
import type { PoolReport } from '../process/process-report.ts'
import type { HistoryEntry } from '../spool/history-store.ts'
import { collectStatus } from './collect.ts'
import { createDeadLetterCounter, type DeadLetterSource } from './dead-letters.ts'
import { createRecorder, type HistoryRow } from './recorder.ts'
import { decodeSlot, encodeSlot } from './slot-record.ts'
import { TIERS } from './slots.ts'
import type { History, HistoryWindow, ReloadStatus, Status } from './status.ts'
import { totalsOf } from './totals.ts'

/** The part of a SpoolReader that is needed. */
export interface StatusSpool extends DeadLetterSource {
  readHistory (): readonly HistoryEntry[] | null
  writeHistory (entries: readonly HistoryEntry[]): Promise<void>
}

export interface StatusSourceOptions {
  readonly version: string
  readonly readiness: () => Readiness
  readonly report: () => Promise<PoolReport>
  /** Sums snapshots, with those of processes that ended. */
  readonly total: (snapshots: readonly MetricsSnapshot[]) => MetricsSnapshot
  /** `null`: nothing is mirrored, and nothing is kept. */
  readonly spool: StatusSpool | null
  /** Of the configuration in force. */
  readonly reloader: {
    config (): Config
    /** Milliseconds since the epoch. */
    loadedAt (): number
    last (): ReloadStatus | null
  }
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface StatusSource {
  /** Records from now on, also when nobody asks. */
  start (): void
  status (): Promise<Status>
  history (window: HistoryWindow): Promise<History>
  /** Records a last time; after the processes have ended. Never rejects. */
  close (): Promise<void>
}

/** The width of the narrowest step: each gets one look at its end at least. */
const SAMPLE_MS = 10_000
/** A first count of many dead letters goes on behind the answer. */
const DEAD_LETTERS_WAIT_MS = 300

export function createStatusSource (options: StatusSourceOptions): StatusSource {
  const { version, readiness, report, total, spool, reloader, now } = options
  const startedAt = now()
  const recorder = createRecorder(startedAt)
  const deadLetters = spool === null ? null : createDeadLetterCounter(spool, () => performance.now())
  let loaded = false
  let timer: NodeJS.Timeout | null = null
  let looking: Promise<PoolReport> | null = null
  let writing: Promise<void> = Promise.resolve()

  /** Several who ask at once share one look. */
  function look (): Promise<PoolReport> {
    looking ??= lookNow().finally(() => { looking = null })
    return looking
  }

  async function lookNow (): Promise<PoolReport> {
    // Somebody may ask before the start is complete.
    load()
    const found = await report()
    const at = now()
    const spools = found.processes.map(process => process.spool).filter(spool => spool !== null)
    const oldest = Math.min(...spools.map(({ oldestTakenAt }) => oldestTakenAt ?? Infinity))
    recorder.observe(totalsOf(total(found.metrics)), {
      pending: spools.reduce((sum, { pending }) => sum + pending, 0),
      oldestSeconds: oldest === Infinity ? 0 : Math.max(Math.round((at - oldest) / 1000), 0)
    }, at)
    return found
  }

  /** What an earlier run has kept comes first: what is written replaces it. */
  function load (): boolean {
    if (spool === null || loaded) return loaded
    try {
      const entries = spool.readHistory()
      if (entries === null) return false
      recorder.load(rowsOf(entries))
      loaded = true
    } catch {
      // The disk fails; the next sample asks again.
    }
    return loaded
  }

  async function keep (): Promise<void> {
    if (spool === null || !load()) return
    const rows = recorder.takeChanged()
    try {
      await spool.writeHistory(rows.map(entryOf))
    } catch {
      recorder.putBack(rows)
    }
  }

  /** The disk may be slow: a sample waits for no write, the next write does. */
  async function sample (): Promise<void> {
    await look().catch(() => {})
    writing = writing.then(keep)
  }

  function schedule (): void {
    timer = setTimeout(() => {
      void sample()
      schedule()
    }, SAMPLE_MS - now() % SAMPLE_MS)
    timer.unref()
  }

  return {
    start: schedule,

    async status () {
      const [{ processes }] = await Promise.all([look(), deadLetters === null ? null : atMost(deadLetters.refresh(), DEAD_LETTERS_WAIT_MS)])
      const at = now()
      const reload = reloader.last()
      return collectStatus({
        at,
        version,
        startedAt,
        readiness: readiness(),
        processes,
        sums: { now: recorder.sum('now', at), '1h': recorder.sum('1h', at), '24h': recorder.sum('24h', at) },
        latency: recorder.sum('latency', at),
        deadLetters: deadLetters?.counts() ?? [],
        config: reloader.config(),
        loadedAt: reloader.loadedAt(),
        lastReload: reload === null ? null : { at: reload.at, result: reload.result, message: reload.message }
      })
    },

    async history (window) {
      await look()
      return recorder.history(window, now())
    },

    async close () {
      if (timer !== null) clearTimeout(timer)
      await sample()
      await writing
    }
  }
}

/** The number of a ring on disk is its place among the tiers. */
function rowsOf (entries: readonly HistoryEntry[]): HistoryRow[] {
  const rows: HistoryRow[] = []
  for (const { ring, position, value } of entries) {
    const tier = TIERS[ring]
    const slot = decodeSlot(value)
    if (tier !== undefined && slot !== null && slot.step % tier.slots === position) rows.push({ window: tier.window, slot })
  }
  return rows
}

function entryOf ({ window, slot }: HistoryRow): HistoryEntry {
  const ring = TIERS.findIndex(tier => tier.window === window)
  return { ring, position: slot.step % (TIERS[ring]?.slots ?? 1), value: encodeSlot(slot) }
}

function atMost (work: Promise<void>, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    void work.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
