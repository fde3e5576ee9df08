/**
 * The price of a request, counted instead of timed, so that it means the same on any
 * machine: see bench/counts/run.ts, which also renews the table.
 */
import { t, test } from 'tap'
import { faults, leastOf, type Fault } from '../../bench/counts/ceilings.ts'
import { count, startStandIns, type Counted } from '../../bench/counts/count.ts'
import { TABLE } from '../../bench/counts/table.ts'
import { WORKS } from '../../bench/counts/works.ts'

// Three runs of everything, on a slow machine.
t.setTimeout(300_000)

/** What else the machine does may add to a count; a step back adds to it every time. */
const MOST_RUNS = 3

const backends = await startStandIns()
t.teardown(() => backends.stop())

for (const work of WORKS) {
  void test(`a request (${work.title}) takes no more memory and system calls than it did`, async t => {
    const counted: Counted[] = []
    let found: readonly Fault[]
    do {
      counted.push(await count(work, backends))
      found = faults(work, leastOf(counted), TABLE[work.name])
      for (const { message } of found) t.comment(`run ${counted.length}: ${message}`)
    } while (found.length > 0 && counted.length < MOST_RUNS)

    for (const { message } of found) t.fail(message, { look: advice(work.name), calls: Object.fromEntries(counted[0]?.calls ?? []) })
    if (found.length === 0) t.pass(`after ${counted.length} of ${MOST_RUNS} runs`)
    const notTraced = counted[0]?.notTraced
    if (typeof notTraced === 'string') t.pass('system calls by name', { skip: `they cannot be counted here: ${notTraced}` })
  })
}

function advice (name: string): string {
  return `npm run counts -- ${name} counts again, npm run profile -- ${name} says where the time goes; if it is worth its price, npm run counts -- --write renews the table`
}
