/**
 * Delivery, through reloads. One that changes where copies go, or how, gets a delivery
 * and an endpoint of its own over the same spool, at once; the one before claims
 * nothing more, gives back what it holds, and finishes its attempts beside it. A copy
 * belongs to whoever claimed it, so none is sent by both.
 */
import { isDeepStrictEqual } from 'node:util'
import type { MirrorConfig } from '../config/config.ts'
import type { ConnectionCounts } from '../http1/connection-pool.ts'
import type { Delivery, DeliveryStatus } from './delivery.ts'
import type { Endpoint } from './endpoint.ts'

/** A delivery and the endpoint that it alone sends to. */
export interface Line {
  readonly delivery: Delivery
  readonly endpoint: Pick<Endpoint, 'abort' | 'close' | 'connections'>
}

export interface Deliveries {
  start (): void
  /** Delivers by this configuration from now on. Unchanged parts keep what they know of the endpoint. */
  use (mirror: MirrorConfig): void
  /** Of the one in force. */
  status (): DeliveryStatus & { readonly connections: ConnectionCounts }
  /** As `Delivery.close`, of all there are. */
  close (options: { deadlineMs: number }): Promise<void>
}

/** Attempts under way at a reload; what takes longer is cut, and sent again by the next delivery. */
const LEAVE_MS = 30_000

/** @param create - Makes a line; it is started and closed here. */
export function createDeliveries (mirror: MirrorConfig, create: (mirror: MirrorConfig) => Line): Deliveries {
  let inForce = mirror
  let current = create(mirror)
  let started = false
  /** Those of earlier configurations that are not done yet. */
  const leaving = new Map<Line, Promise<void>>()

  async function leave ({ delivery, endpoint }: Line, deadlineMs: number): Promise<void> {
    await delivery.close({ deadlineMs })
    endpoint.close()
  }

  return {
    start () {
      started = true
      current.delivery.start()
    },

    use (next) {
      const old = current
      const isSame = isDeepStrictEqual(deliveryOf(inForce), deliveryOf(next))
      inForce = next
      if (isSame) return
      current = create(next)
      // First, so that what the old one gives back is noticed.
      if (started) current.delivery.start()
      leaving.set(old, leave(old, LEAVE_MS).finally(() => { leaving.delete(old) }))
    },

    status: () => ({ ...current.delivery.status(), connections: current.endpoint.connections() }),

    async close ({ deadlineMs }) {
      const deadline = setTimeout(() => {
        for (const { endpoint } of leaving.keys()) endpoint.abort()
      }, deadlineMs)
      await Promise.all([leave(current, deadlineMs), ...leaving.values()])
      clearTimeout(deadline)
    }
  }
}

/** The part of the mirror's configuration that delivery lives by; the other decides what is copied. */
function deliveryOf (mirror: MirrorConfig): unknown[] {
  const { endpoint, host, ca, connectTimeoutMs, sendTimeoutMs, readTimeoutMs, concurrency, retry } = mirror
  return [endpoint.href, host, ca, connectTimeoutMs, sendTimeoutMs, readTimeoutMs, concurrency, retry]
}
