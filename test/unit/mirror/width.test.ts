import { test } from 'tap'
import { createWidth, START_WIDTH, type Width } from '../../../src/mirror/width.ts'

/** One round trip with the width used up, all of it served. */
function roundTrip (width: Width, time: number): void {
  width.filled(time)
  for (let left = width.current(); left > 0; left--) width.served(time)
}

test('the width begins small, and never above its bound', async t => {
  t.equal(createWidth(64).current(), START_WIDTH)
  t.equal(createWidth(1).current(), 1)
})

test('a round trip of a used width adds one, up to the bound', async t => {
  const width = createWidth(10)
  const seen: number[] = []

  for (let time = 1; time <= 4; time++) {
    roundTrip(width, time)
    seen.push(width.current())
  }

  t.strictSame(seen, [9, 10, 10, 10])
})

test('a width that is not used up does not grow', async t => {
  const width = createWidth(64)
  width.filled(1)

  for (let i = 0; i < 1000; i++) width.served(2)

  t.equal(width.current(), START_WIDTH)
})

test('strain halves the width, once per round trip, down to one', async t => {
  const width = createWidth(64)

  for (let i = 0; i < 8; i++) width.strained(1, 5)
  t.equal(width.current(), START_WIDTH / 2)
  width.strained(6, 7)
  t.equal(width.current(), START_WIDTH / 4)
  for (let time = 10; time < 100; time += 2) width.strained(time, time + 1)

  t.equal(width.current(), 1)
})

test('answers to attempts from before a decrease add nothing', async t => {
  const width = createWidth(64)
  width.filled(1)
  width.strained(1, 5)

  for (let i = 0; i < 100; i++) width.served(1)

  t.equal(width.current(), START_WIDTH / 2)
})

test('from one it grows again by one per round trip', async t => {
  const width = createWidth(64)
  for (let time = 0; time < 100; time += 2) width.strained(time, time + 1)

  for (let time = 200; time < 210; time++) roundTrip(width, time)

  t.equal(width.current(), 11)
})

test('after an outage the width is no larger than at the start', async t => {
  const width = createWidth(64)
  for (let time = 1; time < 50; time++) roundTrip(width, time)
  t.ok(width.current() > 50)

  width.restart(100)

  t.equal(width.current(), START_WIDTH)
})
