/**
 * Connections that are not served: each gets one answer, at once, and a moment to
 * read it. What it sends meanwhile is read and forgotten, for a connection that is
 * closed over unread bytes is reset, and the answer lost with it.
 */
import type { Socket } from 'node:net'
import type { Deadlines, Timed } from './deadlines.ts'

/** How long a refused client may take to read its answer and leave. */
const LEAVE_MS = 1_000
/** They hold descriptors; in a flood of more, the others are reset without an answer. */
export const MOST_REFUSED_AT_ONCE = 64

export class Refusals {
  readonly #answer: string
  readonly #deadlines: Deadlines
  readonly #leaving = new Set<Timed>()

  /** @param answer - A whole response, latin1. */
  constructor (answer: string, deadlines: Deadlines) {
    this.#answer = answer
    this.#deadlines = deadlines
  }

  refuse (socket: Socket): void {
    // A 'close' follows every 'error'.
    socket.on('error', () => {})
    if (this.#leaving.size >= MOST_REFUSED_AT_ONCE) {
      socket.resetAndDestroy()
      return
    }
    const timed: Timed = { deadline: performance.now() + LEAVE_MS, onDeadline: () => { socket.destroy() } }
    this.#leaving.add(timed)
    const seat = this.#deadlines.add(timed)
    socket.once('close', () => {
      this.#leaving.delete(timed)
      this.#deadlines.remove(seat)
    })
    socket.end(this.#answer, 'latin1')
    socket.resume()
  }
}
