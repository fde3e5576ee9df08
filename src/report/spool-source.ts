/** A spool that was opened to read, as the report reads it. */
import type { StoredRow } from '../spool/ledger-row.ts'
import type { UndeliveredCopy } from '../spool/undelivered.ts'
import type { ReportSource } from './collect.ts'

/** The part of a SpoolReader that the report needs. */
export interface ReportReader {
  readLedger (sinceHour: number): Iterable<StoredRow>
  undelivered (): Iterable<UndeliveredCopy>
}

export function createReportSource (reader: ReportReader): ReportSource {
  return {
    readLedger: sinceHour => reader.readLedger(sinceHour),

    * notDelivered ({ sinceMs, project }) {
      for (const copy of reader.undelivered()) {
        if (copy.takenAt >= sinceMs && (project === undefined || copy.project === project)) yield copy
      }
    }
  }
}
