/** The ledger on disk, summed over every life of the program. The router must have ended, or not mind. */
import { LEDGER_FIELDS, type LedgerField } from '../../src/spool/ledger-row.ts'
import { sumRows } from '../../src/spool/ledger-sum.ts'
import { openSpoolReader } from '../../src/spool/spool-reader.ts'

export type LedgerCounts = Readonly<Record<LedgerField, number>>

export async function readLedger (spool: string): Promise<LedgerCounts> {
  const reader = openSpoolReader(spool)
  const { projects, damaged } = sumRows(reader.readLedger(0))
  await reader.close()
  if (damaged > 0) throw new Error(`${damaged} rows of the ledger are damaged`)
  const counts = Object.fromEntries(LEDGER_FIELDS.map(field => [field, 0])) as Record<LedgerField, number>
  for (const tallies of projects.values()) {
    for (const field of LEDGER_FIELDS) {
      for (const { count } of tallies[field].values()) counts[field] += count
    }
  }
  return counts
}
