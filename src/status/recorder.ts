/**
 * Turns counters that only grow into a history of what happened when, and answers
 * `what within the last hour`. Pure: time is passed in, and where the history is kept
 * is another's business (source.ts).
 */
import { createNames, createRing, TIERS, type Ring, type Slot } from './slots.ts'
import { latencyMs, partsOf, type Counts } from './totals.ts'
import type { History, HistoryWindow, ProjectSeries, Series, StatusWindow } from './status.ts'

/** A slot, and which of the rings it is of. */
export interface HistoryRow {
  readonly window: HistoryWindow
  readonly slot: Slot
}

export interface Gauges {
  readonly pending: number
  readonly oldestSeconds: number
}

export interface Recorder {
  /** What all processes have counted by now, since the start. */
  observe (totals: ReadonlyMap<string, number>, gauges: Gauges, at: number): void
  /** Adds what an earlier run has left. Once. */
  load (rows: Iterable<HistoryRow>): void
  /** What was counted within a window; `latency` is the last 5 minutes. */
  sum (window: StatusWindow | 'latency', at: number): ReadonlyMap<string, number>
  history (window: HistoryWindow, at: number): History
  /** What has to be written since the last time. */
  takeChanged (): HistoryRow[]
  putBack (rows: readonly HistoryRow[]): void
}

/** Steps of 10 s, the one now running included. */
const NOW_STEPS = 7
const LATENCY_STEPS = 31
/** Locations and projects that have lines of their own in a history; the others share one. */
const MAX_LINES = 20
/** A difference belongs to the middle of the time it grew in, but not further back than this. */
const MAX_BACK_MS = 5000

export function createRecorder (startedAt: number): Recorder {
  const intern = createNames()
  const rings = new Map(TIERS.map(tier => [tier.window, createRing(tier, intern)]))
  const seen: Counts = new Map()
  let lastAt = startedAt

  function ringOf (window: HistoryWindow): Ring {
    const ring = rings.get(window)
    if (ring === undefined) throw new Error(`there is no history of ${window}`)
    return ring
  }

  /** A total that is less than it was will come again: a process has not told of itself this time. */
  function grown (totals: ReadonlyMap<string, number>): Counts {
    const difference: Counts = new Map()
    for (const [name, total] of totals) {
      const before = seen.get(name) ?? 0
      if (total <= before) continue
      difference.set(name, total - before)
      seen.set(intern(name), total)
    }
    return difference
  }

  return {
    observe (totals, { pending, oldestSeconds }, at) {
      const difference = grown(totals)
      const middle = at - Math.min(Math.max(at - lastAt, 0) / 2, MAX_BACK_MS)
      lastAt = at
      for (const ring of rings.values()) ring.add(middle, difference, pending, oldestSeconds)
    },

    load (rows) {
      for (const { window, slot } of rows) rings.get(window)?.merge(slot)
    },

    sum (window, at) {
      switch (window) {
        case 'now': return ringOf('1h').sum(at, NOW_STEPS)
        case 'latency': return ringOf('1h').sum(at, LATENCY_STEPS)
        default: return ringOf(window).sum(at, ringOf(window).tier.slots)
      }
    },

    history (window, at) {
      const ring = ringOf(window)
      const { stepMs, slots } = ring.tier
      return historyOf(window, stepMs, (Math.floor(at / stepMs) - slots + 1) * stepMs, ring.last(at, slots))
    },

    takeChanged: () => [...rings].flatMap(([window, ring]) => ring.takeChanged().map(slot => ({ window, slot }))),

    putBack (rows) {
      for (const { window, slot } of rows) rings.get(window)?.putBack([slot])
    }
  }
}

function historyOf (window: HistoryWindow, step: number, from: number, slots: readonly (Slot | null)[]): History {
  const lines = createLines(slots)
  const series = (value: (slot: Slot) => number | null): Series => slots.map(slot => slot === null ? null : value(slot))
  const percentile = (quantile: number): Series => series(({ counts }) => latencyMs(counts, quantile))
  const projects = lines.labels(['accepted', 'delivered', 'dead', 'dropped'])
  const routes = lines.labels(['requests'])
  return {
    window,
    step,
    from,
    series: {
      accepted: lines.all('accepted'),
      delivered: lines.all('delivered'),
      dead: lines.all('dead'),
      dropped: lines.all('dropped'),
      retried: series(({ counts }) => counts.get('retried') ?? 0),
      pending: series(({ pending }) => pending),
      oldestSeconds: series(({ oldestSeconds }) => oldestSeconds),
      p50: percentile(0.5),
      p90: percentile(0.9),
      p99: percentile(0.99),
      requests: lines.by('requests', routes),
      errors: lines.by('errors', routes),
      upstreamErrors: lines.by('upstream', lines.labels(['upstream'])),
      projects: projectSeries(projects, label => ({
        accepted: lines.of('accepted', label, projects),
        delivered: lines.of('delivered', label, projects),
        dead: lines.of('dead', label, projects),
        dropped: lines.of('dropped', label, projects)
      }))
    }
  }
}

function projectSeries (projects: readonly string[], of: (label: string) => ProjectSeries): Readonly<Record<string, ProjectSeries>> {
  return Object.fromEntries(projects.map(label => [label, of(label)]))
}

/** The label of the line that all labels without a line of their own share. */
const OTHERS = 'others'

interface Lines {
  /** Labels that get lines: those with the highest counts of these kinds, and `others` where there are more. */
  labels (kinds: readonly string[]): readonly string[]
  of (kind: string, label: string, labels: readonly string[]): Series
  by (kind: string, labels: readonly string[]): Readonly<Record<string, Series>>
  all (kind: string): Series
}

function createLines (slots: readonly (Slot | null)[]): Lines {
  /** By kind, of each slot the counts by label. */
  const kinds = new Map<string, Map<string, number>[]>()
  for (const [i, slot] of slots.entries()) {
    for (const [name, count] of slot?.counts ?? []) {
      const { kind, label } = partsOf(name)
      const perSlot = kinds.get(kind) ?? slots.map(() => new Map<string, number>())
      kinds.set(kind, perSlot)
      perSlot[i]?.set(label, count)
    }
  }

  function of (kind: string, label: string, labels: readonly string[]): Series {
    const own = new Set(labels)
    const perSlot = kinds.get(kind)
    return slots.map((slot, i) => {
      if (slot === null) return null
      const counts = perSlot?.[i]
      if (label !== OTHERS) return counts?.get(label) ?? 0
      let sum = 0
      for (const [other, count] of counts ?? []) if (other === OTHERS || !own.has(other)) sum += count
      return sum
    })
  }

  return {
    of,
    by: (kind, labels) => Object.fromEntries(labels.map(label => [label, of(kind, label, labels)])),
    all: kind => of(kind, OTHERS, []),

    labels (wanted) {
      const sums = new Map<string, number>()
      for (const kind of wanted) {
        for (const counts of kinds.get(kind) ?? []) {
          for (const [label, count] of counts) sums.set(label, (sums.get(label) ?? 0) + count)
        }
      }
      const hadOthers = sums.delete(OTHERS)
      const labels = [...sums].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).map(([label]) => label)
      return hadOthers || labels.length > MAX_LINES ? [...labels.slice(0, MAX_LINES), OTHERS] : labels
    }
  }
}
