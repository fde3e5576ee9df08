/**
 * How many copies may be under way at once: additive increase, multiplicative
 * decrease, as TCP finds its rate (RFC 5681). Pure: every moment is passed in.
 *
 * An endpoint that is strained (a timeout, 429, 503) halves the width, once per round
 * trip: attempts that began before the last decrease speak of the old width. It grows
 * by one per width of served attempts, and only while it is used up: a width that
 * nobody filled proves nothing.
 */
export interface Width {
  /** Whole number, at least 1. */
  current (): number
  /** As many are under way as may be. */
  filled (now: number): void
  /** The endpoint answered an attempt, whatever it thinks of the copy. */
  served (startedAt: number): void
  /** The endpoint gave an attempt to understand that it has too much to do. */
  strained (startedAt: number, now: number): void
  /** After an outage the backlog goes out as at the start, not with the width of before. */
  restart (now: number): void
}

/** The width before anything is known of the endpoint. */
export const START_WIDTH = 8

/** @param max - `mirror.concurrency`; at least 1. */
export function createWidth (max: number): Width {
  let width = Math.min(START_WIDTH, max)
  let served = 0
  let filledAt = -Infinity
  let decreasedAt = -Infinity

  function decrease (to: number, now: number): void {
    width = to
    served = 0
    decreasedAt = now
  }

  return {
    current: () => width,

    filled (now) { filledAt = now },

    served (startedAt) {
      if (width === max || startedAt > filledAt || startedAt < decreasedAt) return
      served++
      if (served < width) return
      width++
      served = 0
    },

    strained (startedAt, now) {
      if (startedAt > decreasedAt) decrease(Math.max(Math.floor(width / 2), 1), now)
    },

    restart (now) { decrease(Math.min(width, START_WIDTH), now) }
  }
}
