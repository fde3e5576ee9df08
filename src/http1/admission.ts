/**
 * Who may connect when there are as many connections as there may be: the newcomer,
 * if another connection can be spared for it. First one that is idle, as nginx does
 * it (ngx_drain_connections), then one whose client sends or takes next to nothing.
 * So neither ten thousand idle connections nor ten thousand slow ones keep an
 * ordinary client out.
 */
import { Roster, type Seat } from '../roster.ts'

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

/** What a connection holds while it is open. */
export interface Place {
  readonly connection: Occupant
  /** Counted under it; `null`: not by address. */
  readonly key: string | null
  /** `null` once it has left. */
  seat: Seat<Place> | null
  neighbourly: Seat<Place> | null
}

export class Admission {
  readonly #options: AdmissionOptions
  readonly #open = new Roster<Place>()
  readonly #byKey = new Map<string, Roster<Place>>()
  /** Places looked at so far. */
  #looked = 0

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

  enter (connection: Occupant, peer: string): Place {
    const place: Place = { connection, key: this.#keyOf(peer), seat: null, neighbourly: null }
    place.seat = this.#open.add(place)
    if (place.key === null) return place
    let neighbours = this.#byKey.get(place.key)
    if (neighbours === undefined) this.#byKey.set(place.key, neighbours = new Roster())
    place.neighbourly = neighbours.add(place)
    return place
  }

  /** Safe to call twice. */
  leave (place: Place): void {
    const { seat, key, neighbourly } = place
    if (seat === null) return
    this.#open.remove(seat)
    place.seat = null
    if (key === null || neighbourly === null) return
    const neighbours = this.#byKey.get(key)
    neighbours?.remove(neighbourly)
    if (neighbours?.size === 0) this.#byKey.delete(key)
  }

  /** Without a limit nothing is counted by address. */
  #keyOf (peer: string): string | null {
    return this.#options.limits().maxConnectionsPerAddress === Infinity ? null : this.#options.addressKey(peer)
  }

  #reclaim (places: Roster<Place>): boolean {
    const now = performance.now()
    let idlest: Place | null = null
    let slowest: Place | null = null
    let idleMs = IDLE_GRACE_MS
    let slowMs = SLOW_GRACE_MS
    for (let left = Math.min(places.size, MOST_LOOKED_AT); left > 0; left--) {
      const place = places.at(this.#looked++ % places.size)
      const idle = place.connection.idleMs(now)
      const slow = place.connection.slowMs(now)
      if (idle >= idleMs) {
        idlest = place
        idleMs = idle
      } else if (slow >= slowMs) {
        slowest = place
        slowMs = slow
      }
    }
    const spared = idlest ?? slowest
    if (spared === null) return false
    this.leave(spared)
    spared.connection.giveWay()
    this.#options.onReclaimed(idlest === null ? 'slow' : 'idle')
    return true
  }
}
