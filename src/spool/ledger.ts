/**
 * What one process counts per project and hour, on its way to the table `ledger` of
 * the spool. Counting is an addition in memory; the spool asks for the rows that
 * changed inside every transaction, so that a copy's change of state and its count
 * are written together or not at all.
 *
 * Everything that becomes of a copy is counted under the hour in which the copy was
 * TAKEN: so each hour closes by itself,
 *
 *   accepted + replayed = delivered + dead + dropped + pending
 *
 * A replay takes a copy anew: it is `replayed` in the hour of its replay, and what
 * becomes of it is counted there. In the hour in which the dead letter was counted it
 * is `revived`: dead - revived is what is dead still, or was purged.
 *
 * A cell is what this process added to one hour and project during one hour of its
 * own life (a turn). Later additions make a new row, so that rows of ended turns
 * never change again: they may be forgotten here, and compacted on disk.
 */
import { addTally, emptyTallies, encodeKey, encodeValue, hourOf, type LedgerField, type StoredRow, type Tallies } from './ledger-row.ts'

export type { LedgerField, StoredRow } from './ledger-row.ts'

export interface Ledger {
  /**
   * @param n - Default 1.
   * @param bytes - Of the bodies counted; default 0.
   * @param detail - Status or reason, for the fields that have one; of `revived`, the reason of the dead letter.
   * @param takenAt - When the copy was taken, in milliseconds since the epoch; default now. The same for all that becomes of it.
   */
  add (project: string, field: LedgerField, n?: number, bytes?: number, detail?: string, takenAt?: number): void
  /** Rows that changed since the last call, to be put as they are. */
  takeDirty (): readonly StoredRow[]
  /** The rows of a transaction that failed: they, or newer values of them, are taken again. */
  putBack (rows: readonly StoredRow[]): void
  readonly hasDirty: boolean
}

export interface LedgerOptions {
  /** Unique per run of a process. */
  readonly writer: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

interface Cell {
  readonly key: Buffer
  readonly turn: number
  readonly writtenHour: number
  readonly tallies: Tallies
  dirty: boolean
}

export function createLedger ({ writer, now }: LedgerOptions): Ledger {
  /** By key; those of this turn and the one before, and older ones not yet written. */
  const cells = new Map<string, Cell>()
  /** Cells of this turn, by the hour taken and the project. */
  let byHour = new Map<number, Map<string, Cell>>()
  let dirty: Cell[] = []
  let currentHour = hourOf(now())
  let turn = 0

  /** The clock may have moved by any number of hours, either way. */
  function startTurn (hour: number): void {
    currentHour = hour
    turn += 1
    byHour = new Map()
    // A transaction under way may still fail and give rows of the turn before back.
    for (const [id, cell] of cells) {
      if (!cell.dirty && cell.turn < turn - 1) cells.delete(id)
    }
  }

  function cellOf (hour: number, project: string): Cell {
    let byProject = byHour.get(hour)
    if (byProject === undefined) byHour.set(hour, byProject = new Map())
    let cell = byProject.get(project)
    if (cell === undefined) {
      const key = encodeKey({ hour, project, writer: `${writer}.${turn}` })
      cell = { key, turn, writtenHour: currentHour, tallies: emptyTallies(), dirty: false }
      byProject.set(project, cell)
      cells.set(key.toString('latin1'), cell)
    }
    return cell
  }

  function soil (cell: Cell): void {
    if (cell.dirty) return
    cell.dirty = true
    dirty.push(cell)
  }

  return {
    add (project, field, n = 1, bytes = 0, detail = '', takenAt) {
      const hour = hourOf(now())
      if (hour !== currentHour) startTurn(hour)
      const cell = cellOf(takenAt === undefined ? hour : hourOf(takenAt), project)
      addTally(cell.tallies, field, detail, n, bytes)
      soil(cell)
    },

    takeDirty () {
      const taken = dirty
      dirty = []
      return taken.map(cell => {
        cell.dirty = false
        return { key: cell.key, value: encodeValue(cell.key, cell.writtenHour, cell.tallies) }
      })
    },

    putBack (rows) {
      for (const { key } of rows) {
        const cell = cells.get(key.toString('latin1'))
        if (cell !== undefined) soil(cell)
      }
    },

    get hasDirty () { return dirty.length > 0 }
  }
}
