/**
 * Where the router's time goes under one row's load: a CPU profile and a flame graph.
 *
 *     npm run profile -- envelope [--seconds 8] [--out FOLDER]
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBackends } from './traffic/backend.ts'
import { flameGraph, hottest, type CpuProfile } from './traffic/flame-graph.ts'
import { load } from './traffic/load.ts'
import { PAIRED_ROWS } from './traffic/rows.ts'
import { startRouter } from './traffic/subjects.ts'

const { values, positionals: [name = 'envelope'] } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '8' }, out: { type: 'string', default: '.profile' } }
})
const row = PAIRED_ROWS.find(row => row.name === name)
if (row === undefined) {
  console.error(`${name}: no such row; there are ${PAIRED_ROWS.map(row => row.name).join(', ')}.`)
  process.exit(2)
}

const cores = availableParallelism()
const loadCores = cores > 1 ? `1-${cores - 1}` : '0'
const folder = await mkdtemp(join(tmpdir(), 'mirror-router-profile-'))
const backends = await startBackends(loadCores)
const router = await startRouter(backends, '0', join(folder, 'router'), { nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=200'] })
await load(row.work, router.port, Number(values.seconds), loadCores, folder)
await router.stop()
await backends.stop()

const file = (await readdir(folder)).find(each => each.endsWith('.cpuprofile')) ?? ''
const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile
await mkdir(values.out, { recursive: true })
await rename(join(folder, file), join(values.out, `${name}.cpuprofile`)).catch(async () => { await writeFile(join(values.out, `${name}.cpuprofile`), JSON.stringify(profile)) })
await writeFile(join(values.out, `${name}.svg`), flameGraph(profile, row.title))
await rm(folder, { recursive: true, force: true })
for (const { name, share } of hottest(profile, 60)) console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${name}`)
console.log(`\n${join(values.out, `${name}.svg`)}, ${join(values.out, `${name}.cpuprofile`)}`)
