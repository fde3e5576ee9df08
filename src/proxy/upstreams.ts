/**
 * The servers of an upstream: which one is next, which rests after a failure, and
 * the idle connections of each. nginx: upstream, round robin, keepalive.
 */
import type { ServerAddress, UpstreamConfig } from '../config/config.ts'
import type { Deadlines } from '../http1/deadlines.ts'
import { UpstreamConnection, type ConnectionOwner } from '../http1/upstream-connection.ts'

/** nginx: fail_timeout. A server that failed is passed over for this long while there is another. */
const REST_MS = 10_000

export class UpstreamServer implements ConnectionOwner {
  readonly address: ServerAddress
  /** On the clock of `performance.now()`. */
  restsUntil = 0
  readonly #config: UpstreamConfig
  readonly #deadlines: Deadlines
  /** Last in, first out: the busiest few stay warm, the others time out. */
  readonly #idle: UpstreamConnection[] = []
  readonly #open = new Set<UpstreamConnection>()
  #closing = false

  constructor (address: ServerAddress, config: UpstreamConfig, deadlines: Deadlines) {
    this.address = address
    this.#config = config
    this.#deadlines = deadlines
  }

  /** A connection to send one request on. @param fresh - Not a pooled one: the pooled one just died. */
  acquire (fresh: boolean): UpstreamConnection {
    const pooled = fresh ? null : this.#takeIdle()
    if (pooled !== null) return pooled
    const connection = new UpstreamConnection(this.address.host, this.address.port, this.#config, this.#deadlines, this)
    this.#open.add(connection)
    return connection
  }

  #takeIdle (): UpstreamConnection | null {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.idle) return connection
    }
    return null
  }

  onIdle (connection: UpstreamConnection): void {
    if (this.#closing) connection.destroy()
    else this.#idle.push(connection)
  }

  onClosed (connection: UpstreamConnection): void {
    this.#open.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  /** Idle connections close now, busy ones after their response. */
  drain (): void {
    this.#closing = true
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  destroy (): void {
    this.drain()
    for (const connection of this.#open) connection.destroy()
  }
}

export class Upstream {
  readonly config: UpstreamConfig
  readonly #servers: readonly UpstreamServer[]
  #next = 0

  constructor (config: UpstreamConfig, deadlines: Deadlines) {
    this.config = config
    this.#servers = config.servers.map(address => new UpstreamServer(address, config, deadlines))
  }

  get serverCount (): number { return this.#servers.length }

  /**
   * The server for the next try.
   *
   * @param tried - Servers this request has been sent to; none is asked twice.
   * @returns `null` when all have been tried. One that rests is taken if there is no other: an attempt beats a certain 502.
   */
  pick (tried: readonly UpstreamServer[]): UpstreamServer | null {
    const count = this.#servers.length
    const now = performance.now()
    let resting: UpstreamServer | null = null
    for (let i = 0; i < count; i++) {
      const at = (this.#next + i) % count
      const server = this.#servers[at] as UpstreamServer
      if (tried.includes(server)) continue
      if (server.restsUntil <= now) {
        this.#next = (at + 1) % count
        return server
      }
      if (resting === null || server.restsUntil < resting.restsUntil) resting = server
    }
    return resting
  }

  /** A single server never rests: there is nobody to rest for. */
  rest (server: UpstreamServer): void {
    if (this.#servers.length > 1) server.restsUntil = performance.now() + REST_MS
  }

  drain (): void {
    for (const server of this.#servers) server.drain()
  }

  destroy (): void {
    for (const server of this.#servers) server.destroy()
  }
}

/** One per name of the configuration. */
export function createUpstreams (configs: Readonly<Record<string, UpstreamConfig>>, deadlines: Deadlines): ReadonlyMap<string, Upstream> {
  return new Map(Object.values(configs).map(config => [config.name, new Upstream(config, deadlines)]))
}
