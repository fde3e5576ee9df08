/** What the supervisor and its workers say to each other. */
import type { CarriedConfig } from './carry-config.ts'
import type { OutageEvent } from '../mirror/outage-log.ts'
import type { ProcessReport } from './process-report.ts'

export type ToWorker =
  /** The first message. Ports and hosts are those that were reserved; the clock is the program's, see `createSteadyNow`. */
  | { readonly type: 'start', readonly config: CarriedConfig, readonly partition: number, readonly clockZeroMs: number }
  /** Serve by this from now on. */
  | { readonly type: 'apply', readonly request: number, readonly config: CarriedConfig }
  | { readonly type: 'report', readonly request: number }
  /** Deliver these partitions of the spool as well: whoever did is gone. */
  | { readonly type: 'adopt', readonly partitions: readonly number[] }
  /** Another process changed the spool: look again. */
  | { readonly type: 'poll' }
  | { readonly type: 'stop', readonly deadlineMs: number }

export type FromWorker =
  | { readonly type: 'ready' }
  /** The worker cannot run; it ends after this. */
  | { readonly type: 'failed', readonly message: string }
  /** `request`: the one it answers; `null` for one sent on the worker's own account. */
  | { readonly type: 'report', readonly request: number | null, readonly report: ProcessReport }
  /** `fault`: why all is as before; `null` when the configuration is in force. */
  | { readonly type: 'applied', readonly request: number, readonly fault: string | null }
  | { readonly type: 'outage', readonly event: OutageEvent }
