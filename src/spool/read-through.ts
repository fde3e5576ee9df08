/**
 * Reads all of an environment, and changes nothing, in a process that may die of it: see last-runs.ts. LMDB
 * believes what is on its pages, and what is wrong there ends the process at worst, and
 * gives an error at best. Exits with `DAMAGED` then, and with 0 also if the disk fails:
 * that is no damage.
 */
import { DAMAGED, isBadTransaction, isDamage } from './damage.ts'
import { after } from './keys.ts'
import { openEnvironment, TABLES, type Environment, type Table, type Write } from './store.ts'

/** In one transaction. As one value it takes much of what is free, so that the list of that is read as well. */
const PART_BYTES = 1024 * 1024
const ROW_BYTES = 100
const PROBE_KEY = Buffer.from('probe')

const [, , path = ''] = process.argv
try {
  const environment = openEnvironment(path)
  for (const table of TABLES) read(environment, table)
  for (const table of TABLES) remove(environment, table)
  withoutDoing(environment, write => { write('meta', PROBE_KEY, Buffer.alloc(PART_BYTES)) })
  process.exit(0)
} catch (error) {
  process.exit(isDamage(error) || isBadTransaction(error) ? DAMAGED : 0)
}

function read (environment: Environment, table: Table): void {
  let bytes = 0
  for (const { key, value } of environment.entries(table, {})) bytes += key.length + value.length
}

function remove (environment: Environment, table: Table): void {
  let start: Buffer = Buffer.from([0])
  for (let isDone = false; !isDone;) {
    isDone = true
    withoutDoing(environment, write => {
      let bytes = 0
      for (const { key, value } of environment.entries(table, { start })) {
        start = after(key)
        bytes += ROW_BYTES + value.length
        isDone = bytes < PART_BYTES
        write(table, key, null)
        if (!isDone) break
      }
    })
  }
}

/** Removing looks at more than reading. */
function withoutDoing (environment: Environment, work: (write: Write) => void): void {
  const undone = new Error('undone')
  try {
    environment.transaction(write => {
      work(write)
      throw undone
    })
  } catch (error) {
    if (error !== undone) throw error
  }
}
