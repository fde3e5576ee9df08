/** The command, without a router: the spool is read directly. With one: see test/behaviour/report.test.ts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { test, type Test } from 'tap'
import { createAdminServer } from '../../../src/admin/server.ts'
import { registerReportRoutes } from '../../../src/admin/report-route.ts'
import { createReportCommand } from '../../../src/cli/report.ts'
import { freePorts } from '../../../src/demo/router-process.ts'
import type { ReportSource } from '../../../src/report/collect.ts'
import { createLedger, type Ledger } from '../../../src/spool/ledger.ts'
import { runCommand, type Ran } from '../../helpers/command.ts'

t.setTimeout(60_000)

interface Setup {
  readonly folder: string
  readonly port: number
  readonly run: (...args: string[]) => Promise<Ran>
  readonly opened: string[]
}

function sourceOf (count: (ledger: Ledger) => void): ReportSource {
  const ledger = createLedger({ writer: 'w', now: () => Date.now() })
  count(ledger)
  const rows = ledger.takeDirty()
  return { readLedger: () => rows, notDelivered: () => [] }
}

async function setup (t: Test, count: (ledger: Ledger) => void, admin = ''): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const [port = 0] = await freePorts(1)
  const file = join(folder, 'router.yaml')
  await writeFile(file, `mirror: { endpoint: "http://127.0.0.1:1", default: off }\nspool: { path: ${folder} }\nadmin: { host: 127.0.0.1, port: ${admin === '' ? port : admin} }\n`)
  const opened: string[] = []
  const command = createReportCommand({
    async openSource (path) {
      opened.push(path)
      return { ...sourceOf(count), close: () => { opened.push('closed') } }
    }
  })
  return { folder, port, opened, run: (...args) => runCommand(command, [...args, '--config', file]) }
}

function complete (ledger: Ledger): void {
  ledger.add('1', 'accepted', 2)
  ledger.add('1', 'delivered', 2)
}

function incomplete (ledger: Ledger): void {
  complete(ledger)
  ledger.add('2', 'accepted')
  ledger.add('2', 'dead', 1, 0, '400')
}

test('the exit code is 0 when everything was delivered, else 1, in every form', async t => {
  for (const [count, code, says] of [[complete, 0, 'complete'], [incomplete, 1, '1 of 1 missing: 1 dead (400)']] as const) {
    const { folder, run, opened } = await setup(t, count)
    await writeFile(join(folder, 'data.mdb'), '')

    for (const form of [[], ['--json'], ['--csv'], ['--markdown']]) {
      const ran = await run(...form)

      t.equal(ran.code, code, `${form.join('')} ${ran.err}`)
      t.match(ran.out, says)
    }
    t.strictSame(opened.slice(0, 2), [folder, 'closed'])
  }
})

test('only the project asked for decides', async t => {
  const { folder, run } = await setup(t, incomplete)
  await writeFile(join(folder, 'data.mdb'), '')

  t.equal((await run('--project', '1')).code, 0)
  t.equal((await run('--project', '2')).code, 1)
})

test('a running router is asked first', async t => {
  const { port, run, opened } = await setup(t, complete)
  const server = createAdminServer({ host: '127.0.0.1', port, readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })
  registerReportRoutes(server.app, { source: sourceOf(incomplete), now: () => Date.now() })
  await server.listen()
  t.teardown(() => server.close())

  const all = await run('--since', '1h')
  const one = await run('--project', '1', '--json')

  t.equal(all.code, 1, all.err)
  t.match(all.out, '1 of 1 missing: 1 dead (400)')
  t.equal(one.code, 0, one.err)
  t.match(JSON.parse(one.out), { complete: true, projects: [{ project: '1', accepted: 2 }] })
  t.strictSame(opened, [])
})

test('without a router and without a spool there is no report, and no spool is made', async t => {
  for (const [admin, says] of [['', 'No router listens at http://127.0.0.1:'], ['0', 'admin.port is 0']] as const) {
    const { folder, run, opened } = await setup(t, complete, admin)

    const ran = await run()

    t.equal(ran.code, 1)
    t.match(ran.err, says)
    t.match(ran.err, `there is no spool in ${folder}`)
    t.equal(ran.out, '')
    t.strictSame(opened, [])
  }
})

for (const args of [['--since', 'soon'], ['--since', '2999-01-01'], ['--json', '--csv'], ['--until', '1h']]) {
  test(`${args.join(' ')} is a wrong command line`, async t => {
    const { run } = await setup(t, complete)

    const ran = await run(...args)

    t.equal(ran.code, 2)
    t.not(ran.err, '')
  })
}
