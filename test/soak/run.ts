/**
 * `npm run soak -- --minutes N [--seed S] [--workers W] [--rate R]`: see docs/reliability.md.
 * Exit code 0 when every check holds.
 */
import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { soak } from './soak.ts'
import { jsonOf, printSoaked } from './summary.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    workers: { type: 'string', default: '2' },
    rate: { type: 'string', default: '60' },
    'max-spool': { type: 'string', default: '2GiB' },
    'no-router-kill': { type: 'boolean', default: false },
    json: { type: 'string' }
  }
})

const settings = {
  minutes: Number(values.minutes),
  seed: values.seed === undefined ? randomInt(2 ** 24) : Number(values.seed),
  workers: Number(values.workers),
  rate: Number(values.rate),
  maxSpool: values['max-spool'],
  killsRouter: !values['no-router-kill']
}
for (const name of ['minutes', 'seed', 'workers', 'rate'] as const) {
  if (!(settings[name] >= 0)) throw new TypeError(`--${name} must be a number`)
}

const date = new Date()
console.log(`seed ${settings.seed}`)
const soaked = await soak({ ...settings, log: line => { console.log(line) } })
console.log(`\n${printSoaked(soaked, settings)}`)
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(jsonOf(soaked, settings, date), null, 1)}\n`)
process.exitCode = soaked.checks.every(({ ok }) => ok) ? 0 : 1
