/** Rows as aligned columns, for a terminal or a pipe. Pure. */
export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string
  /** Numbers stand on the right. */
  readonly right?: boolean
}

/** One line for the headings and one per row, without line ends. */
export function renderTable<Row> (columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const lines = [columns.map(({ heading }) => heading), ...rows.map(row => columns.map(({ cell }) => cell(row)))]
  const widths = columns.map((_, index) => Math.max(...lines.map(line => line[index]?.length ?? 0)))
  return lines.map(line => columns
    .map(({ right }, index) => right === true ? (line[index] ?? '').padStart(widths[index] ?? 0) : (line[index] ?? '').padEnd(widths[index] ?? 0))
    .join('  ')
    .trimEnd())
}
