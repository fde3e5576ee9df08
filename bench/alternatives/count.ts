/**
 * How many parity cases each alternative fails:
 *
 *   npm install --prefix FOLDER @fastify/http-proxy
 *   ALTERNATIVES=FOLDER node bench/alternatives/count.ts [--ids]
 *
 * Static files (`/js-sdk/`) and the choice between two Relays are left out: they
 * say nothing about an engine.
 * Takes about six minutes; nginx must be installed.
 */
import { fileURLToPath } from 'node:url'
import { loadCases } from '../../test/parity/cases.ts'
import { commandSubject } from '../../test/parity/subjects.ts'
import { runSuite, type CaseResult } from '../../test/parity/suite.ts'

const cases = loadCases().filter(({ id, group }) => !id.includes('jssdk') && group !== 'multi')

console.log(`${cases.length} cases`)
for (const name of ['http-proxy', 'plain-http']) {
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url))
  const results = await runSuite({ cases, subject: commandSubject(`exec '${process.execPath}' '${script}'`) })
  const failed = results.filter(result => result.differences.length > 0)
  const of = (tier: string) => failed.filter(({ parityCase }) => parityCase.tier === tier).length
  console.log(`\n${name}: ${failed.length} fail, ${of('core')} core and ${of('edge')} edge`)
  for (const [group, ofGroup] of Map.groupBy(failed, ({ parityCase }) => parityCase.group)) printGroup(group, ofGroup)
}

function printGroup (group: string, failed: readonly CaseResult[]): void {
  console.log(`  ${group.padEnd(10)} ${failed.length}`)
  if (!process.argv.includes('--ids')) return
  for (const { parityCase, differences } of failed) console.log(`    ${parityCase.id} [${parityCase.tier}] ${differences[0]?.slice(0, 160)}`)
}
