/** The completeness report of the last 24 hours: what Sentry received, and where it is. */
import type { Counts, Numbers } from '../../report/report.ts'
import { countWords, ratioWords } from '../../status/words.ts'
import { html, type Html, type HtmlValue } from './html.ts'
import { lossCount, section, table, type Column } from './parts.ts'
import type { PageState } from './state.ts'
import { time } from './words.ts'

const COLUMNS: readonly Column[] = [
  { heading: 'Project' },
  { heading: 'Received', number: true },
  { heading: 'Sentry took', number: true },
  { heading: 'Skipped', number: true },
  { heading: 'Copied', number: true },
  { heading: 'Delivered', number: true },
  { heading: 'Waiting', number: true },
  { heading: 'Dead', number: true },
  { heading: 'Dropped', number: true },
  { heading: 'Complete', number: true },
  { heading: 'Verdict', wide: true }
]

export function renderCompleteness ({ report, clock }: PageState): Html {
  const links = html`<a href="/report.md?since=24h">report.md</a> <a href="/report.csv?since=24h">report.csv</a> <a href="/report.json?since=24h">report.json</a>`
  if (report === null) return section({ id: 'completeness', title: 'Completeness' }, html`<p class="empty">No report: nothing is mirrored, or the spool cannot be read.</p>`)
  const { projects, totals, since, generatedAt, complete, damagedRows } = report
  return section({ id: 'completeness', title: 'Completeness', aside: links }, projects.length === 0
    ? html`<p class="empty">Nothing was received in the last 24 hours.</p>`
    : html`${table('Requests on mirrored routes, by the hour they were taken in', COLUMNS,
      projects.map(project => ({ key: project.project, cells: [project.project, ...cellsOf(project), project.verdict] })),
      { key: ' all', cells: ['All projects', ...cellsOf(totals), complete ? 'complete' : `${countWords(totals.missing)} missing`] })}
${damagedRows > 0 && html`<p class="fault">${countWords(damagedRows)} rows of the ledger cannot be read: the numbers are too small by what they counted.</p>`}
<p class="muted">Since ${time(Date.parse(since), clock)}, as of ${time(Date.parse(generatedAt), clock)}.</p>`)
}

function cellsOf (numbers: Numbers): readonly HtmlValue[] {
  return [
    countWords(numbers.received),
    countWords(numbers.answeredOk),
    countWords(total(numbers.skipped)),
    countWords(numbers.accepted),
    countWords(numbers.delivered),
    countWords(numbers.pending),
    lossCount(total(numbers.dead)),
    lossCount(total(numbers.dropped)),
    ratioWords(numbers.completeness)
  ]
}

function total (counts: Counts): number {
  return Object.values(counts).reduce((sum, number) => sum + number, 0)
}
