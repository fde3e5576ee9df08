import { test } from 'tap'
import { delays, watchEventLoop } from '../../../src/admin/event-loop.ts'

test('the ticks that a long delay hid are counted too', async t => {
  t.strictSame(delays(0), [0])
  t.strictSame(delays(-1), [0], 'a timer that fires early is not late')
  t.strictSame(delays(50), [50])
  t.strictSame(delays(120), [120, 70, 20])
})

test('a process that was stopped for an hour has not hidden ticks without end', async t => {
  const all = delays(3_600_000)

  t.equal(all.length, 200)
  t.equal(all[0], 3_600_000)
})

test('a loop that is kept busy is seen, and one that is not watched any more is not', async t => {
  const seen: number[] = []
  const first = new Promise<void>(resolve => {
    const unwatch = watchEventLoop(seconds => {
      seen.push(seconds)
      if (seconds < 0.2) return
      unwatch()
      resolve()
    })
  })
  const alive = setTimeout(() => {}, 10_000)

  block(400)
  await first
  clearTimeout(alive)
  // Those of the same tick still come.
  await new Promise(resolve => { setImmediate(resolve) })
  const before = seen.length
  await new Promise(resolve => { setTimeout(resolve, 200) })

  t.ok(Math.max(...seen) < 10, `${Math.max(...seen)} s`)
  t.equal(seen.length, before)
})

function block (ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
