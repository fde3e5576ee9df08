/**
 * The report as one CSV table (RFC 4180): a record per project, one for all of them,
 * and one per copy that was not delivered. The first column says which it is.
 */
import type { MissingCopy } from './missing.ts'
import { total, type Numbers, type Report } from './report.ts'

const NUMBERS: readonly (readonly [heading: string, cell: (numbers: Numbers) => number | string])[] = [
  ['received', numbers => numbers.received],
  ['answered_ok', numbers => numbers.answeredOk],
  ['answered_other', numbers => total(numbers.answeredOther)],
  ['skipped', numbers => total(numbers.skipped)],
  ['accepted', numbers => numbers.accepted],
  ['delivered', numbers => numbers.delivered],
  ['pending', numbers => numbers.pending],
  ['dead', numbers => total(numbers.dead)],
  ['dropped', numbers => total(numbers.dropped)],
  ['missing', numbers => numbers.missing],
  ['accepted_bytes', numbers => numbers.acceptedBytes],
  ['delivered_bytes', numbers => numbers.deliveredBytes],
  ['completeness', numbers => numbers.completeness ?? '']
]

const COPIES: readonly (readonly [heading: string, cell: (copy: MissingCopy) => string])[] = [
  ['event_id', copy => copy.eventId ?? ''],
  ['request_id', copy => copy.requestId],
  ['state', copy => copy.state],
  ['reason', copy => copy.reason],
  ['taken_at', copy => copy.takenAt]
]

const NO_COPY = COPIES.map(() => '')
const NO_NUMBERS = NUMBERS.map(() => '')

export async function * renderCsv ({ projects, totals }: Report, copies: AsyncIterable<readonly MissingCopy[]>): AsyncGenerator<string> {
  yield csv([
    ['record', 'project', ...NUMBERS.map(([heading]) => heading), 'verdict', ...COPIES.map(([heading]) => heading)],
    ...projects.map(project => ['project', project.project, ...cellsOf(project), project.verdict, ...NO_COPY]),
    ['all', '', ...cellsOf(totals), '', ...NO_COPY]
  ])
  for await (const part of copies) {
    yield csv(part.map(copy => ['copy', copy.project].concat(NO_NUMBERS, '', COPIES.map(([, cell]) => cell(copy)))))
  }
}

function cellsOf (numbers: Numbers): string[] {
  return NUMBERS.map(([, cell]) => String(cell(numbers)))
}

function csv (records: readonly (readonly string[])[]): string {
  return records.map(record => `${record.map(quoted).join(',')}\r\n`).join('')
}

function quoted (cell: string): string {
  // A spreadsheet would run what begins so; an event id is what a client sent.
  const safe = /^[=+\-@]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
