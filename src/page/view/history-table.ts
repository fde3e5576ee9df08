/** The numbers behind the plots, a few rows of them: for ears, for browsers without scripts, and to copy. */
import type { History, Series } from '../../status/status.ts'
import { countWords, durationWords, latencyWords } from '../../status/words.ts'
import { html, type Html } from './html.ts'
import { lossCount, table, type Column, type Row } from './parts.ts'
import { timeText, type Clock } from './words.ts'

const ROWS = 12

const COLUMNS: readonly Column[] = [
  { heading: 'From' },
  { heading: 'Requests', number: true },
  { heading: 'Errors', number: true },
  { heading: 'Taken', number: true },
  { heading: 'Delivered', number: true },
  { heading: 'Retried', number: true },
  { heading: 'Dead', number: true },
  { heading: 'Dropped', number: true },
  { heading: 'Most waiting', number: true },
  { heading: 'Oldest', number: true },
  { heading: 'Median', number: true },
  { heading: '99%', number: true }
]

export function renderHistoryTable (history: History | null, clock: Clock): Html {
  if (history === null) return html`<p class="empty">No history is kept.</p>`
  const { step, from, series } = history
  const length = series.accepted.length
  const perRow = Math.max(1, Math.ceil(length / ROWS))
  const rows: Row[] = []
  for (let end = length; end > 0; end -= perRow) rows.push(rowOf(history, Math.max(0, end - perRow), end, from + Math.max(0, end - perRow) * step, clock))
  return table(`Sums of ${durationWords(perRow * step)} each, newest first; of times and of what waited, the highest`, COLUMNS, rows)
}

function rowOf ({ series }: History, begin: number, end: number, at: number, clock: Clock): Row {
  const sum = (values: Series): number => values.slice(begin, end).reduce<number>((all, value) => all + (value ?? 0), 0)
  const all = (named: Readonly<Record<string, Series>>): number => Object.values(named).reduce((total, values) => total + sum(values), 0)
  const highest = (values: Series): number | null => values.slice(begin, end).reduce<number | null>((most, value) => value === null ? most : Math.max(most ?? 0, value), null)
  const oldest = highest(series.oldestSeconds)
  return {
    key: String(at),
    cells: [
      html`<time datetime="${new Date(at).toISOString()}">${timeText(at, clock)}</time>`,
      countWords(all(series.requests)),
      lossCount(all(series.errors)),
      countWords(sum(series.accepted)),
      countWords(sum(series.delivered)),
      countWords(sum(series.retried)),
      lossCount(sum(series.dead)),
      lossCount(sum(series.dropped)),
      countWords(highest(series.pending) ?? 0),
      oldest === null ? '–' : durationWords(oldest * 1000),
      latencyWords(highest(series.p50)),
      latencyWords(highest(series.p99))
    ]
  }
}
