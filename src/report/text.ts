/** The report for people: as text for a terminal, and as Markdown for a ticket. Pure. */
import type { MissingCopy } from './missing.ts'
import { total, type Numbers, type Report } from './report.ts'
import { grouped, lackingOf, percentOf } from './verdict.ts'

/** Copies listed at most; the whole list is in JSON and CSV. */
export const LISTED = 20

type Row = readonly string[]

const NUMBERS: readonly (readonly [heading: string, cell: (numbers: Numbers) => string])[] = [
  ['received', numbers => grouped(numbers.received)],
  ['2xx', numbers => grouped(numbers.answeredOk)],
  ['other', numbers => grouped(total(numbers.answeredOther))],
  ['skipped', numbers => grouped(total(numbers.skipped))],
  ['copied', numbers => grouped(numbers.accepted)],
  ['delivered', numbers => grouped(numbers.delivered)],
  ['waiting', numbers => grouped(numbers.pending)],
  ['dead', numbers => grouped(total(numbers.dead))],
  ['dropped', numbers => grouped(total(numbers.dropped))],
  ['bytes', numbers => grouped(numbers.acceptedBytes)],
  ['delivered ÷ copied', numbers => percentOf(numbers.completeness)]
]

/** @param copies - The first of those not delivered, up to `LISTED`. */
export function renderText (report: Report, copies: readonly MissingCopy[]): string {
  const sections = [headline(report)]
  if (report.projects.length > 0) {
    sections.push(align(numbersTable(report), 1))
    sections.push(align(report.projects.map(({ project, verdict }) => [project, verdict]), 2))
  }
  const lacking = lackingRows(report)
  if (lacking.length > 0) sections.push(`Taken by Relay, lacking in RUM\n${align(lacking, 2)}`)
  if (copies.length > 0) {
    sections.push(`Copies not delivered\n${align(missingTable(copies), 6)}${rest(report, copies)}`)
  }
  return `${sections.join('\n\n')}\n`
}

/** @param copies - The first of those not delivered, up to `LISTED`. */
export function renderMarkdown (report: Report, copies: readonly MissingCopy[]): string {
  const sections = [headline(report)]
  if (report.projects.length > 0) {
    sections.push(markdownTable(numbersTable(report), 1))
    sections.push(markdownTable([['project', 'verdict'], ...report.projects.map(({ project, verdict }) => [project, verdict])], 2))
  }
  const lacking = lackingRows(report)
  if (lacking.length > 0) sections.push('**Taken by Relay, lacking in RUM**', markdownTable([['project', 'requests'], ...lacking], 2))
  if (copies.length > 0) {
    sections.push('**Copies not delivered**', `${markdownTable(missingTable(copies), 6)}${rest(report, copies)}`)
  }
  return `${sections.join('\n\n')}\n`
}

function headline ({ complete, since, generatedAt, totals, projects, damagedRows }: Report): string {
  const window = `Copies taken from ${minute(since)} to ${minute(generatedAt)} UTC`
  const damage = damagedRows === 0 ? '' : ` ${grouped(damagedRows)} rows of the ledger cannot be read: the numbers are too small.`
  if (projects.length === 0) return `${window}: nothing was counted.${damage}`
  const verdict = totals.missing === 0 ? 'none is missing' : `${grouped(totals.missing)} of ${grouped(totals.accepted)} missing`
  return `${window}: ${complete ? 'complete' : verdict}.${damage}`
}

function numbersTable ({ projects, totals }: Report): Row[] {
  const cells = (numbers: Numbers): string[] => NUMBERS.map(([, cell]) => cell(numbers))
  return [
    ['project', ...NUMBERS.map(([heading]) => heading)],
    ...projects.map(project => [project.project, ...cells(project)]),
    ['all', ...cells(totals)]
  ]
}

function lackingRows ({ projects }: Report): Row[] {
  return projects.map(project => [project.project, lackingOf(project)] as const).filter(([, lacking]) => lacking !== '')
}

function missingTable (copies: readonly MissingCopy[]): Row[] {
  return [
    ['project', 'event id', 'request id', 'state', 'reason', 'taken'],
    ...copies.map(copy => [copy.project, copy.eventId ?? '–', copy.requestId, stateOf(copy), copy.reason, copy.takenAt])
  ]
}

function stateOf ({ state }: MissingCopy): string {
  return state === 'pending' ? 'waiting' : state
}

function rest ({ totals }: Report, copies: readonly MissingCopy[]): string {
  const more = totals.missing - copies.length
  return more <= 0 ? '' : `\n\nand ${grouped(more)} more: --json and --csv list all that are known`
}

function minute (iso: string): string {
  return iso.replace('T', ' ').replace(/:\d\d\.\d+Z$/, '')
}

/** @param texts - The first columns stand left, the others, numbers, right. */
function align (rows: readonly Row[], texts: number): string {
  const shown = rows.map(row => row.map(printable))
  const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map(row => row[column]?.length ?? 0)))
  return shown.map(row => row
    .map((cell, column) => column < texts ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))
    .join('  ').trimEnd()).join('\n')
}

function markdownTable ([headings = [], ...rows]: readonly Row[], texts: number): string {
  const line = (cells: Row): string => `| ${cells.map(cell => printable(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headings), line(headings.map((_, column) => column < texts ? '---' : '---:')), ...rows.map(line)].join('\n')
}

/** An event id is what a client sent: it must not steer a terminal. */
function printable (text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
