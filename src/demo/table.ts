/** The demo's table as text. Pure; `cli/demo.ts` decides where it is printed. */
import type { Row } from './tally.ts'

/** A row and what the router itself counted for the project. */
export interface TableRow extends Row {
  readonly delivered: number
  readonly skipped: number
}

const COLUMNS: readonly (readonly [heading: string, cell: (row: TableRow) => string])[] = [
  ['project', row => row.project],
  ['mirror', row => row.mirrored ? 'on' : 'off'],
  ['sent', row => String(row.sent)],
  ['answered', row => String(row.answered)],
  ['at relay', row => String(row.atRelay)],
  ['at RUM', row => String(row.atEndpoint)],
  ['delivered', row => String(row.delivered)],
  ['skipped', row => String(row.skipped)]
]

/** One line for the headings, one per project, one for the sums; without line ends. */
export function renderTable (rows: readonly TableRow[]): string[] {
  const lines = [
    COLUMNS.map(([heading]) => heading),
    ...rows.map(row => COLUMNS.map(([, cell]) => cell(row))),
    ['all', '', ...sums(rows)]
  ]
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  return lines.map(line => line
    .map((cell, column) => column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))
    .join('  '))
}

/** The same on one line, for output that is no terminal. */
export function renderLine (rows: readonly TableRow[]): string {
  const [sent, answered, atRelay, atEndpoint, delivered, skipped] = sums(rows)
  return `sent ${sent}, answered ${answered}, at relay ${atRelay}, at RUM ${atEndpoint}, delivered ${delivered}, skipped ${skipped}`
}

function sums (rows: readonly TableRow[]): string[] {
  const sum = (of: (row: TableRow) => number): string => String(rows.reduce((total, row) => total + of(row), 0))
  return [
    sum(row => row.sent), sum(row => row.answered), sum(row => row.atRelay),
    sum(row => row.atEndpoint), sum(row => row.delivered), sum(row => row.skipped)
  ]
}
