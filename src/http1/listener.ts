/** A port that clients connect to, and the connections it has open. */
import { createServer, type Server, type Socket } from 'node:net'
import { Roster } from '../roster.ts'
import type { Admission, RefusedConnection } from './admission.ts'
import type { Deadlines } from './deadlines.ts'
import type { Refusals } from './refusals.ts'
import { ServerConnection, type ConnectionTimeouts, type RequestListener } from './server-connection.ts'

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** Several processes listen on the same port, and the kernel shares connections out (SO_REUSEPORT). */
  readonly reusePort: boolean
  readonly timeouts: () => ConnectionTimeouts
  readonly requests: RequestListener
  readonly deadlines: Deadlines
  /** Of all listeners of this process. */
  readonly admission: Admission
  readonly refusals: Refusals
  readonly onRefused: (reason: RefusedConnection) => void
}

/** nginx: listen … backlog=511. */
const BACKLOG = 511

export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server
  readonly #connections = new Roster<ServerConnection>()
  #onEmpty: (() => void) | null = null

  constructor (options: ListenerOptions) {
    this.#options = options
    // Half-open: a client that closed its sending half still gets its answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => { this.#accept(socket) })
  }

  get port (): number { return this.#options.port }
  get connectionCount (): number { return this.#connections.size }

  /** @throws What `net` says: EADDRINUSE, EACCES, … */
  listen (): Promise<void> {
    const { host, port, reusePort } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, reusePort, backlog: BACKLOG }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  /** Accepts nobody any more; idle connections close now, busy ones after their answer. Resolves when none is left. */
  async drain (): Promise<void> {
    this.#server.close()
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size === 0) return
    await new Promise<void>(resolve => { this.#onEmpty = resolve })
  }

  destroy (): void {
    this.#server.close()
    for (const connection of this.#connections) connection.destroy()
  }

  #accept (socket: Socket): void {
    const { port, timeouts, requests, deadlines, admission } = this.#options
    const peer = socket.remoteAddress
    // Gone before it was accepted.
    if (peer === undefined) {
      socket.destroy()
      return
    }
    const refused = admission.refuses(peer)
    if (refused !== null) {
      this.#options.onRefused(refused)
      this.#options.refusals.refuse(socket)
      return
    }
    const connection = new ServerConnection(socket, String(port), timeouts(), requests, deadlines)
    const seat = this.#connections.add(connection)
    const place = admission.enter(connection, peer)
    socket.once('close', () => {
      admission.leave(place)
      this.#connections.remove(seat)
      if (this.#connections.size === 0) this.#onEmpty?.()
    })
  }
}
