import { test } from 'tap'
import { createDeadLetterCounter } from '../../../src/status/dead-letters.ts'
import type { DeadReason } from '../../../src/spool/dead-reasons.ts'

/** A graveyard in memory, which notes how many letters were read. */
function setup (count: number) {
  const letters: DeadReason[] = []
  let now = 0
  let read = 0
  const bury = (project: string, reason: string): void => { letters.push({ key: Buffer.from(String(1000 + letters.length)), project, reason }) }
  for (let i = 0; i < count; i++) bury('1', '400')
  const counter = createDeadLetterCounter({
    * deadReasons (after) {
      for (const letter of letters) {
        if (after !== null && Buffer.compare(letter.key, after) <= 0) continue
        read++
        now++
        yield letter
      }
    },
    stats: () => ({ dead: letters.length })
  }, () => now)
  const readFor = async (): Promise<number> => {
    read = 0
    await counter.refresh()
    return read
  }
  return { letters, bury, counter, readFor, pass: (ms: number) => { now += ms } }
}

test('dead letters are counted once, and then only the new ones are read', async t => {
  const { counter, readFor, bury } = setup(100)

  t.equal(await readFor(), 100)
  t.equal(await readFor(), 0)
  bury('2', 'expired')
  t.equal(await readFor(), 1)
  t.strictSame(counter.counts(), [{ project: '1', reason: '400', count: 100 }, { project: '2', reason: 'expired', count: 1 }])
})

test('when some are gone all are counted again, but not too often', async t => {
  const { counter, readFor, letters, pass } = setup(100)
  await counter.refresh()

  letters.splice(0, 10)
  t.equal(await readFor(), 90)
  t.strictSame(counter.counts(), [{ project: '1', reason: '400', count: 90 }])
  letters.splice(0, 10)
  t.equal(await readFor(), 0, 'it rests')
  t.strictSame(counter.counts(), [{ project: '1', reason: '400', count: 90 }])
  pass(90 * 20)
  t.equal(await readFor(), 80)
  t.strictSame(counter.counts(), [{ project: '1', reason: '400', count: 80 }])
})

test('those who wait while it is counted wait for the same count, and others have their turn', async t => {
  const { counter } = setup(1000)
  let turns = 0
  const turn = (): void => { turns++; if (turns < 10_000) setImmediate(turn) }
  setImmediate(turn)

  const [one, two] = [counter.refresh(), counter.refresh()]
  await one

  t.equal(one, two)
  t.ok(turns > 100, `${turns} turns of others`)
  turns = 10_000
})

test('a disk that fails leaves the last count', async t => {
  const { counter, letters } = setup(3)
  await counter.refresh()
  Object.defineProperty(letters, Symbol.iterator, { value () { throw new Error('EIO') } })

  await counter.refresh()

  t.strictSame(counter.counts(), [{ project: '1', reason: '400', count: 3 }])
})
