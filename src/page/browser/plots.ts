/** Draws the plots with uPlot, in the colours in force, as wide as there is room. */
import uPlot from 'uplot'
import type { History } from '../../status/status.ts'
import { DASHES, PLOTS, renderLegend, unitText, type Plot, type PlotSeries } from '../view/plots.ts'
import { byId, updateContent } from './dom.ts'

interface Drawn {
  readonly chart: uPlot
  /** What the chart was built for; another one is needed when it changes. */
  readonly shape: string
}

export interface Plots {
  show (history: History): void
}

const CANVAS_HEIGHT = 150
const FONT = '12px system-ui, sans-serif'

export function createPlots (): Plots {
  const dark = window.matchMedia('(prefers-color-scheme: dark)')
  const drawn = new Map<string, Drawn>()
  const sync = uPlot.sync('history')
  let shown: History | null = null

  function show (history: History): void {
    shown = history
    for (const plot of PLOTS) draw(plot, plot.series(history), history)
  }

  function draw (plot: Plot, series: readonly PlotSeries[], history: History): void {
    const figure = byId(`plot-${plot.id}`)
    const frame = figure.querySelector<HTMLElement>('.canvas')
    const legend = figure.querySelector('.legend')
    if (frame === null || legend === null) return
    const data = dataOf(series, history)
    const shape = JSON.stringify([dark.matches, history.window, series.map(({ label }) => label)])
    const before = drawn.get(plot.id)
    const showLegend = (at: number | null): void => { updateContent(legend, renderLegend(plot, seriesNow(plot), at)) }

    if (before?.shape === shape) {
      before.chart.setData(data)
    } else {
      before?.chart.destroy()
      drawn.set(plot.id, { shape, chart: new uPlot(optionsOf(plot, series, frame.clientWidth, showLegend), data, frame) })
    }
    const chart = drawn.get(plot.id)?.chart
    showLegend(chart?.cursor.idx ?? null)
  }

  function seriesNow (plot: Plot): readonly PlotSeries[] {
    return shown === null ? [] : plot.series(shown)
  }

  function optionsOf (plot: Plot, series: readonly PlotSeries[], width: number, onCursor: (at: number | null) => void): uPlot.Options {
    const axis: uPlot.Axis = { stroke: colour('--muted'), font: FONT, grid: { stroke: colour('--grid'), width: 1 }, ticks: { show: false } }
    return {
      width,
      height: CANVAS_HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: sync.key }, points: { size: 6 } },
      padding: [8, 8, 0, 0],
      scales: { y: plot.logarithmic ? { distr: 3, range: logarithmicRange } : { range: (_chart, _min, max) => [0, Math.max(max * 1.1 || 0, LEAST_TOP[plot.unit])] } },
      axes: [
        { ...axis, space: 60, size: 28, values: (_chart, splits) => axisTimes(splits) },
        {
          ...axis,
          size: 62,
          space: 32,
          ...plot.logarithmic && { splits: powersOfTen },
          incrs: plot.unit === 'ms' ? TIME_STEPS : [0.1, 0.2, 0.5, ...[0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap(power => [1, 2, 5].map(step => step * 10 ** power))],
          values: (_chart, splits) => splits.map(value => value === null ? null : unitText(plot.unit, value))
        }
      ],
      series: [{}, ...series.map(({ label, look }): uPlot.Series => ({
        label,
        stroke: colour(`--series-${look}`),
        width: 2,
        dash: [...DASHES[look]],
        ...look === 1 && { fill: `${colour('--series-1')}22` },
        points: { show: false, filter: alone }
      }))],
      hooks: { setCursor: [chart => { onCursor(chart.cursor.idx ?? null) }] }
    }
  }

  function redraw (): void {
    if (shown !== null) show(shown)
  }

  dark.addEventListener('change', redraw)
  new ResizeObserver(() => {
    for (const [id, { chart }] of drawn) {
      const width = byId(`plot-${id}`).clientWidth
      if (width > 0 && width !== chart.width) chart.setSize({ width, height: CANVAS_HEIGHT })
    }
  }).observe(byId('history'))

  return { show }
}

/** Of the axis, so that nothing happening does not look like much, in halves of a copy. */
const LEAST_TOP = { per_minute: 4, copies: 4, ms: 1000 } as const

/** As the style sheet has it for the palette in force. */
function colour (name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

const SECOND_MS = 1000
const TIME_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, ...[1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400].map(seconds => seconds * SECOND_MS)
]

/** From a power of ten below the lowest to one above the highest. */
function logarithmicRange (_chart: uPlot, min: number | null, max: number | null): [number, number] {
  const low = min === null || min <= 0 ? 1 : min
  const high = max === null || max <= low ? low * 10 : max
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high))]
}

/** Of a series, the values with nothing known beside them: no line goes through them. */
function alone (chart: uPlot, index: number): number[] | null {
  const values = chart.data[index] ?? []
  const found = [...values.keys()].filter(at => (values[at] ?? null) !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null)
  return found.length === 0 ? null : found
}

function powersOfTen (_chart: uPlot, _axis: number, min: number, max: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(min)), Math.floor(Math.log10(max))]
  // Two lines of text need some room.
  const every = last - first > 3 ? 2 : 1
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, at) => 10 ** (first + at * every))
}

function dataOf (series: readonly PlotSeries[], { from, step, series: { accepted } }: History): uPlot.AlignedData {
  // uPlot reckons in seconds.
  const times = accepted.map((_, at) => (from + at * step) / 1000)
  return [times, ...series.map(({ values }) => [...values])]
}

/** Dates where the day changes, or where a step is one. */
function axisTimes (splits: readonly number[]): string[] {
  const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
  const byDay = (splits[1] ?? 0) - (splits[0] ?? 0) >= 86_400
  return splits.map(seconds => {
    const text = clock.format(seconds * 1000)
    return byDay || text === '00:00' ? day.format(seconds * 1000) : text
  })
}
