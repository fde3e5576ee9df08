/**
 * Who may connect when there are as many connections as there may be: the newcomer,
 * if another connection can be spared for it. First one that is idle, as nginx does
 * it (ngx_drain_connections), then one whose client sends or takes next to nothing.
 * So neither ten thousand idle connections nor ten thousand slow ones keep an
 * ordinary client out.
 */

/** A connection, as far as its place is concerned. Times are on the clock of `performance.now()`. */
export interface Occupant {
  /** How long nobody has had a use for it; 0 while somebody has. */
  idleMs (now: number): number
  /** How long the router has waited for its client, if that is slower than any ordinary one; else 0. */
  slowMs (now: number): number
  /** Ends it: its place is given to another. */
  giveWay (): void
}

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Infinity: no limit. */
  readonly maxConnectionsPerAddress: number
}

export type RefusedConnection = 'connections' | 'connections_per_address'
export type Reclaimed = 'idle' | 'slow'

export interface AdmissionOptions {
  readonly limits: () => ConnectionLimits
  /** What the connections of a peer are counted under; `null`: it speaks for many, and is not counted. */
  readonly addressKey: (peer: string) => string | null
  readonly onReclaimed: (state: Reclaimed) => void
}

/** A client that just connected, or just had its answer, is about to ask. */
const IDLE_GRACE_MS = 1_000
/** Ordinary clients are done within it, or faster than this. Kestrel: MinRequestBodyDataRate. */
const SLOW_GRACE_MS = 5_000
/** Each newcomer looks at others than the one before: what is to be spared is found soon, at a bounded cost. */
const MOST_LOOKED_AT = 64

export class Admission {
  readonly #options: AdmissionOptions
  readonly #open = new Set<Occupant>()
  readonly #keys = new Map<Occupant, string>()
  readonly #byKey = new Map<string, Set<Occupant>>()

  constructor (options: AdmissionOptions) {
    this.#options = options
  }

  get open (): number { return this.#open.size }

  /**
   * Whether a connection of this peer is refused; to make room for it another may be ended.
   *
   * @returns Why, or `null`.
   */
  refuses (peer: string): RefusedConnection | null {
    const { maxConnections, maxConnectionsPerAddress } = this.#options.limits()
    const neighbours = this.#byKey.get(this.#keyOf(peer) ?? '')
    if (neighbours !== undefined && neighbours.size >= maxConnectionsPerAddress && !this.#reclaim(neighbours)) return 'connections_per_address'
    if (this.#open.size >= maxConnections && !this.#reclaim(this.#open)) return 'connections'
    return null
  }

  enter (connection: Occupant, peer: string): void {
    this.#open.add(connection)
    const key = this.#keyOf(peer)
    if (key === null) return
    this.#keys.set(connection, key)
    const neighbours = this.#byKey.get(key)
    if (neighbours === undefined) this.#byKey.set(key, new Set([connection]))
    else neighbours.add(connection)
  }

  /** Safe to call twice. */
  leave (connection: Occupant): void {
    this.#open.delete(connection)
    const key = this.#keys.get(connection)
    if (key === undefined) return
    this.#keys.delete(connection)
    const neighbours = this.#byKey.get(key)
    neighbours?.delete(connection)
    if (neighbours?.size === 0) this.#byKey.delete(key)
  }

  /** Without a limit nothing is counted by address. */
  #keyOf (peer: string): string | null {
    return this.#options.limits().maxConnectionsPerAddress === Infinity ? null : this.#options.addressKey(peer)
  }

  #reclaim (connections: Set<Occupant>): boolean {
    const now = performance.now()
    let idlest: Occupant | null = null
    let slowest: Occupant | null = null
    let idleMs = IDLE_GRACE_MS
    let slowMs = SLOW_GRACE_MS
    let left = Math.min(connections.size, MOST_LOOKED_AT)
    for (const connection of connections) {
      if (left-- === 0) break
      // To the end: the next newcomer looks at others.
      connections.delete(connection)
      connections.add(connection)
      const idle = connection.idleMs(now)
      const slow = connection.slowMs(now)
      if (idle >= idleMs) {
        idlest = connection
        idleMs = idle
      } else if (slow >= slowMs) {
        slowest = connection
        slowMs = slow
      }
    }
    const spared = idlest ?? slowest
    if (spared === null) return false
    this.leave(spared)
    spared.giveWay()
    this.#options.onReclaimed(idlest === null ? 'slow' : 'idle')
    return true
  }
}
