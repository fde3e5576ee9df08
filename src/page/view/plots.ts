/** What is plotted, from which numbers; how it is drawn is the browser's affair (browser/plots.ts). */
import type { History, Series } from '../../status/status.ts'
import { countWords, latencyWords } from '../../status/words.ts'
import { html, type Html } from './html.ts'

export type Unit = 'per_minute' | 'copies' | 'ms'

/** Which of the palette's series it looks like; dashes tell them apart without colours. */
export type Look = 1 | 2 | 3 | 4 | 5 | 6

export interface PlotSeries {
  readonly label: string
  readonly look: Look
  /** In the plot's unit. */
  readonly values: Series
}

export interface Plot {
  readonly id: string
  readonly title: string
  readonly unit: Unit
  /** For values that differ by orders of magnitude. */
  readonly logarithmic: boolean
  readonly series: (history: History) => readonly PlotSeries[]
}

export const DASHES: Readonly<Record<Look, readonly number[]>> = { 1: [], 2: [8, 4], 3: [2, 3], 4: [10, 3, 2, 3], 5: [], 6: [5, 5] }

/** In the order in which a plot with lines of no fixed meaning takes them. */
const LOOKS: readonly Look[] = [1, 2, 5, 4, 3, 6]
const OTHERS = 'others'
const MINUTE_MS = 60_000

const UNIT_WORDS: Readonly<Record<Unit, string>> = { per_minute: 'per minute', copies: 'copies', ms: '' }

export const PLOTS: readonly Plot[] = [
  plot('copies', 'Taken and delivered', 'per_minute', history => [
    { label: 'delivered', look: 1, values: perMinute(history, history.series.delivered) },
    { label: 'taken', look: 6, values: perMinute(history, history.series.accepted) }
  ]),
  plot('failures', 'Retried, dead, dropped', 'per_minute', history => [
    { label: 'retried', look: 2, values: perMinute(history, history.series.retried) },
    { label: 'dead', look: 3, values: perMinute(history, history.series.dead) },
    { label: 'dropped', look: 4, values: perMinute(history, history.series.dropped) }
  ]),
  plot('backlog', 'Backlog', 'copies', history => [{ label: 'waiting', look: 1, values: history.series.pending }]),
  plot('age', 'Oldest copy waiting', 'ms', history => [
    { label: 'oldest', look: 2, values: history.series.oldestSeconds.map(seconds => seconds === null ? null : seconds * 1000) }
  ]),
  plot('latency', 'Delivered after', 'ms', history => [
    { label: '50%', look: 5, values: history.series.p50 },
    { label: '90%', look: 2, values: history.series.p90 },
    { label: '99%', look: 3, values: history.series.p99 }
  ], true),
  plot('requests', 'Requests by route', 'per_minute', history => byName(history, history.series.requests, history.series.requests)),
  plot('errors', 'Errors (5xx) by route', 'per_minute', history => byName(history, history.series.errors, history.series.requests)),
  plot('upstream-errors', 'Errors of upstreams', 'per_minute', history => byName(history, history.series.upstreamErrors, history.series.upstreamErrors))
]

function plot (id: string, title: string, unit: Unit, series: Plot['series'], logarithmic = false): Plot {
  return { id, title, unit, logarithmic, series }
}

/** The step now running is left out: its counts still grow, and would look like a fall. */
function perMinute ({ step }: History, counts: Series): Series {
  return counts.map((value, at) => value === null || at === counts.length - 1 ? null : value * MINUTE_MS / step)
}

/** The busiest by themselves, the rest together; ranked by one table, so that a name looks the same in several plots. */
function byName (history: History, values: Readonly<Record<string, Series>>, ranking: Readonly<Record<string, Series>>): PlotSeries[] {
  const names = Object.keys(values).sort((a, b) => sum(ranking[b]) - sum(ranking[a]))
  const alone = names.length <= LOOKS.length ? names : names.slice(0, LOOKS.length - 1)
  const together = names.slice(alone.length)
  const series = alone.map((label, at): PlotSeries => ({ label, look: LOOKS[at] ?? 6, values: perMinute(history, values[label] ?? []) }))
  if (together.length === 0) return series
  return [...series, { label: OTHERS, look: 6, values: perMinute(history, addUp(together.map(name => values[name] ?? []))) }]
}

function addUp (several: readonly Series[]): Series {
  const longest = Math.max(...several.map(series => series.length))
  return Array.from({ length: longest }, (_, at) => several.reduce<number | null>((all, series) => {
    const value = series[at] ?? null
    return value === null ? all : (all ?? 0) + value
  }, null))
}

function sum (series: Series = []): number {
  return series.reduce<number>((all, value) => all + (value ?? 0), 0)
}

/** A value as the legend and the axis say it. */
export function unitText (unit: Unit, value: number): string {
  if (unit === 'ms') return value === 0 ? '0' : latencyWords(value)
  return value > 0 && value < 10 && !Number.isInteger(value) ? value.toFixed(value < 0.1 ? 2 : 1) : countWords(value)
}

/** Empty frames, for scripts to draw in. */
export function renderPlotFrames (): Html {
  return html`<div class="plots scripted">${PLOTS.map(({ id, title, unit }) => html`<figure class="plot" id="plot-${id}">
<figcaption><h3>${title}</h3> <span class="unit">${UNIT_WORDS[unit]}</span></figcaption>
<div class="canvas" role="img" aria-label="${title} over time; the table below has the numbers"></div>
<ul class="legend"></ul>
</figure>`)}</div>`
}

/** @param at - The step that is looked at; `null` shows the newest that is known. */
export function renderLegend ({ unit }: Plot, series: readonly PlotSeries[], at: number | null): Html {
  if (series.length === 0) return html`<li class="muted">none so far</li>`
  return html`${series.map(({ label, look, values }) => {
    const value = at === null ? values.findLast(value => value !== null) ?? null : values[at] ?? null
    return html`<li class="series-${look}"><svg class="swatch" viewBox="0 0 18 8" aria-hidden="true"><line x1="0" y1="4" x2="18" y2="4" stroke-dasharray="${DASHES[look].join(' ')}"/></svg>
<span>${label}</span> <span class="value">${value === null ? '–' : unitText(unit, value)}</span></li>`
  })}`
}
