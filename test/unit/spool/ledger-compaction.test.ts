/** The table `ledger` stays small, and its sums stay what they were. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { createLedgerCompaction } from '../../../src/spool/ledger-compaction.ts'
import { HOUR_MS, hourOf } from '../../../src/spool/ledger-row.ts'
import { KEPT_HOURS, sumRows } from '../../../src/spool/ledger-sum.ts'
import { createLedger } from '../../../src/spool/ledger.ts'
import { openEnvironment, type Environment } from '../../../src/spool/store.ts'

const START = Date.UTC(2026, 7, 20, 12)

async function setup (t: Test): Promise<Environment> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  const environment = openEnvironment(folder)
  t.teardown(async () => {
    await environment.close()
    await rm(folder, { recursive: true })
  })
  return environment
}

/** Each of `writers` counts one copy per hour and project. */
function count (environment: Environment, { writers, hours, projects }: { writers: number, hours: readonly number[], projects: readonly string[] }): void {
  environment.transaction(write => {
    for (let i = 0; i < writers; i++) {
      for (const hour of hours) {
        const ledger = createLedger({ writer: `writer ${i}`, now: () => START + hour * HOUR_MS })
        for (const project of projects) ledger.add(project, 'accepted', 1, 10)
        for (const { key, value } of ledger.takeDirty()) write('ledger', key, value)
      }
    }
  })
}

function rowsOf (environment: Environment): number {
  return [...environment.keys('ledger', {})].length
}

function acceptedIn (environment: Environment): unknown {
  const { projects, damaged } = sumRows(environment.entries('ledger', {}))
  return { damaged, ...Object.fromEntries([...projects].map(([project, { accepted }]) => [project, accepted.get('')])) }
}

for (const rowsPerStep of [500, 7, 3, 2]) {
  test(`steps of ${rowsPerStep} rows merge the writers of old hours and leave young ones`, async t => {
    const environment = await setup(t)
    count(environment, { writers: 5, hours: [0, 1, 2, 60], projects: ['1', '23', 'default'] })
    const before = acceptedIn(environment)
    const compaction = createLedgerCompaction(rowsPerStep)

    // More steps than the table needs, so that it is gone round several times.
    for (let i = 0; i < 400; i++) compaction.step(environment, hourOf(START) + 62)

    t.equal(rowsOf(environment), 3 * 3 + 5 * 3)
    t.strictSame(acceptedIn(environment), before)
    t.match(before, { damaged: 0, 1: { count: 20, bytes: 200 } })
  })
}

test('a late row is merged with what was merged before, by whichever process', async t => {
  const environment = await setup(t)
  const compactions = [createLedgerCompaction(), createLedgerCompaction()]
  for (const writers of [1, 3, 6]) {
    count(environment, { writers, hours: [0], projects: ['1'] })
    for (const compaction of compactions) compaction.step(environment, hourOf(START) + 100)
  }

  t.equal(rowsOf(environment), 1)
  t.strictSame(acceptedIn(environment), { damaged: 0, 1: { count: 10, bytes: 100 } })
})

test('rows older than 90 days go', async t => {
  const environment = await setup(t)
  count(environment, { writers: 2, hours: [0, 1], projects: ['1'] })

  createLedgerCompaction().step(environment, hourOf(START) + KEPT_HOURS + 1)

  t.strictSame(acceptedIn(environment), { damaged: 0, 1: { count: 2, bytes: 20 } })
})
