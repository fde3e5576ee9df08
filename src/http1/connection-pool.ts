/** Connections to one server, those in use and those that wait for the next request. No upper bound: whoever acquires bounds. */
import { ClientConnection, type ClientTimeouts, type ConnectionOwner } from './client-connection.ts'
import type { Deadlines } from './deadlines.ts'
import type { Dial } from './dial.ts'

export interface ConnectionCounts {
  /** Idle ones included. */
  readonly open: number
  readonly idle: number
}

export class ConnectionPool implements ConnectionOwner {
  readonly #dial: Dial
  readonly #timeouts: ClientTimeouts
  readonly #deadlines: Deadlines
  /** Last in, first out: the busiest few stay warm, the others time out. */
  readonly #idle: ClientConnection[] = []
  readonly #open = new Set<ClientConnection>()
  #draining = false

  constructor (dial: Dial, timeouts: ClientTimeouts, deadlines: Deadlines) {
    this.#dial = dial
    this.#timeouts = timeouts
    this.#deadlines = deadlines
  }

  counts (): ConnectionCounts {
    return { open: this.#open.size, idle: this.#idle.length }
  }

  /** A connection to send one request on. @param fresh - Not a waiting one: the waiting one just died. */
  acquire (fresh: boolean): ClientConnection {
    const waiting = fresh ? null : this.#takeIdle()
    if (waiting !== null) return waiting
    const connection = new ClientConnection(this.#dial, this.#timeouts, this.#deadlines, this)
    this.#open.add(connection)
    return connection
  }

  #takeIdle (): ClientConnection | null {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.idle) return connection
    }
    return null
  }

  onIdle (connection: ClientConnection): void {
    if (this.#draining) connection.destroy()
    else this.#idle.push(connection)
  }

  onClosed (connection: ClientConnection): void {
    this.#open.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  /** Waiting connections close now, busy ones after their response. */
  drain (): void {
    this.#draining = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  destroy (): void {
    this.drain()
    for (const connection of this.#open) connection.destroy()
  }
}
