/** The reader beside a spool whose data file is replaced, as by a disk that comes back another one. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { openSpoolReader } from '../../../src/spool/spool-reader.ts'
import { openEnvironment } from '../../../src/spool/store.ts'
import { spoolFolder } from '../../helpers/spool.ts'

async function environmentWith (path: string, key: string): Promise<void> {
  const environment = openEnvironment(path)
  environment.transaction(write => { write('lost', Buffer.from(key), Buffer.alloc(0)) })
  // A log whose process is gone: what is in it from frame 0 on is not in the environment.
  environment.transaction(write => { write('meta', Buffer.from(`log ${LOG}`), Buffer.alloc(6)) })
  await environment.close()
}

const LOG = '1-999999-1-0'

test('a data file put in place of the open one is read, and the logs it knows are taken in there', async t => {
  const path = spoolFolder(t)
  const elsewhere = spoolFolder(t)
  const empty = openEnvironment(path)
  await empty.close()
  await environmentWith(elsewhere, 'a')
  const reader = openSpoolReader(path)
  t.teardown(() => reader.close())
  t.strictSame(reader.partitions(), [])
  mkdirSync(join(path, 'wal'))
  const log = join(path, 'wal', `${LOG}.0`)
  writeFileSync(log, '')

  rmSync(join(path, 'data.mdb'))
  rmSync(join(path, 'lock.mdb'))
  renameSync(join(elsewhere, 'data.mdb'), join(path, 'data.mdb'))

  t.equal(reader.readHistory(), null, 'none while the old one is being closed')
  reader.recover({ warn () {} })
  t.ok(existsSync(log), 'the old one, which knows no such log, does not remove it')
  while (reader.readHistory() === null) await turn()
  reader.recover({ warn () {} })
  while (existsSync(log)) await turn()
  await reader.close()
  const replaced = openEnvironment(path)
  t.equal(replaced.get('meta', Buffer.from(`log ${LOG}`)), undefined, 'it was taken in where it belongs')
  await replaced.close()
})
