/**
 * Which worker delivers which partition of the spool. A copy belongs to the
 * partition of the process that took it, and each partition to one living process,
 * so that no copy is sent by two on purpose. Pure bookkeeping; the supervisor acts on it.
 */
export class Partitions<Owner> {
  readonly #owners = new Map<number, Owner | null>()

  /** @param found - Partitions that the spool holds copies of, from earlier runs. */
  constructor (found: readonly number[]) {
    this.found(found)
  }

  /** Those that are not known yet lie idle. */
  found (partitions: readonly number[]): void {
    for (const partition of partitions) if (!this.#owners.has(partition)) this.#owners.set(partition, null)
  }

  /** The partition that a new process appends to: one that nobody delivers yet. */
  assign (owner: Owner): number {
    let partition = 1
    while (this.#owners.has(partition)) partition++
    this.#owners.set(partition, owner)
    return partition
  }

  /** Everything `owner` had lies idle from now on. */
  abandon (owner: Owner): void {
    for (const [partition, current] of this.#owners) {
      if (current === owner) this.#owners.set(partition, null)
    }
  }

  /** Hands what lies idle to the living, shared out in turn. @returns What each has to take over; empty when nobody lives. */
  shareOut (living: readonly Owner[]): ReadonlyMap<Owner, readonly number[]> {
    const shares = new Map<Owner, number[]>()
    if (living.length === 0) return shares
    let turn = 0
    for (const [partition, current] of this.#owners) {
      if (current !== null) continue
      const owner = living[turn++ % living.length] as Owner
      this.#owners.set(partition, owner)
      const share = shares.get(owner)
      if (share === undefined) shares.set(owner, [partition])
      else share.push(partition)
    }
    return shares
  }
}
