/**
 * Counters as the history keeps them: one flat list of names, so that a difference, a
 * sum and a record on disk are one loop each. Pure.
 *
 *   accepted 1 · delivered 1 · dead 1 · dropped 1     copies, by project
 *   drops spool_full                                  the same drops, by reason
 *   requests LOCATION · errors LOCATION               answered requests, and those of 500 and above
 *   upstream NAME                                     failed attempts to forward
 *   retried                                           failed attempts to deliver that are made again
 *   le 0.5                                            deliveries, by upper bound of their seconds (not cumulative)
 */
import type { SnapshotMetric } from '../admin/families.ts'
import { METRICS } from '../admin/metrics-table.ts'

/** By name; those that are 0 may be missing. */
export type Counts = Map<string, number>

/** A kind and what it is counted for, as one name. */
export function nameOf (kind: string, label: string): string {
  return `${kind} ${label}`
}

/** The kind and the label of a name; the label may hold spaces. */
export function partsOf (name: string): { readonly kind: string, readonly label: string } {
  const at = name.indexOf(' ')
  return at === -1 ? { kind: name, label: '' } : { kind: name.slice(0, at), label: name.slice(at + 1) }
}

/** @param snapshot - Summed over all processes, those that ended included. */
export function totalsOf (snapshot: readonly SnapshotMetric[]): Counts {
  const totals: Counts = new Map()
  const add = (name: string, value: number): void => { totals.set(name, (totals.get(name) ?? 0) + value) }
  const each = (spec: { readonly name: string }, take: (labels: Readonly<Record<string, string>>, value: number) => void): void => {
    for (const metric of snapshot) {
      if (metric.name === spec.name) for (const { labels, value } of metric.values) take(labels, value)
    }
  }

  let retried = 0
  each(METRICS.attempts, (_labels, value) => { retried += value })
  each(METRICS.accepted, ({ project = '' }, value) => { add(nameOf('accepted', project), value) })
  each(METRICS.delivered, ({ project = '' }, value) => {
    add(nameOf('delivered', project), value)
    retried -= value
  })
  each(METRICS.dead, ({ project = '', reason = '' }, value) => {
    add(nameOf('dead', project), value)
    // A status: it was an attempt that ended so. The others ended without one.
    if (/^\d/.test(reason)) retried -= value
  })
  each(METRICS.dropped, ({ project = '', reason = '' }, value) => {
    add(nameOf('dropped', project), value)
    add(nameOf('drops', reason), value)
  })
  each(METRICS.requests, ({ route = '', code = '' }, value) => {
    add(nameOf('requests', route), value)
    if (Number(code) >= 500) add(nameOf('errors', route), value)
  })
  each(METRICS.upstreamErrors, ({ upstream = '' }, value) => { add(nameOf('upstream', upstream), value) })
  for (const metric of snapshot) if (metric.name === METRICS.deliveryDuration.name) addBuckets(metric, totals)
  totals.set('retried', Math.max(retried, 0))
  return totals
}

/** Prometheus' buckets hold all that is below their bound; ours what is between two. */
function addBuckets ({ name, values }: SnapshotMetric, totals: Counts): void {
  const bounds = values
    .filter(({ metricName, labels }) => metricName === `${name}_bucket` && labels['le'] !== undefined)
    .map(({ labels, value }) => ({ le: labels['le'] ?? '', value }))
    .sort((a, b) => boundOf(a.le) - boundOf(b.le))
  let below = 0
  for (const { le, value } of bounds) {
    totals.set(nameOf('le', le), Math.max(value - below, 0))
    below = value
  }
}

function boundOf (le: string): number {
  return le === '+Inf' ? Infinity : Number(le)
}

/**
 * What a quantile of the deliveries took, in milliseconds: as far into the bucket as it
 * is among the bucket's deliveries. Above the last bound, the last bound.
 *
 * @param quantile - From 0 to 1.
 * @returns `null` when nothing was delivered.
 */
export function latencyMs (counts: ReadonlyMap<string, number>, quantile: number): number | null {
  const bounds = METRICS.deliveryDuration.buckets
  const perBucket = [...bounds, Infinity].map(bound => counts.get(nameOf('le', bound === Infinity ? '+Inf' : String(bound))) ?? 0)
  const total = perBucket.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  const rank = quantile * total
  let before = 0
  for (const [i, count] of perBucket.entries()) {
    const upper = bounds[i]
    if (upper === undefined) break
    if (count > 0 && before + count >= rank) {
      const lower = bounds[i - 1] ?? 0
      return Math.round((lower + (upper - lower) * (rank - before) / count) * 10_000) / 10
    }
    before += count
  }
  return (bounds.at(-1) ?? 0) * 1000
}
