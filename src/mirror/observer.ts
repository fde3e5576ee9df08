/** What the mirror tells about itself; `admin/metrics.ts` counts it. Each call moves exactly one counter. */
export interface MirrorObserver {
  accepted (project: string): void
  skipped (project: string, reason: SkipReason): void
  delivered (project: string, msSinceTaken: number): void
  dead (project: string, reason: string): void
  dropped (project: string, reason: 'spool_full' | 'spool_error'): void
  /** @param code - A status, or `refused`, `reset`, `timeout`, `tls`, `dns`. */
  attempted (code: string): void
  lateCommit (): void
}

/** Why a request on a mirrored route was not copied: by rule, so it is not a loss. */
export type SkipReason = 'method' | 'endpoint' | 'off'
