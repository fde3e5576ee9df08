/**
 * Is the endpoint down? It is once several copies, one after the other and without a
 * success between them, could not be delivered: one copy that always fails is no
 * outage, and a single failure delays nobody but its copy.
 *
 * While it is down the next probe waits for a backoff of its own. Two log lines per
 * outage, none per copy.
 */
import type { Logger } from 'pino'
import type { RetryConfig } from '../config/config.ts'
import { backoffDelay } from './retry-policy.ts'

/** Different copies that must have failed in a row. */
const DOWN_AFTER = 8
/** Probes are cheap, and an endpoint that is back should be known to be soon. */
const MAX_PROBE_DELAY_MS = 2000

export interface HealthOptions {
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly retry: Pick<RetryConfig, 'initialMs' | 'maxMs'>
  readonly now: () => number
  readonly random: () => number
  /** Copies in the spool, for the log. */
  readonly pending: () => number
}

export interface Health {
  isDown (): boolean
  /** Milliseconds since the epoch; 0 while the endpoint is up. */
  nextProbeAt (): number
  succeeded (): void
  /** @param underWay - Attempts still running: those that began before the outage are no probes. */
  failed (copyId: string, code: string, underWay: number): void
}

export function createHealth (options: HealthOptions): Health {
  const { log, retry, now, random } = options
  const failing = new Set<string>()
  let downSince: number | null = null
  let probes = 0
  let probeAt = 0

  return {
    isDown: () => downSince !== null,
    nextProbeAt: () => probeAt,

    succeeded () {
      failing.clear()
      if (downSince === null) return
      log.info({ downMs: now() - downSince, probes, pending: options.pending() }, 'the endpoint is back')
      downSince = null
      probes = 0
      probeAt = 0
    },

    failed (copyId, code, underWay) {
      if (downSince === null) {
        failing.add(copyId)
        if (failing.size < DOWN_AFTER) return
        downSince = now()
        log.warn({ code, failures: failing.size, pending: options.pending() }, 'the endpoint is down; copies wait in the spool')
      }
      if (underWay > 0) return
      probes++
      probeAt = now() + backoffDelay(probes, { initialMs: retry.initialMs, maxMs: Math.min(retry.maxMs, MAX_PROBE_DELAY_MS), random })
    }
  }
}
