/**
 * The report as one CSV table (RFC 4180): a record per project, one for all of them,
 * and one per copy that was not delivered. The first column says which it is.
 */
import { total, type MissingCopy, type Numbers, type Report } from './report.ts'

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

export function renderCsv ({ projects, totals, notDelivered }: Report): string {
  const noCopy = COPIES.map(() => '')
  const noNumbers = NUMBERS.map(() => '')
  const cells = (numbers: Numbers): string[] => NUMBERS.map(([, cell]) => String(cell(numbers)))
  const records = [
    ['record', 'project', ...NUMBERS.map(([heading]) => heading), 'verdict', ...COPIES.map(([heading]) => heading)],
    ...projects.map(project => ['project', project.project, ...cells(project), project.verdict, ...noCopy]),
    ['all', '', ...cells(totals), '', ...noCopy],
    ...notDelivered.map(copy => ['copy', copy.project, ...noNumbers, '', ...COPIES.map(([, cell]) => cell(copy))])
  ]
  return records.map(record => `${record.map(quoted).join(',')}\r\n`).join('')
}

function quoted (cell: string): string {
  // A spreadsheet would run what begins so; an event id is what a client sent.
  const safe = /^[=+\-@]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
