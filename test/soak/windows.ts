/**
 * When which fault was there. A failure that a client saw, or a copy that arrived twice,
 * is excused by a fault at the same time that can have caused it, and by nothing else.
 */

/** What is troubled while a fault lasts, and shortly after. */
export type Trouble =
  /** Requests that go to Relay may fail. */
  | 'relay'
  /** Requests that go to the Sentry UI may fail. */
  | 'ui'
  /** A process ends: any request may fail, what was under way is unknown to everybody. */
  | 'process'
  /** Deliveries fail, are late, or wait. */
  | 'endpoint'
  /** An answer that the endpoint has written may not be read: a copy may arrive twice. */
  | 'answers'
  /** The router is slower than it is; nobody fails. */
  | 'slow'

export interface FaultWindow {
  readonly fault: string
  readonly troubles: readonly Trouble[]
  /** Milliseconds since the start of the run. */
  readonly from: number
  /** `Infinity` while it lasts. */
  to: number
}

export interface Windows {
  readonly all: readonly FaultWindow[]
  /** @returns Ends it. */
  readonly begin: (fault: string, troubles: readonly Trouble[]) => () => void
  /** Whether one of these troubles was there at some moment of an interval. */
  readonly excuse: (troubles: readonly Trouble[], from: number, to: number) => boolean
}

/** What a fault did shows later than it: a connection that it broke is noticed with the next request. */
const AFTERMATH_MS = 300

/** @param now - Milliseconds since the start of the run. */
export function createWindows (now: () => number): Windows {
  const all: FaultWindow[] = []
  return {
    all,
    begin (fault, troubles) {
      const window: FaultWindow = { fault, troubles, from: now(), to: Infinity }
      all.push(window)
      return () => { window.to = Math.min(window.to, now()) }
    },
    excuse: (troubles, from, to) => all.some(window =>
      window.from <= to && window.to + AFTERMATH_MS >= from && window.troubles.some(trouble => troubles.includes(trouble)))
  }
}
