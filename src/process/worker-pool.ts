/** The processes that serve, as `start` sees them: one, or several under a supervisor. */
import type { Readiness } from '../admin/server.ts'
import type { PoolReport } from './report.ts'

export interface WorkerPool {
  /** Resolves when every process listens. */
  start (): Promise<void>
  readiness (): Readiness
  /** What all of them have to say; one that is busy is represented by its last word. */
  report (): Promise<PoolReport>
  /** Dead letters were put back into the spool, one of each of these projects: they are counted, and whoever delivers looks again. */
  replayed (projects: readonly string[]): void
  /** Finishes what is under way, for up to `deadlineMs`. */
  stop (deadlineMs: number): Promise<void>
}
