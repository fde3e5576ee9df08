import { test } from 'tap'
import { steadyNow } from '../../../src/mirror/clock.ts'

test('the clock says whole milliseconds since the epoch, and does not follow one that is set', async t => {
  const before = steadyNow()
  const dateNow = Date.now
  t.teardown(() => { Date.now = dateNow })
  t.ok(Number.isInteger(before))
  t.ok(Math.abs(before - Date.now()) < 60_000)

  Date.now = () => 0

  t.ok(steadyNow() >= before)
})
