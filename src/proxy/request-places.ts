/**
 * How many requests may be under way, and to whom: those whose bodies are complete, for
 * a client that sends slowly holds a connection and no more. None waits for a place.
 *
 * Where there are several upstreams, a quarter of the places is out of reach for each:
 * one that hangs cannot take all of them, so that what goes elsewhere is served on.
 */
const SHARE = 3 / 4
/** Of upstreams that are no more: looked for once there are so many. */
const SPARE_NAMES = 64

export class RequestPlaces {
  readonly #most: () => number
  readonly #byUpstream = new Map<string, number>()
  #taken = 0

  /** @param most - Asked each time: a reload may change it. */
  constructor (most: () => number) {
    this.#most = most
  }

  /**
   * @param upstream - Empty for requests that need none.
   * @param upstreams - How many there are.
   * @returns Whether there is a place; it is then taken.
   */
  take (upstream: string, upstreams: number): boolean {
    if (!this.isFree(upstream, upstreams)) return false
    this.#taken++
    this.#byUpstream.set(upstream, (this.#byUpstream.get(upstream) ?? 0) + 1)
    // Names go with reloads.
    if (this.#byUpstream.size > upstreams + SPARE_NAMES) this.#forgetIdle()
    return true
  }

  /** The same question; nothing is taken. */
  isFree (upstream: string, upstreams: number): boolean {
    const most = this.#most()
    const own = this.#byUpstream.get(upstream) ?? 0
    return this.#taken < most && (upstreams === 1 || own < Math.max(Math.floor(most * SHARE), 1))
  }

  give (upstream: string): void {
    this.#taken--
    this.#byUpstream.set(upstream, (this.#byUpstream.get(upstream) ?? 1) - 1)
  }

  #forgetIdle (): void {
    for (const [upstream, taken] of this.#byUpstream) if (taken === 0) this.#byUpstream.delete(upstream)
  }
}
