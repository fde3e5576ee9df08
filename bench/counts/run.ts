/**
 * What a request takes, counted instead of timed: bytes allocated and system calls, on
 * a fixed number of requests. `test/counts` holds the router to the table.
 *
 *     npm run counts                      beside the table and its ceilings
 *     npm run counts -- envelope page     these only, with their system calls by name
 *     npm run counts -- --write           renews the table from 5 runs of each; takes about four minutes
 *
 * Renew it when a change makes counts lower, so that they stay there, and when a change
 * is worth what it adds: the diff of the table says what that is.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { COUNT_NAMES, KINDS, limitsOf, show, type Limits } from './ceilings.ts'
import { count, startStandIns, type Counted } from './count.ts'
import { TABLE } from './table.ts'
import { WORK_NAMES, WORKS, type CountedWork, type WorkName } from './works.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string' }, write: { type: 'boolean', default: false } }
})
const unknown = positionals.find(name => !WORK_NAMES.some(known => known === name))
if (unknown !== undefined) {
  console.error(`${unknown}: no such work; there are ${WORK_NAMES.join(', ')}.`)
  process.exit(2)
}
const runs = Number(values.runs ?? (values.write ? 5 : 1))
const wanted = WORKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const table: Record<WorkName, Limits> = { ...TABLE }

const backends = await startStandIns()
try {
  for (const work of wanted) {
    const counted: Counted[] = []
    for (let run = 0; run < runs; run++) counted.push(await count(work, backends))
    print(work, counted)
    if (values.write) table[work.name] = limitsOf(counted)
  }
} finally {
  await backends.stop()
}
if (values.write) await writeTable()

function print (work: CountedWork, counted: readonly Counted[]): void {
  console.log(`\n${work.title} (${work.name}), per request`)
  for (const name of COUNT_NAMES) {
    const { measured, ceiling } = TABLE[work.name][name]
    const now = counted.map(({ counts }) => counts[name])
    const note = now.every(value => value !== undefined && value > ceiling) ? '  above its ceiling' : ''
    console.log(`  ${KINDS[name].title.padEnd(24)} ${now.map(value => value === undefined ? 'not counted' : show(value)).join(', ').padEnd(runs * 8)}  table ${show(measured)}, ceiling ${show(ceiling)}${note}`)
  }
  for (const { notTraced, calls } of counted) {
    if (notTraced !== null) console.log(`  ${notTraced}`)
    if (positionals.length > 0 && calls !== null) console.log(`  ${[...calls].filter(([, each]) => each >= 0.01).map(([name, each]) => `${name} ${show(each)}`).join(', ')}`)
  }
}

async function writeTable (): Promise<void> {
  const works = WORKS.map(({ name, title }) => {
    const limits = COUNT_NAMES.map(count => `    ${count}: { measured: ${table[name][count].measured}, ceiling: ${table[name][count].ceiling} }`)
    return `  // ${title}\n  ${name.includes('-') ? `'${name}'` : name}: {\n${limits.join(',\n')}\n  }`
  })
  const text = `/** Per request; written by \`npm run counts -- --write\` (see run.ts), read by \`test/counts\`. */
import type { Limits } from './ceilings.ts'
import type { WorkName } from './works.ts'

export const TABLE: Readonly<Record<WorkName, Limits>> = {
${works.join(',\n')}
}
`
  await writeFile(new URL('table.ts', import.meta.url), text)
}
