/**
 * One timer for all connections. Each keeps its deadline as a number and changes it
 * for nothing; a sweep five times a second finds those that have passed. A timer
 * per connection and state would cost more than the states themselves.
 */
import { Roster, type Seat } from '../roster.ts'

const SWEEP_INTERVAL_MS = 200

export interface Timed {
  /** On the clock of `performance.now()`; Infinity when nothing is waited for. */
  deadline: number
  onDeadline (): void
}

export class Deadlines {
  readonly #timed = new Roster<Timed>()
  #timer: NodeJS.Timeout | null = null

  add (timed: Timed): Seat<Timed> {
    this.#timer ??= setInterval(() => { this.#sweep() }, SWEEP_INTERVAL_MS).unref()
    return this.#timed.add(timed)
  }

  /** Once. @param seat - From `add`. */
  remove (seat: Seat<Timed>): void {
    this.#timed.remove(seat)
    if (this.#timed.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer)
      this.#timer = null
    }
  }

  #sweep (): void {
    const now = performance.now()
    for (const timed of this.#timed) {
      if (timed.deadline <= now) {
        timed.deadline = Infinity
        timed.onDeadline()
      }
    }
  }
}
