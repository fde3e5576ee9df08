/**
 * A short soak with a plan that is always the same. Long ones are run by hand:
 * `npm run soak -- --minutes 60`; see docs/reliability.md.
 */
import t, { test } from 'tap'
import { soak } from './soak.ts'

const SETTINGS = { minutes: 0.5, seed: 7, workers: 2, rate: 40, maxSpool: '2GiB', killsRouter: true } as const

t.setTimeout(300_000)

test('after half a minute of mixed traffic and faults every copy is accounted for, and nothing is left behind', async t => {
  const { checks, evidence, output } = await soak({ ...SETTINGS, log: line => { t.comment(line) } })

  for (const { name, ok, says } of checks) {
    t.ok(ok, name)
    t.comment(says)
  }
  t.ok(evidence.faultCount > 10, `it was no quiet time: ${evidence.faultCount} faults`)
  t.ok(evidence.book.owed > 100, `it was no idle time: ${evidence.book.owed} copies`)
  if (!t.passing()) t.comment(`The router wrote last:\n${output}`)
})
