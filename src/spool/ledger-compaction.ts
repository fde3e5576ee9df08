/**
 * Keeps the table `ledger` small, a few rows at a time: a step takes a millisecond or
 * two, since the process has requests to serve. Steps go round the table.
 */
import { compactRows } from './ledger-sum.ts'
import type { StoredRow } from './ledger-row.ts'
import type { Environment } from './store.ts'

const ROWS_PER_STEP = 500
const FIRST = Buffer.from([0])
/** Of a key, before the project. */
const HEAD_BYTES = 6

export interface LedgerCompaction {
  /** @param nowHour - Hours since the epoch. @throws What the environment says. */
  step (environment: Environment, nowHour: number): void
}

export function createLedgerCompaction (rowsPerStep = ROWS_PER_STEP): LedgerCompaction {
  let start: Buffer = FIRST

  return {
    step (environment, nowHour) {
      const { rows, next } = read(environment, start, rowsPerStep)
      if (hasWork(compactRows(rows, nowHour))) {
        environment.transaction(write => {
          // Others may have compacted since.
          const { puts, removes } = compactRows(read(environment, start, rowsPerStep).rows, nowHour)
          for (const key of removes) write('ledger', key, null)
          for (const { key, value } of puts) write('ledger', key, value)
        })
      }
      start = next
    }
  }
}

function hasWork ({ puts, removes }: ReturnType<typeof compactRows>): boolean {
  return puts.length > 0 || removes.length > 0
}

/** Rows of whole groups (an hour and project), unless one group has more: a merge must see the row merged before, the first of its group. */
function read (environment: Environment, start: Buffer, limit: number): { rows: readonly StoredRow[], next: Buffer } {
  const page = [...environment.entries('ledger', { start, limit })]
  const last = page.at(-1)
  if (last === undefined || page.length < limit) return { rows: page, next: FIRST }
  const group = groupOf(last.key)
  const whole = page.filter(({ key }) => !groupOf(key).equals(group))
  // Of a group that fills the page the rest is left to later rounds. No key of UTF-8 has the byte 0xff.
  return whole.length === 0 ? { rows: page, next: Buffer.concat([group, Buffer.from([0xff])]) } : { rows: whole, next: group }
}

function groupOf (key: Buffer): Buffer {
  return key.length < HEAD_BYTES ? key : key.subarray(0, HEAD_BYTES + key.readUInt16BE(4))
}
