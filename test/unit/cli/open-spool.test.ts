import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { report } from '../../../src/cli/report.ts'
import { spool } from '../../../src/cli/spool.ts'
import { openEnvironment } from '../../../src/spool/store.ts'
import { runCommand } from '../../helpers/command.ts'

/** What commands say of a spool that no router has open; each of them ends with 1 and prints nothing. */
async function complaints (t: Test, folder: string): Promise<string[]> {
  const file = join(folder, 'router.yaml')
  await writeFile(file, `mirror: { endpoint: "http://127.0.0.1:1", default: /rum/sentry/w/s }\nspool: { path: ${JSON.stringify(join(folder, 'spool'))} }\nadmin: { port: 0 }\n`)
  const seen: string[] = []
  for (const [command, args] of [[spool, ['ls']], [spool, ['ls', '--pending']], [spool, ['purge', '--all']], [report, []]] as const) {
    const { code, out, err } = await runCommand(command, [...args, '--config', file])
    t.strictSame([code, out], [1, ''])
    seen.push(err)
  }
  return seen
}

test('a damaged spool is not taken for an empty one', async t => {
  const folder = t.testdir({ spool: {} })
  await writeFile(join(folder, 'spool', 'data.mdb'), randomBytes(40_000))

  for (const complaint of await complaints(t, folder)) {
    t.equal(complaint, `admin.port is 0, so that a running router cannot be found, and the spool in ${folder}/spool cannot be opened (it is damaged; a router that starts moves it aside).\n`)
  }
})

test('nor is one of a newer format, which is left as it is', async t => {
  const folder = t.testdir({ spool: {} })
  const environment = openEnvironment(join(folder, 'spool'))
  await environment.commit(0, write => { write('meta', Buffer.from('format'), Buffer.from('99')) })
  await environment.close()

  for (const complaint of await complaints(t, folder)) t.match(complaint, /cannot be opened \(the spool at \S+ has format 99, this program knows format 2: start the newer program/)
})
