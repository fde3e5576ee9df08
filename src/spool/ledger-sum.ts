/**
 * Sums over the rows of the ledger, and how it is kept small. Pure.
 *
 * A row whose hour of writing has ended two days ago is no process's any more: such
 * rows of one hour and project are merged into one, with an empty writer. Rows older
 * than 90 days are removed.
 */
import { addTally, decodeRow, emptyTallies, encodeKey, encodeValue, LEDGER_FIELDS, type LedgerRow, type StoredRow, type Tallies } from './ledger-row.ts'

export const KEPT_HOURS = 90 * 24
const COMPACTED_AFTER_HOURS = 2 * 24

export interface LedgerFilter {
  /** Hours since the epoch; the hour itself is included. */
  readonly sinceHour?: number
  readonly project?: string
}

export interface HourSum {
  readonly hour: number
  readonly project: string
  readonly tallies: Tallies
}

export interface LedgerSum {
  /** In the order of the rows: in the table's own order, by hour. */
  readonly hours: readonly HourSum[]
  /** By project. */
  readonly projects: ReadonlyMap<string, Tallies>
  /** Rows that could not be read: what they counted is missing from the sums. */
  readonly damaged: number
}

/** Takes rows one by one, for a caller who has to pause in between. */
export interface LedgerSummer {
  add (row: StoredRow): void
  result (): LedgerSum
}

/** What all writers counted together. */
export function sumRows (rows: Iterable<StoredRow>, filter: LedgerFilter = {}): LedgerSum {
  const summer = createSummer(filter)
  for (const row of rows) summer.add(row)
  return summer.result()
}

export function createSummer ({ sinceHour = 0, project }: LedgerFilter): LedgerSummer {
  const hours = new Map<string, HourSum>()
  const projects = new Map<string, Tallies>()
  let damaged = 0
  return {
    add (stored) {
      const row = decodeRow(stored)
      if (row === null) {
        damaged += 1
        return
      }
      if (row.hour < sinceHour || (project !== undefined && row.project !== project)) return
      const id = `${row.hour} ${row.project}`
      let hour = hours.get(id)
      if (hour === undefined) hours.set(id, hour = { hour: row.hour, project: row.project, tallies: emptyTallies() })
      addAll(hour.tallies, row.tallies)
      let sum = projects.get(row.project)
      if (sum === undefined) projects.set(row.project, sum = emptyTallies())
      addAll(sum, row.tallies)
    },

    result: () => ({
      hours: [...hours.values()],
      projects: new Map([...projects].sort(([a], [b]) => compareProjects(a, b))),
      damaged
    })
  }
}

/** Ids by number, names behind them. */
function compareProjects (a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

export interface Compaction {
  readonly puts: readonly StoredRow[]
  readonly removes: readonly Buffer[]
}

/**
 * What to put and remove, in the transaction in which `rows` were read, to keep the
 * ledger small. Removing comes first. Rows that cannot be read stay until their hour
 * is too old.
 *
 * @param nowHour - Hours since the epoch.
 */
export function compactRows (rows: Iterable<StoredRow>, nowHour: number): Compaction {
  const removes: Buffer[] = []
  const groups = new Map<string, { stored: StoredRow, row: LedgerRow }[]>()
  for (const stored of rows) {
    if (stored.key.length >= 4 && stored.key.readUInt32BE(0) < nowHour - KEPT_HOURS) {
      removes.push(stored.key)
      continue
    }
    const row = decodeRow(stored)
    if (row === null || Math.max(row.hour, row.writtenHour) > nowHour - COMPACTED_AFTER_HOURS) continue
    const id = `${row.hour} ${row.project}`
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [{ stored, row }])
    else group.push({ stored, row })
  }

  const puts: StoredRow[] = []
  for (const group of groups.values()) {
    const [first] = group
    if (first === undefined || (group.length === 1 && first.row.writer === '')) continue
    puts.push(merged(group.map(({ row }) => row), first.row))
    removes.push(...group.map(({ stored }) => stored.key))
  }
  return { puts, removes }
}

function merged (rows: readonly LedgerRow[], { hour, project }: LedgerRow): StoredRow {
  const key = encodeKey({ hour, project, writer: '' })
  const tallies = emptyTallies()
  for (const row of rows) addAll(tallies, row.tallies)
  return { key, value: encodeValue(key, Math.max(...rows.map(row => row.writtenHour)), tallies) }
}

function addAll (sum: Tallies, tallies: Tallies): void {
  for (const field of LEDGER_FIELDS) {
    for (const [detail, { count, bytes }] of tallies[field]) addTally(sum, field, detail, count, bytes)
  }
}
