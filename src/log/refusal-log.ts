/** Overload in the log: a line when clients are first refused, then one a minute as long as it goes on; never one per client. */
import type { Logger } from 'pino'
import type { RefusalReason } from '../proxy/ports.ts'

export const REFUSAL_LOG_INTERVAL_MS = 60_000

const REMEDIES: Readonly<Record<RefusalReason, string>> = {
  connections: 'as many connections are open as client.max_connections, or the limit of open files, allows',
  connections_per_address: 'one address has as many connections as client.max_connections_per_address allows',
  requests: 'as many requests are under way as there may be, in all or to one upstream; it may be slow',
  bodies: 'the bodies of requests under way take client.max_body_space, or the disk takes none',
  descriptors: 'this process may open no more files'
}

/** @returns Told of each refusal. */
export function createRefusalLog (log: Pick<Logger, 'warn'>, intervalMs = REFUSAL_LOG_INTERVAL_MS): (reason: RefusalReason) => void {
  /** Since the last line. */
  const refused = new Map<RefusalReason, number>()
  let quiet = false

  function write (): void {
    quiet = refused.size > 0
    if (!quiet) return
    log.warn({ refused: Object.fromEntries(refused) }, `Clients are refused: ${[...refused.keys()].map(reason => REMEDIES[reason]).join('; ')}.`)
    refused.clear()
    setTimeout(write, intervalMs).unref()
  }

  return reason => {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
    if (!quiet) write()
  }
}
