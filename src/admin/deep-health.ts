/** Looks at everything the router depends on: what it was told by traffic, and by a probe where there was none. */
import type { Config } from '../config/config.ts'
import type { WorkerPool } from '../process/worker-pool.ts'
import { addressOf, judgeHealth, serversToProbe, type DeepHealth } from './judge-health.ts'
import type { Probe } from './probe.ts'

export interface DeepHealthOptions {
  /** Whoever knows the configuration in force. */
  readonly reloader: { config (): Config }
  readonly pool: Pick<WorkerPool, 'readiness' | 'report'>
  readonly probe: Probe
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export function createDeepHealth ({ reloader, pool, probe, now }: DeepHealthOptions): () => Promise<DeepHealth> {
  return async () => {
    const config = reloader.config()
    const { processes } = await pool.report()
    const servers = serversToProbe({ config, processes }, now())
    const probes = new Map(await Promise.all(servers.map(async server => [addressOf(server), await probe(server)] as const)))
    return judgeHealth({ config, readiness: pool.readiness(), processes, probes }, now())
  }
}
