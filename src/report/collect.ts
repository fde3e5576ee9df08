/** From a spool to a report: sums the ledger, finds the copies behind the numbers, and renders. */
import { hourOf, HOUR_MS, type StoredRow } from '../spool/ledger-row.ts'
import { createSummer, type LedgerSum } from '../spool/ledger-sum.ts'
import type { UndeliveredCopy } from '../spool/undelivered.ts'
import { nameCopies } from './missing.ts'
import { renderReport, type ReportForm } from './render.ts'
import { createReport, hourReports, type Report } from './report.ts'
import { inSlices } from './slices.ts'

const DAY_MS = 24 * HOUR_MS

/** A spool, as the report reads it. */
export interface ReportSource {
  /** In the table's order, as it is at one moment. */
  readLedger (sinceHour: number): Iterable<StoredRow>
  /** Those dropped, dead and pending, in this order; oldest first. */
  notDelivered (request: Pick<ReportRequest, 'sinceMs' | 'project'>): Iterable<UndeliveredCopy>
}

export interface ReportRequest {
  readonly form: ReportForm
  /** Milliseconds since the epoch; the whole hour counts. */
  readonly sinceMs: number
  readonly project?: string | undefined
}

export interface RenderedReport {
  /** Nothing is missing. */
  readonly complete: boolean
  /** To be read at once, and to the end or given up: the spool is read meanwhile. */
  readonly text: AsyncIterable<string>
}

export async function collectReport (source: ReportSource, { form, sinceMs, project }: ReportRequest, nowMs: number): Promise<RenderedReport> {
  const { sum, report } = await sumReport(source, { sinceMs, project }, nowMs)
  const text = renderReport(form, report, {
    hours: inSlices(hourReports(sum), hour => hour),
    copies: nameCopies(source.notDelivered({ sinceMs: hourOf(sinceMs) * HOUR_MS, project }))
  })
  return { complete: report.complete, text }
}

/** The numbers alone: what they cost does not grow with the copies that are missing. */
async function sumReport (source: Pick<ReportSource, 'readLedger'>, { sinceMs, project }: Pick<ReportRequest, 'sinceMs' | 'project'>, nowMs: number): Promise<{ sum: LedgerSum, report: Report }> {
  const sinceHour = hourOf(sinceMs)
  const summer = createSummer({ sinceHour, ...project !== undefined && { project } })
  const summing = inSlices(source.readLedger(sinceHour), row => { summer.add(row) })
  while ((await summing.next()).done !== true) continue
  const sum = summer.result()
  return { sum, report: createReport(sum, sinceMs, nowMs) }
}

/** For who looks at it again and again. */
export async function reportLastDay (source: Pick<ReportSource, 'readLedger'>, nowMs: number): Promise<Report> {
  return (await sumReport(source, { sinceMs: nowMs - DAY_MS }, nowMs)).report
}
