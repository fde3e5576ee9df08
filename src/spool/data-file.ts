/** LMDB's file of a spool, and whether it is still the same one: it may be moved aside, or another put in its place. */
import { statSync } from 'node:fs'
import { join } from 'node:path'

export const DATA_FILE = 'data.mdb'

/** Empty when there is none. An inode's number alone may be given to the next file. */
export function dataFileIdentity (path: string): string {
  try {
    const { ino, birthtimeNs } = statSync(join(path, DATA_FILE), { bigint: true })
    return `${ino}-${birthtimeNs}`
  } catch {
    return ''
  }
}
