/**
 * Metrics as plain numbers: a counter is a tree of maps, one level per label, so that
 * counting on the hot path builds no string. What is scraped is made from them then.
 */
import type { MetricSpec } from './metrics-table.ts'

/** One metric of a snapshot; the form prom-client aggregates and prints. Structured-cloneable. */
export interface SnapshotMetric {
  readonly name: string
  readonly help: string
  readonly type: MetricSpec['type']
  readonly aggregator: MetricSpec['aggregator']
  readonly values: readonly SnapshotValue[]
}

export interface SnapshotValue {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Differs from the metric's name in histograms. */
  readonly metricName: string
}

interface Series<T> {
  readonly labels: Readonly<Record<string, string>>
  readonly state: T
}

interface Family<T> {
  /** The series of these label values, in the order of the table; made when it is new. */
  series (a?: string, b?: string, c?: string): T
  all (): readonly Series<T>[]
}

type Level<T> = Map<string, Level<T> | Series<T>>

function createFamily<T> (labels: readonly string[], create: () => T): Family<T> {
  const root: Level<T> = new Map()
  const all: Series<T>[] = []

  function grow (level: Level<T>, values: readonly string[]): T {
    let at = level
    for (const value of values.slice(0, -1)) {
      const next = at.get(value) as Level<T> | undefined ?? new Map<string, Level<T> | Series<T>>()
      at.set(value, next)
      at = next
    }
    const series = { labels: labelled(labels, values), state: create() }
    at.set(values.at(-1) ?? '', series)
    all.push(series)
    return series.state
  }

  return {
    series (a = '', b = '', c = '') {
      const count = labels.length
      let node: Level<T> | Series<T> | undefined = root.get(a)
      if (count > 1) node = (node as Level<T> | undefined)?.get(b)
      if (count > 2) node = (node as Level<T> | undefined)?.get(c)
      if (node !== undefined) return (node as Series<T>).state
      return grow(root, [a, b, c].slice(0, Math.max(count, 1)))
    },
    all: () => all
  }
}

export interface Counter {
  /** Adds one, or makes the series at 0. */
  increment (a?: string, b?: string, c?: string): void
  add (count: number, a?: string, b?: string, c?: string): void
  declare (a?: string, b?: string, c?: string): void
  snapshot (): SnapshotMetric
}

export function createCounter (spec: MetricSpec): Counter {
  const family = createFamily(spec.labels, () => ({ value: 0 }))
  if (spec.labels.length === 0) family.series()
  return {
    increment (a, b, c) { family.series(a, b, c).value++ },
    add (count, a, b, c) { family.series(a, b, c).value += count },
    declare (a, b, c) { family.series(a, b, c) },
    snapshot: () => toSnapshot(spec, family.all().map(({ labels, state }) => ({ labels, value: state.value, metricName: spec.name })))
  }
}

export interface Histogram {
  observe (seconds: number, label?: string): void
  declare (label?: string): void
  snapshot (): SnapshotMetric
}

export function createHistogram (spec: MetricSpec & { readonly buckets: readonly number[] }): Histogram {
  const { buckets, name } = spec
  /** Counts per bucket, not cumulative; the last one is above every bound. */
  const family = createFamily(spec.labels, () => ({ counts: new Float64Array(buckets.length + 1), sum: 0 }))
  if (spec.labels.length === 0) family.series()
  return {
    observe (seconds, label) {
      const state = family.series(label)
      let index = 0
      while (index < buckets.length && seconds > (buckets[index] as number)) index++
      state.counts[index] = (state.counts[index] as number) + 1
      state.sum += seconds
    },
    declare (label) { family.series(label) },
    snapshot: () => toSnapshot(spec, family.all().flatMap(({ labels, state }) => {
      let total = 0
      const values: SnapshotValue[] = []
      state.counts.forEach((count, index) => {
        total += count
        values.push({ labels: { ...labels, le: String(buckets[index] ?? '+Inf') }, value: total, metricName: `${name}_bucket` })
      })
      values.push({ labels, value: state.sum, metricName: `${name}_sum` }, { labels, value: total, metricName: `${name}_count` })
      return values
    }))
  }
}

/** A metric that is read when it is scraped. */
export function sampled (spec: MetricSpec, value: number): SnapshotMetric {
  return toSnapshot(spec, [{ labels: {}, value, metricName: spec.name }])
}

/** The same with labels: their values in the order of the table, each with the value of its series. */
export function sampledBy (spec: MetricSpec, series: readonly (readonly [labels: readonly string[], value: number])[]): SnapshotMetric {
  return toSnapshot(spec, series.map(([labels, value]) => ({ labels: labelled(spec.labels, labels), value, metricName: spec.name })))
}

function labelled (names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
}

function toSnapshot (spec: MetricSpec, values: readonly SnapshotValue[]): SnapshotMetric {
  return { name: spec.name, help: spec.help, type: spec.type, aggregator: spec.aggregator, values }
}
