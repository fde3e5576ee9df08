/**
 * The cold path of one process, plugged together: what takes copies, the spool they
 * wait in, what delivers them. A part of the composition root (app.ts).
 */
import type { Logger } from 'pino'
import type { Metrics } from './admin/metrics.ts'
import type { Config, MirrorConfig } from './config/config.ts'
import type { Deadlines } from './http1/deadlines.ts'
import type { SteadyNow } from './mirror/clock.ts'
import { createDeliveries, type Deliveries } from './mirror/deliveries.ts'
import { createDelivery } from './mirror/delivery.ts'
import { createEndpoint } from './mirror/endpoint.ts'
import { createKeepCopy } from './mirror/keep.ts'
import { createLedgerObserver } from './mirror/ledger-observer.ts'
import type { MirrorObserver } from './mirror/observer.ts'
import type { OnOutage } from './mirror/outage-log.ts'
import type { Rules } from './proxy/handler.ts'
import { createLedger } from './spool/ledger.ts'
import { openSpool, type DurableSpool } from './spool/lmdb-spool.ts'

export interface CopyingOptions {
  readonly config: Config
  readonly mirror: MirrorConfig
  /** Of the spool: what this process appends to. */
  readonly partition: number
  readonly metrics: Pick<Metrics, 'mirror' | 'deadPurged'>
  readonly log: Logger
  readonly onOutage: OnOutage
  readonly deadlines: Deadlines
  readonly steadyNow: SteadyNow
}

export interface Copying {
  readonly spool: DurableSpool
  readonly deliveries: Deliveries
  /** What is copied, and where to, by this configuration. Its requests are counted by it too, also after a reload. */
  rulesOf (mirror: MirrorConfig, commitTimeoutMs: number): CopyingRules
}

export type CopyingRules = Pick<Rules, 'keepCopy' | 'settled'>

const now = (): number => Date.now()

/** @throws {SpoolFormatError} */
export function createCopying ({ config, mirror, partition, metrics, log, onOutage, deadlines, steadyNow }: CopyingOptions): Copying {
  const ledger = createLedger({ writer: `${process.pid}-${now()}`, now })
  const spool = openSpool({
    ...config.spool,
    partition,
    ledger,
    log,
    now: steadyNow,
    onDrop: (project, reason) => { metrics.mirror.dropped(project, reason) },
    onDead: (project, reason) => { metrics.mirror.dead(project, reason) },
    onDeadPurged: (project, count) => { metrics.deadPurged(project, count) }
  })

  const deliveries = createDeliveries(mirror, mirror => {
    const endpoint = createEndpoint({ ...mirror, deadlines })
    const { concurrency, retry } = mirror
    return { endpoint, delivery: createDelivery({ spool, endpoint, observer: metrics.mirror, onOutage, concurrency, retry, now: steadyNow, utilization: loopUtilization() }) }
  })

  return {
    spool,
    deliveries,

    rulesOf (mirror, commitTimeoutMs) {
      const counts = createLedgerObserver(mirror, ledger)
      const observer: MirrorObserver = {
        ...metrics.mirror,
        accepted (project) {
          metrics.mirror.accepted(project)
          counts.accepted(project)
        },
        skipped (project, reason) {
          metrics.mirror.skipped(project, reason)
          counts.skipped(project, reason)
        }
      }
      return {
        keepCopy: createKeepCopy({ mirror, spool, observer, commitTimeoutMs, now: steadyNow }),
        settled: request => { counts.settled(request) }
      }
    }
  }
}

/** Of the time since it was last asked. */
function loopUtilization (): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const before = last
    last = performance.eventLoopUtilization()
    return performance.eventLoopUtilization(last, before).utilization
  }
}
