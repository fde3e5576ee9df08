/**
 * The servers of an upstream: which one is next, which rests after a failure.
 * nginx: upstream, round robin, keepalive.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ServerAddress, UpstreamConfig } from '../config/config.ts'
import { ConnectionPool, type ConnectionCounts } from '../http1/connection-pool.ts'
import type { Deadlines } from '../http1/deadlines.ts'
import { dialTcp } from '../http1/dial.ts'
import type { UpstreamErrorReason } from './ports.ts'

/** nginx: fail_timeout. A server that failed is passed over for this long while there is another. */
const REST_MS = 10_000

/** What a person wants to know of an upstream. */
export interface UpstreamStatus {
  readonly name: string
  readonly servers: readonly ServerStatus[]
}

export interface ServerStatus {
  readonly address: string
  /** When it last answered, and when it last failed and of what, in milliseconds since the epoch; `null` when it has not. */
  readonly answeredAt: number | null
  readonly failedAt: number | null
  readonly failure: UpstreamErrorReason | null
  readonly connections: ConnectionCounts
}

export class UpstreamServer {
  readonly pool: ConnectionPool
  readonly #address: string
  #answeredAt: number | null = null
  #failedAt: number | null = null
  #failure: UpstreamErrorReason | null = null
  /** On the clock of `performance.now()`. */
  restsUntil = 0

  constructor ({ host, port }: ServerAddress, config: UpstreamConfig, deadlines: Deadlines) {
    this.#address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    this.pool = new ConnectionPool(dialTcp({ host, port, connectTimeoutMs: config.connectTimeoutMs }), config, deadlines)
  }

  answered (): void {
    this.#answeredAt = Date.now()
  }

  failed (reason: UpstreamErrorReason): void {
    this.#failedAt = Date.now()
    this.#failure = reason
  }

  status (): ServerStatus {
    return { address: this.#address, answeredAt: this.#answeredAt, failedAt: this.#failedAt, failure: this.#failure, connections: this.pool.counts() }
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

  status (): UpstreamStatus {
    return { name: this.config.name, servers: this.#servers.map(server => server.status()) }
  }

  /** Whether any connection is open. */
  get isOpen (): boolean { return this.#servers.some(({ pool }) => pool.counts().open > 0) }

  /** Idle connections close now, and those of requests that are under way, or come still, once these are done. */
  drain (): void {
    for (const { pool } of this.#servers) pool.drain()
  }

  destroy (): void {
    for (const { pool } of this.#servers) pool.destroy()
  }
}

/**
 * One per name of the configuration.
 *
 * @param previous - Those in force before: whose configuration is the same stays, with
 *   its connections and what it knows of its servers.
 */
export function createUpstreams (configs: Readonly<Record<string, UpstreamConfig>>, deadlines: Deadlines, previous?: ReadonlyMap<string, Upstream>): ReadonlyMap<string, Upstream> {
  return new Map(Object.values(configs).map(config => {
    const before = previous?.get(config.name)
    return [config.name, before !== undefined && isDeepStrictEqual(before.config, config) ? before : new Upstream(config, deadlines)]
  }))
}
