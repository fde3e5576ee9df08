/** Which fault comes when: drawn from the seed, so that a run's plan can be repeated. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../crash/random.ts'
import type { Fault } from './faults.ts'
import type { Windows } from './windows.ts'

/** Milliseconds, as ranges. */
export interface Pace {
  readonly pauseMs: readonly [from: number, to: number]
  readonly lastsMs: readonly [from: number, to: number]
}

/** A short run must see as many kinds of faults as a long one. */
export function paceOf (minutes: number): Pace {
  return minutes < 3 ? { pauseMs: [200, 900], lastsMs: [500, 1_500] } : { pauseMs: [2_000, 12_000], lastsMs: [1_000, 12_000] }
}

export interface TrackOptions {
  readonly faults: readonly Fault[]
  readonly random: Random
  readonly pace: Pace
  readonly windows: Windows
  /** Milliseconds since the start of the run. */
  readonly now: () => number
  /** From then on no process is ended, so that what grows can be seen. */
  readonly lastKillAt: number
  /** Of the kills of the whole router, one in so many. */
  readonly routerKillIn: number
  readonly log: (line: string) => void
}

/** One fault after the other until the signal; resolves when the last is over. */
export async function runTrack ({ faults, random, pace, windows, now, lastKillAt, routerKillIn, log }: TrackOptions, signal: AbortSignal): Promise<void> {
  let deck: Fault[] = []
  while (!signal.aborted) {
    await sleep(random.between(...pace.pauseMs), null, { signal }).catch(() => {})
    if (signal.aborted) break
    if (deck.length === 0) deck = shuffled(faults, random)
    const fault = deck.pop()
    if (fault === undefined) break
    const lastsMs = random.between(...pace.lastsMs)
    if (fault.ends !== undefined && now() > lastKillAt) continue
    if (fault.ends === 'router' && !random.chance(1 / routerKillIn)) continue

    const at = now()
    const end = windows.begin(fault.name, fault.troubles)
    const says = await fault.inflict(lastsMs)
    end()
    log(`${(at / 1_000).toFixed(1).padStart(8)} s  ${fault.name}, ${((now() - at) / 1_000).toFixed(1)} s${says === null ? '' : `: ${says}`}`)
  }
}

/** Every kind comes once before one comes again. */
function shuffled<Item> (items: readonly Item[], random: Random): Item[] {
  const deck = [...items]
  for (let i = deck.length - 1; i > 0; i--) {
    const j = random.between(0, i)
    const item = deck[i] as Item
    deck[i] = deck[j] as Item
    deck[j] = item
  }
  return deck
}
