/** What is written where when a copy moves, table by table; docs/spool.md has the tables. */
import type { Entry, Place } from './entry.ts'
import { withHistory } from './history.ts'
import { deadKey, encodeTime as encodeNumber, waitingKey } from './keys.ts'
import type { Write } from './store.ts'

/** @param fromDueAt - In `waiting`; else of no account. So is `toDueAt`. */
export function writeMove (entry: Entry, from: Place, fromDueAt: number, to: Place, toDueAt: number, write: Write): void {
  const { key, record, fileId } = entry
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
    if (from !== 'fresh') write('fresh', key, record)
  } else if (entry.history !== null && to === 'waiting') {
    write('waiting', waitingKey(key, toDueAt), withHistory(entry.history, record))
    write('ages', key, encodeNumber(toDueAt))
  } else if (entry.history !== null && to === 'dead') {
    const dead = deadKey(key, entry.history.buriedAt)
    write('dead', dead, withHistory(entry.history, record))
    write('deadIds', Buffer.from(entry.copy.id.slice(0, 255) || '-', 'latin1'), dead)
  }
}
