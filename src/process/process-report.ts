/**
 * What one process tells of itself, to whoever speaks for all: its counters, and what
 * no counter can say. Structured-cloneable: it travels between processes.
 */
import type { MetricsSnapshot } from '../admin/metrics.ts'
import type { DeliveryStatus } from '../mirror/delivery.ts'
import type { UpstreamStatus } from '../proxy/upstreams.ts'
import type { ConnectionCounts } from '../http1/connection-pool.ts'
import type { SpoolStats } from '../spool/types.ts'

export interface ProcessReport {
  readonly metrics: MetricsSnapshot
  readonly status: ProcessStatus
}

export interface ProcessStatus {
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** `null`: nothing is mirrored. */
  readonly delivery: DeliveryStatus & { readonly connections: ConnectionCounts } | null
  /** Of the partitions this process owns. `null`: nothing is mirrored. */
  readonly spool: SpoolStats & { readonly works: boolean, readonly maxBytes: number } | null
  /** Connections of clients, by port. */
  readonly listeners: readonly { readonly port: number, readonly connections: number }[]
  readonly upstreams: readonly UpstreamStatus[]
  readonly capacity: Capacity
}

/** What this process may hold for clients, and holds. */
export interface Capacity {
  readonly maxConnections: number
  /** Bodies of requests under way. */
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly maxDiskBytes: number
}

/** Of all processes at one moment. */
export interface PoolReport {
  /** One of each process, and of whoever speaks for them. */
  readonly metrics: readonly MetricsSnapshot[]
  /** Of those that serve. */
  readonly processes: readonly ProcessStatus[]
}
