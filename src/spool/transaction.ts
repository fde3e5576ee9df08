/** What one transaction of the journal puts where, table by table; docs/spool.md has the tables. */
import { setTimeout as sleep } from 'node:timers/promises'
import { countsKey } from './counts.ts'
import type { Entry } from './entry.ts'
import { withHistory } from './history.ts'
import { deadKey, encodeTime, waitingKey, writeTime } from './keys.ts'
import type { StoredRow } from './ledger.ts'
import type { Environment, Write } from './store.ts'

export interface ExtraRow {
  readonly table: 'lost'
  readonly key: Buffer
  readonly value: Buffer
}

export interface Transaction {
  readonly entries: readonly Entry[]
  /** Counts as they are with these entries moved, by partition: a second try must write no later ones. */
  readonly counts: ReadonlyMap<number, Buffer>
  readonly rows: readonly StoredRow[]
  readonly extras: readonly ExtraRow[]
}

const SECOND_TRY_MS = 10

/** Whoever waits for the transaction is answered when it fails: a fault that passes at once must not look like a disk that is gone. */
export async function commit (open: Environment, transaction: Transaction): Promise<void> {
  try {
    await open.commit(put => { writeTransaction(transaction, put) })
  } catch {
    await sleep(SECOND_TRY_MS)
    await open.commit(put => { writeTransaction(transaction, put) })
  }
}

export function writeTransaction (transaction: Transaction, write: Write): void {
  for (const entry of transaction.entries) writeMove(entry, write)
  for (const [partition, row] of transaction.counts) write('counts', countsKey(partition, 'own'), row)
  for (const { key, value } of transaction.rows) write('ledger', key, value)
  for (const { table, key, value } of transaction.extras) write(table, key, value)
}

function writeMove (entry: Entry, write: Write): void {
  const { key, record, disk, going, fileId } = entry
  if (disk === 'fresh' && going !== 'fresh') write('fresh', key, null)
  if (disk === 'waiting') {
    if (going !== 'waiting' || entry.goingDueAt !== entry.diskDueAt) write('waiting', waitingKey(key, entry.diskDueAt), null)
    if (going !== 'waiting') write('ages', key, null)
  }
  if (fileId !== null) {
    if (going === 'none') {
      if (disk !== 'none') write('files', fileId, null)
    } else if (disk === 'none') write('files', fileId, fileSize(entry.copy.body.length))
  }
  if (going === 'fresh') {
    if (disk !== 'fresh') write('fresh', key, record)
  } else if (entry.history !== null && going === 'waiting') {
    write('waiting', waitingKey(key, entry.goingDueAt), withHistory(entry.history, record))
    write('ages', key, encodeTime(entry.goingDueAt))
  } else if (entry.history !== null && going === 'dead') {
    const dead = deadKey(key, entry.history.buriedAt)
    write('dead', dead, withHistory(entry.history, record))
    write('deadIds', Buffer.from(entry.copy.id.slice(0, 255) || '-', 'latin1'), dead)
  }
}

function fileSize (bytes: number): Buffer {
  const value = Buffer.allocUnsafe(6)
  writeTime(value, bytes, 0)
  return value
}
