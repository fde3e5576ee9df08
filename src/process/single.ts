/** Everything in one process: `workers: 1`. */
import type { App } from '../app.ts'
import type { WorkerPool } from './worker-pool.ts'

/** A pool of this one process, which delivers what earlier runs left as well. */
export function singleProcess (app: App, foundPartitions: readonly number[]): WorkerPool {
  return {
    async start () {
      await app.listen()
      app.adopt(foundPartitions)
    },
    readiness: () => app.readiness(),
    async report () {
      const { metrics, status } = app.report()
      return { metrics: [metrics], processes: [status] }
    },
    apply: async config => { app.apply(config) },
    reloads: app.reloads,
    adopt: partitions => { app.adopt(partitions) },
    replayed: projects => { app.replayed(projects) },
    stop: deadlineMs => app.close(deadlineMs)
  }
}
