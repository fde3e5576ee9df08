/**
 * This checkout beside another one, or beside itself with other options of Node: CPU
 * per request in turn, the median of the rounds.
 *
 *     node bench/compare.ts envelope [--other ../before] [--node-options=--max-semi-space-size=64] [--rounds 7] [--seconds 3]
 *
 * Ratios below 1 say that this checkout (with those options) costs less.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startBackends } from './traffic/backend.ts'
import { median } from './traffic/cpu.ts'
import { measure } from './traffic/measure.ts'
import { PAIRED_ROWS } from './traffic/rows.ts'
import { startRouter } from './traffic/subjects.ts'

const { values, positionals: [name = 'envelope'] } = parseArgs({
  allowPositionals: true,
  options: { other: { type: 'string', default: '.' }, 'node-options': { type: 'string', default: '' }, rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '3' } }
})
const row = PAIRED_ROWS.find(row => row.name === name)
if (row === undefined) throw new Error(`${name}: no such row; there are ${PAIRED_ROWS.map(row => row.name).join(', ')}.`)

const cores = availableParallelism()
const folder = await mkdtemp(join(tmpdir(), 'mirror-router-compare-'))
const place = { subjectCores: '0', loadCores: cores > 1 ? `1-${cores - 1}` : '0', folder }
const backends = await startBackends(place.loadCores)
const here = await startRouter(backends, place.subjectCores, join(folder, 'here'), { nodeOptions: values['node-options'].split(' ').filter(Boolean) })
const other = await startRouter(backends, place.subjectCores, join(folder, 'other'), { main: resolve(values.other, 'src/main.ts') })
const seconds = Number(values.seconds)
try {
  for (const router of [here, other]) await measure(router, backends, row.work, seconds, place)
  const rounds: { here: number, other: number }[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    rounds.push({
      here: (await measure(here, backends, row.work, seconds, place)).cpuPerRequest,
      other: (await measure(other, backends, row.work, seconds, place)).cpuPerRequest
    })
  }
  const ratios = rounds.map(({ here, other }) => here / other)
  console.log(`${row.title}: ${median(rounds.map(({ here }) => here)).toFixed(1)} µs here, ${median(rounds.map(({ other }) => other)).toFixed(1)} µs there, ratio ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`)
} finally {
  await Promise.all([here.stop(), other.stop()])
  await backends.stop()
  await rm(folder, { recursive: true, force: true })
}
