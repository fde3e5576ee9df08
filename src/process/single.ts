/** Everything in one process: `workers: 1`. */
import type { MetricsRenderer } from '../admin/render-metrics.ts'
import type { App } from '../app.ts'
import type { WorkerPool } from './worker-pool.ts'

/** A pool of this one process. */
export function singleProcess (app: App, renderer: MetricsRenderer): WorkerPool {
  return {
    start: () => app.listen(),
    readiness: () => app.readiness(),
    metrics: () => renderer.render([app.snapshot()]),
    stop: deadlineMs => app.close(deadlineMs)
  }
}
