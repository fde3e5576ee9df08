/** The same bytes to nginx and to the router: one assertion per case, one subtest per group. */
import { readFileSync } from 'node:fs'
import tap, { test } from 'tap'
import { loadCases } from './cases.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { missingNginx, ROUTER } from './subjects.ts'
import { runSuite, type CaseResult } from './suite.ts'

const TIMEOUT_MS = 360_000
// Of the file; the runner's own limit is meant for tests that take seconds.
tap.setTimeout(TIMEOUT_MS)

const DOCUMENT = new URL('../../docs/parity.md', import.meta.url)

test('the router does what nginx does', { timeout: TIMEOUT_MS }, async t => {
  const missing = await missingNginx()
  if (missing !== null) {
    t.fail(missing)
    return
  }

  const results = await runSuite({ cases: loadCases(), subject: ROUTER })

  for (const [group, ofGroup] of Map.groupBy(results, result => result.parityCase.group)) {
    await t.test(group, async t => {
      for (const result of ofGroup) {
        const { id, desc } = result.parityCase
        const reason = EXCEPTIONS[id]
        if (reason === undefined) t.strictSame(problems(result), [], `${id}: ${desc}`)
        else t.not(result.differences.length, 0, `${id} differs on purpose: ${reason}`)
      }
    })
  }
})

test('docs/parity.md lists the cases that differ on purpose, and no other', async t => {
  const section = readFileSync(DOCUMENT, 'utf8').split('\n## ').find(part => part.startsWith('Cases that differ on purpose')) ?? ''
  const documented = [...section.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, id, reason]) => `${id}: ${reason}`)

  t.strictSame(documented, Object.entries(EXCEPTIONS).map(([id, reason]) => `${id}: ${reason}`))
})

test('every exception is a case', async t => {
  const ids = new Set(loadCases().map(parityCase => parityCase.id))

  t.strictSame(Object.keys(EXCEPTIONS).filter(id => !ids.has(id)), [])
})

function problems ({ nginxFaults, differences }: CaseResult): string[] {
  return [...nginxFaults.map(fault => `this nginx is not the one the case was written for: ${fault}`), ...differences]
}
