/**
 * What was counted lately, in steps of three widths, each for as long as it is shown:
 * rings of slots. A slot belongs to a step of the wall clock and lies where its number
 * says, so that a restart finds its place again, and a clock that is set back only
 * writes over what it had written. Pure: time is passed in.
 */
import { partsOf, type Counts } from './totals.ts'
import type { HistoryWindow } from './status.ts'

export interface Tier {
  readonly window: HistoryWindow
  readonly stepMs: number
  readonly slots: number
}

export const TIERS: readonly Tier[] = [
  { window: '1h', stepMs: 10_000, slots: 361 },
  { window: '24h', stepMs: 300_000, slots: 289 },
  { window: '14d', stepMs: 1_800_000, slots: 673 }
]

/** One step. Changes while the step runs. */
export interface Slot {
  /** Number of the step since the epoch. */
  readonly step: number
  readonly counts: Counts
  /** Most within the step. */
  pending: number
  oldestSeconds: number
}

export interface Ring {
  readonly tier: Tier
  /** Adds to the step of `at`. */
  add (at: number, counts: ReadonlyMap<string, number>, pending: number, oldestSeconds: number): void
  /** Adds a slot of an earlier run. */
  merge (slot: Slot): void
  /** Of each of the last `count` steps, the one of `at` last; `null` where nothing was recorded. */
  last (at: number, count: number): readonly (Slot | null)[]
  /** Sum over the same steps. Not to be changed. */
  sum (at: number, count: number): ReadonlyMap<string, number>
  /** Slots that were added to since they were last taken. */
  takeChanged (): Slot[]
  /** For slots that were taken in vain. */
  putBack (slots: readonly Slot[]): void
}

/** Labels of one kind that are told apart; further ones are `others`. */
const MAX_LABELS = 500

/** Keeps one copy of each name, and bounds how many there are. */
export function createNames (): (name: string) => string {
  const names = new Map<string, string>()
  const perKind = new Map<string, number>()
  return name => {
    const known = names.get(name)
    if (known !== undefined) return known
    const { kind } = partsOf(name)
    const count = perKind.get(kind) ?? 0
    if (count >= MAX_LABELS) return `${kind} others`
    perKind.set(kind, count + 1)
    names.set(name, name)
    return name
  }
}

export function createRing (tier: Tier, intern: (name: string) => string): Ring {
  const ring = Array.from<Slot | null>({ length: tier.slots }).fill(null)
  const changed = new Set<Slot>()
  /** Sums over steps that have ended, by how many they are; good until one of them changes. */
  const ended = new Map<number, { readonly step: number, readonly counts: Counts }>()

  const stepOf = (at: number): number => Math.floor(at / tier.stepMs)

  function at (step: number): Slot | null {
    const slot = ring[step % tier.slots] ?? null
    return slot?.step === step ? slot : null
  }

  function make (step: number): Slot {
    const slot: Slot = { step, counts: new Map(), pending: 0, oldestSeconds: 0 }
    ring[step % tier.slots] = slot
    return slot
  }

  function add (step: number, counts: ReadonlyMap<string, number>, pending: number, oldestSeconds: number): Slot {
    const slot = at(step) ?? make(step)
    for (const [name, count] of counts) {
      const own = intern(name)
      slot.counts.set(own, (slot.counts.get(own) ?? 0) + count)
    }
    slot.pending = Math.max(slot.pending, pending)
    slot.oldestSeconds = Math.max(slot.oldestSeconds, oldestSeconds)
    for (const [count, sum] of ended) if (sum.step !== step) ended.delete(count)
    return slot
  }

  function last (time: number, count: number): (Slot | null)[] {
    const step = stepOf(time)
    return Array.from({ length: count }, (_, i) => at(step - count + 1 + i))
  }

  return {
    tier,
    add (time, counts, pending, oldestSeconds) { changed.add(add(stepOf(time), counts, pending, oldestSeconds)) },
    merge ({ step, counts, pending, oldestSeconds }) { add(step, counts, pending, oldestSeconds) },
    last,

    sum (time, count) {
      const step = stepOf(time)
      const known = ended.get(count)
      const before = known?.step === step ? known.counts : sumOf(last(time, count).slice(0, -1))
      ended.set(count, { step, counts: before })
      return sumOf([{ counts: before }, at(step)])
    },

    takeChanged () {
      const slots = [...changed]
      changed.clear()
      return slots
    },

    putBack (slots) { for (const slot of slots) if (at(slot.step) === slot) changed.add(slot) }
  }
}

function sumOf (slots: readonly (Pick<Slot, 'counts'> | null)[]): Counts {
  const sum: Counts = new Map()
  for (const slot of slots) {
    for (const [name, count] of slot?.counts ?? []) sum.set(name, (sum.get(name) ?? 0) + count)
  }
  return sum
}
