/** What the supervisor and its workers say to each other. */
import type { ListenerConfig } from '../config/config.ts'
import type { ProcessReport } from './report.ts'

export type ToWorker =
  /** The first message. The worker loads the file itself; ports and hosts are those that were reserved. */
  | { readonly type: 'start', readonly file: string, readonly listeners: readonly ListenerConfig[], readonly partition: number }
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
