/** Randomness that can be repeated: the plan of a run comes from its seed, the moment a process really dies does not. */
export interface Random {
  /** Whole number of at least `from` and at most `to`. */
  readonly between: (from: number, to: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <Item>(items: readonly [Item, ...Item[]]) => Item
  /** Fills `bytes`, and returns it. */
  readonly fill: (bytes: Buffer) => Buffer
}

/** The generator mulberry32. @param seed - 32 bits of it count. */
export function createRandom (seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const unit = (): number => next() / 2 ** 32

  return {
    between: (from, to) => from + Math.floor(unit() * (to - from + 1)),
    chance: probability => unit() < probability,
    pick: items => items[Math.floor(unit() * items.length)] ?? items[0],
    fill: bytes => {
      for (let i = 0; i + 4 <= bytes.length; i += 4) bytes.writeUInt32LE(next(), i)
      return bytes
    }
  }
}
