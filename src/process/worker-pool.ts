/** The processes that serve, as `start` sees them: one, or several under a supervisor. */
import type { Metrics } from '../admin/metrics.ts'
import type { Readiness } from '../admin/server.ts'
import type { Config } from '../config/config.ts'
import type { PoolReport } from './process-report.ts'

export interface WorkerPool {
  /** Resolves when every process listens. */
  start (): Promise<void>
  readiness (): Readiness
  /** What all of them have to say; one that is busy is represented by its last word. */
  report (): Promise<PoolReport>
  /** These partitions of the spool hold copies; those that nobody here delivers are taken over. */
  adopt (partitions: readonly number[]): void
  /** Dead letters were put back into the spool, one of each of these projects: they are counted, and whoever delivers looks again. */
  replayed (projects: readonly string[]): void
  /**
   * Resolves when every process serves by this configuration; one that starts later does too.
   *
   * @throws When it cannot be, and all processes go on as before.
   */
  apply (config: Config): Promise<void>
  /** Counts what concerns all processes at once. */
  readonly reloads: Pick<Metrics, 'configured' | 'reloaded'>
  /** Finishes what is under way, for up to `deadlineMs`. */
  stop (deadlineMs: number): Promise<void>
}
