/**
 * The router beside nginx: CPU per request in turn on the same core, and what only the
 * router does. Needs Debian's nginx-light, wrk and taskset.
 *
 *     npm run bench                      everything; takes about an hour, half of it an outage
 *     npm run bench -- envelope page     these rows
 *     npm run bench -- --write           and writes bench/results.md
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBackends } from './traffic/backend.ts'
import { runPaired } from './traffic/paired.ts'
import { printResults, type Results } from './traffic/results.ts'
import { PAIRED_ROWS } from './traffic/rows.ts'
import { SINGLE_ROWS } from './traffic/single-rows.ts'
import { verifyBytes } from './traffic/verify.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '4' }, write: { type: 'boolean', default: false } }
})
const known = [...PAIRED_ROWS, ...SINGLE_ROWS].map(row => row.name)
const unknown = positionals.find(name => !known.includes(name))
if (unknown !== undefined) {
  console.error(`${unknown}: no such row; there are ${known.join(', ')}.`)
  process.exit(2)
}
const wanted = positionals.length === 0 ? known : positionals
const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) }
const cores = availableParallelism()
const place = { subjectCores: '0', loadCores: cores > 1 ? `1-${cores - 1}` : '0', folder: await mkdtemp(join(tmpdir(), 'mirror-router-bench-')) }

const backends = await startBackends(place.loadCores)
const results: Results = { options, paired: [], single: [], verified: await verifyBytes(place) }
try {
  for (const row of PAIRED_ROWS.filter(row => wanted.includes(row.name))) {
    results.paired.push(await runPaired(row, backends, options, place))
    console.error(`${row.name}: ${results.paired.at(-1)?.ratio.toFixed(2)}`)
  }
  for (const row of SINGLE_ROWS.filter(row => wanted.includes(row.name))) {
    results.single.push({ row, ...await row.run(backends, options, place) })
    console.error(`${row.name}: ${results.single.at(-1)?.value}`)
  }
} finally {
  await backends.stop()
  await rm(place.folder, { recursive: true, force: true })
}
await printResults(results, values.write)
