/**
 * How fast a backlog may go out: as fast as the endpoint takes it, as long as the event
 * loop has time left. Clients are answered on the same thread, and a loop that is busy
 * all the time makes each of them wait. Additive increase, multiplicative decrease, like
 * the width. Pure but for `utilization`.
 */
export interface Pace {
  /** How many copies of the backlog may begin now; at least 0. */
  room (now: number): number
  /** They have begun. */
  took (count: number): void
}

/** Share of its time that the loop may be busy while a backlog goes out. */
const BUSY = 0.7
const LOOK_EVERY_MS = 50
const SLOWER = 0.8
const FASTER_PER_MS = 0.25
/** Clients that keep the loop busy by themselves do not stop a backlog altogether. Copies per ms. */
const SLOWEST_PER_MS = 0.5
/** What cannot be reached is no bound. */
const FASTEST_PER_MS = 50
/** What was not taken is kept for so long, and no longer. */
const KEPT_MS = 10

/** @param utilization - Share of the time since it was last asked that the event loop was busy, 0 to 1. */
export function createPace (utilization: () => number): Pace {
  let perMs = Infinity
  let room = 0
  let filledAt = 0
  let lookedAt = 0
  let taken = 0

  function look (now: number, ms: number): void {
    const busy = utilization()
    lookedAt = now
    // After a pause it speaks of the pause.
    if (ms < 4 * LOOK_EVERY_MS) {
      if (busy > BUSY) perMs = Math.max(Math.min(perMs, taken / ms) * SLOWER, SLOWEST_PER_MS)
      else if (perMs !== Infinity) perMs = perMs + FASTER_PER_MS > FASTEST_PER_MS ? Infinity : perMs + FASTER_PER_MS
    }
    taken = 0
  }

  return {
    room (now) {
      const ms = now - lookedAt
      if (ms >= LOOK_EVERY_MS || ms < 0) look(now, ms)
      if (perMs === Infinity) return Infinity
      room = Math.min(room + Math.max(now - filledAt, 0) * perMs, KEPT_MS * perMs)
      filledAt = now
      return Math.floor(room)
    },

    took (count) {
      taken += count
      room = Math.max(room - count, 0)
    }
  }
}
