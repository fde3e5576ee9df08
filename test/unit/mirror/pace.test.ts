import { test } from 'tap'
import { createPace, type Pace } from '../../../src/mirror/pace.ts'

/** Takes all it may, up to `demand` per ms, for so many ms. @returns What it took. */
function run (pace: Pace, from: number, ms: number, demand: number): number {
  let taken = 0
  for (let now = from; now < from + ms; now++) {
    const count = Math.min(pace.room(now), demand)
    pace.took(count)
    taken += count
  }
  return taken
}

test('a loop that has time left bounds nothing', t => {
  const pace = createPace(() => 0.5)

  t.equal(run(pace, 0, 1000, 30), 30_000)
  t.end()
})

test('a loop that is busy slows a backlog down, step by step, but never stops it', t => {
  const pace = createPace(() => 0.9)
  run(pace, 0, 100, 30)
  const first = run(pace, 100, 100, 30)
  run(pace, 200, 5000, 30)
  const last = run(pace, 5200, 1000, 30)

  t.ok(first < 2700, `${first} of 3000`)
  t.ok(last >= 400 && last <= 600, `${last} in a second`)
  t.end()
})

test('it settles where the loop is as busy as it may be', t => {
  let taken = 0
  let since = 0
  // Clients take a quarter of the time, each copy 40 µs.
  const pace = createPace(() => {
    const busy = 0.25 + taken * 0.04 / Math.max(clock - since, 1)
    taken = 0
    since = clock
    return Math.min(busy, 1)
  })
  let clock = 0
  let total = 0
  for (; clock < 10_000; clock++) {
    const count = Math.min(pace.room(clock), 20)
    pace.took(count)
    taken += count
    if (clock >= 5000) total += count
  }

  t.ok(total / 5000 > 7 && total / 5000 < 12.5, `${total / 5} copies a second`)
  t.end()
})

test('it is as before once the loop has time again', t => {
  let busy = 1
  const pace = createPace(() => busy)
  run(pace, 0, 2000, 30)
  busy = 0.1
  run(pace, 2000, 15_000, 30)

  t.equal(pace.room(17_001), Infinity)
  t.end()
})
