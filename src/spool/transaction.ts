/** What is written where when a copy moves, table by table; docs/spool.md has the tables. */
import { encodeCopy } from './copy.ts'
import type { Entry, Place } from './entry.ts'
import { withHistory } from './history.ts'
import { deadKey, encodeTime as encodeNumber, waitingKey } from './keys.ts'
import type { Write } from './store.ts'

export type RecordOf = (entry: Entry) => Buffer

/** The entry's record, in bytes of its own. */
export const ownRecord: RecordOf = ({ record, copy, fileId }) => record ?? encodeCopy(copy, fileId)

/** Longer than what lies in a record as a rule. */
const KEPT_BYTES = 512 * 1024

/** The entry's record, valid until that of the next is asked for. */
export function createScratchRecord (): RecordOf {
  let scratch = Buffer.alloc(0)
  function allocate (bytes: number): Buffer {
    if (bytes > KEPT_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (scratch.length < bytes) scratch = Buffer.allocUnsafeSlow(bytes)
    return scratch.subarray(0, bytes)
  }
  return ({ record, copy, fileId }) => record ?? encodeCopy(copy, fileId, allocate)
}

/** @param fromDueAt - In `waiting`; else of no account. So is `toDueAt`. */
export function writeMove (entry: Entry, from: Place, fromDueAt: number, to: Place, toDueAt: number, write: Write, recordOf: RecordOf): void {
  const { key, fileId } = entry
  if (from === 'fresh' && to !== 'fresh') write('fresh', key, null)
  if (from === 'waiting') {
    if (to !== 'waiting' || toDueAt !== fromDueAt) write('waiting', waitingKey(key, fromDueAt), null)
    if (to !== 'waiting') write('ages', key, null)
  }
  if (fileId !== null) {
    if (to === 'none') {
      if (from !== 'none') write('files', fileId, null)
    } else if (from === 'none') write('files', fileId, encodeNumber(entry.copy.body.length))
  }
  if (to === 'fresh') {
    if (from !== 'fresh') write('fresh', key, recordOf(entry))
  } else if (entry.history !== null && to === 'waiting') {
    write('waiting', waitingKey(key, toDueAt), withHistory(entry.history, recordOf(entry)))
    write('ages', key, encodeNumber(toDueAt))
  } else if (entry.history !== null && to === 'dead') {
    const dead = deadKey(key, entry.history.buriedAt)
    write('dead', dead, withHistory(entry.history, recordOf(entry)))
    write('deadIds', Buffer.from(entry.copy.id.slice(0, 255) || '-', 'latin1'), dead)
  }
}
