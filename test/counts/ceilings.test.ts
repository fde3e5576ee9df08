import { test } from 'tap'
import { COUNT_NAMES, faults, leastOf, limitsOf, type CountName } from '../../bench/counts/ceilings.ts'
import type { Counted } from '../../bench/counts/count.ts'
import { callsIn, readCalls } from '../../bench/counts/system-calls.ts'
import { WORKS } from '../../bench/counts/works.ts'

const [WORK] = WORKS

test('a count above its ceiling is named, with what it was and what it is', async t => {
  const limits = limitsOf([run({ writes: 2 })])
  if (WORK === undefined) throw new Error('nothing is counted')

  t.strictSame(faults(WORK, run({ writes: 2.2 }).counts, limits), [])
  t.strictSame(faults(WORK, run({ writes: 3.01 }).counts, limits), [
    { name: 'writes', message: `${WORK.title}: writes per request went up from 2.00 to 3.01; the ceiling is 2.50` }
  ])
})

test('what could not be counted is no fault, but cannot become a ceiling', async t => {
  const untraced: Counted = { counts: { heapBytes: 1, promotedBytes: 1 }, calls: null, notTraced: 'Operation not permitted' }

  t.strictSame(leastOf([untraced]), { heapBytes: 1, promotedBytes: 1 })
  t.throws(() => limitsOf([untraced]), { message: 'bufferBytes could not be counted: Operation not permitted' })
})

test('the least of several runs counts', async t => {
  t.equal(leastOf([run({ futex: 3 }), run({ futex: 1 }), run({ futex: 2 })]).futex, 1)
})

test('a table holds what all its runs had, whatever the shares are', async t => {
  t.equal(limitsOf([run({ heapBytes: 1000 }), run({ heapBytes: 1001 }), run({ heapBytes: 9001 })]).heapBytes.ceiling, 9010)
})

test('system calls are read from the table of strace, and grouped', async t => {
  const calls = readCalls(`    calls syscall
--------- ----------------
      171 futex
     8039 write
        2 writev
     8040 read
        7 statx
--------- ----------------
    16259 total
`)

  t.equal(calls.get('futex'), 171)
  t.equal(callsIn('write', calls), 8041)
  t.equal(callsIn('read', calls), 8040)
  t.equal(callsIn('other', calls), 7)
})

/** A run in which everything was 1 but what is named. */
function run (counts: Partial<Record<CountName, number>>): Counted {
  return { counts: { ...Object.fromEntries(COUNT_NAMES.map(name => [name, 1])), ...counts }, calls: new Map(), notTraced: null }
}
