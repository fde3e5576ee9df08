import { spawnSync } from 'node:child_process'
import { test } from 'tap'
import { clockZeroNow, createSteadyNow } from '../../../src/mirror/clock.ts'

test('the clock says whole milliseconds since the epoch, and does not follow one that is set', async t => {
  const steadyNow = createSteadyNow(clockZeroNow())
  const before = steadyNow()
  const dateNow = Date.now
  t.teardown(() => { Date.now = dateNow })
  t.ok(Number.isInteger(before))
  t.ok(Math.abs(before - Date.now()) < 60_000)

  Date.now = () => 0

  t.ok(steadyNow() >= before)
})

test('a process that starts later has the same clock, whatever the machine says by then', async t => {
  const clockZeroMs = clockZeroNow() - 3_600_000
  const before = createSteadyNow(clockZeroMs)()

  const module = new URL('../../../src/mirror/clock.ts', import.meta.url).href
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', `import { createSteadyNow } from '${module}'; console.log(createSteadyNow(${clockZeroMs})())`], { encoding: 'utf8' })

  const after = createSteadyNow(clockZeroMs)()
  t.ok(Number(stdout) >= before && Number(stdout) <= after, `${before}, ${stdout.trim()}, ${after}`)
})
