/** The processes that serve, as `start` sees them: one, or several under a supervisor. */
import type { Readiness } from '../admin/server.ts'

export interface WorkerPool {
  /** Resolves when every process listens. */
  start (): Promise<void>
  readiness (): Readiness
  /** Prometheus' text, summed over the processes, those that have ended included. */
  metrics (): Promise<string>
  /** Finishes what is under way, for up to `deadlineMs`. */
  stop (deadlineMs: number): Promise<void>
}
