/** Does it grow? Medians of quarters, and a straight line through all. Pure. */
import { anonymousOf, type Sample } from './samples.ts'

export interface Growth {
  readonly what: string
  /** Medians, in bytes. */
  readonly firstQuarter: number
  readonly lastQuarter: number
  /** What both the last median and the end of the line may be, in bytes. */
  readonly bound: number
  /** Where the straight line through all samples ends, in bytes. */
  readonly fitted: number
  readonly samples: number
}

/** A process that has just started fills its caches and pools. */
const WARM_UP_MS = 60_000
/** Copies that wait take memory by design, up to a bound: samples with more are left out, if enough remain. */
const DRAINED = 200
const FEW = 12
const BOUND_FACTOR = 1.25
const BOUND_BYTES = 48_000_000

/** @param lastKillAt - Of the samples those count that were taken well after it. */
export function growthOf (samples: readonly Sample[], lastKillAt: number): readonly Growth[] {
  const late = samples.filter(({ at }) => at >= lastKillAt + WARM_UP_MS)
  const drained = late.filter(({ pending }) => pending <= DRAINED)
  const counted = drained.length >= FEW ? drained : late
  return [
    grown('memory of the router', counted, anonymousOf),
    grown('its JavaScript heap', counted, ({ heap }) => heap),
    grown('memory of the harness', counted, ({ harness }) => harness)
  ]
}

function grown (what: string, samples: readonly Sample[], measure: (sample: Sample) => number): Growth {
  const values = samples.map(measure)
  const quarter = Math.ceil(values.length / 4)
  const firstQuarter = median(values.slice(0, quarter))
  return {
    what,
    firstQuarter,
    lastQuarter: median(values.slice(-quarter)),
    bound: firstQuarter * BOUND_FACTOR + BOUND_BYTES,
    fitted: endOfLine(samples.map(({ at }) => at), values),
    samples: values.length
  }
}

function median (values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

/** Least squares. */
function endOfLine (xs: readonly number[], ys: readonly number[]): number {
  const meanX = xs.reduce((sum, x) => sum + x, 0) / xs.length
  const meanY = ys.reduce((sum, y) => sum + y, 0) / ys.length
  let covariance = 0
  let variance = 0
  for (const [i, x] of xs.entries()) {
    covariance += (x - meanX) * ((ys[i] ?? 0) - meanY)
    variance += (x - meanX) ** 2
  }
  if (xs.length === 0) return 0
  return variance === 0 ? meanY : meanY + covariance / variance * ((xs.at(-1) ?? 0) - meanX)
}
