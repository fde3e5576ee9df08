import { test } from 'tap'
import type { DeliveryStatus } from '../../../src/mirror/delivery.ts'
import { createOutageMerge, logOutage, type OutageEvent, type OutageMerge } from '../../../src/mirror/outage-log.ts'

const DOWN: OutageEvent = { kind: 'down', project: null, code: 'refused', pending: 3 }
const BACK: OutageEvent = { kind: 'back', project: null, downMs: 4000, failures: 2, pending: 3 }

function setup (): { merge: OutageMerge<string>, told: OutageEvent[], pass: (ms: number) => void, now: () => number } {
  const told: OutageEvent[] = []
  let time = 1_000_000
  return {
    merge: createOutageMerge({ onOutage: event => { told.push(event) }, pendingOfOthers: () => 67, now: () => time }),
    told,
    pass: ms => { time += ms },
    now: () => time
  }
}

function statusOf (fields: Partial<DeliveryStatus> = {}): DeliveryStatus {
  return { downSince: null, closedUntil: null, projectsDown: [], lastFailure: null, lastSuccessAt: null, failingSince: null, width: 1, underWay: 0, ...fields }
}

test('an outage that four processes find is told twice: at the first word, and when the last one takes it back', async t => {
  const { merge, told, pass } = setup()

  for (const worker of ['a', 'b', 'c', 'd']) {
    merge.told(worker, DOWN)
    pass(1000)
  }
  for (const worker of ['b', 'a', 'c', 'd']) merge.told(worker, BACK)
  merge.told('a', DOWN)

  t.strictSame(told, [{ ...DOWN, pending: 70 }, { kind: 'back', project: null, downMs: 4000, failures: 8, pending: 70 }, { ...DOWN, pending: 70 }])
})

test('projects have outages of their own', async t => {
  const { merge, told } = setup()

  merge.told('a', { ...DOWN, project: '1' })
  merge.told('b', { ...DOWN, project: '2' })
  merge.told('b', { ...BACK, project: '2' })

  t.strictSame(told.map(({ kind, project }) => `${kind} ${project}`), ['down 1', 'down 2', 'back 2'])
})

test('an outage outlives the process that found it, and is over when a copy gets through', async t => {
  const { merge, told, pass, now } = setup()
  merge.told('a', DOWN)
  const before = now()
  pass(5000)

  merge.gone('a')
  merge.seen('b', statusOf({ lastSuccessAt: before - 1 }), 3)
  t.equal(told.length, 1, 'its last success was before')
  merge.told('b', DOWN)
  t.equal(told.length, 1, 'it is the same outage')
  merge.gone('b')
  merge.seen('c', statusOf({ lastSuccessAt: now() }), 3)

  t.match(told[1], { kind: 'back', downMs: 5000 })
  t.equal(told.length, 2)
})

test('a process that forgot an outage, as after a reload, takes it back by its next success', async t => {
  const { merge, told, pass, now } = setup()
  merge.told('a', DOWN)
  pass(1000)

  merge.seen('a', statusOf({ downSince: now() - 1000 }), 3)
  t.equal(told.length, 1)
  merge.seen('a', statusOf(), 3)
  t.equal(told.length, 1, 'nothing got through yet')
  merge.seen('a', statusOf({ lastSuccessAt: now() }), 3)

  t.match(told[1], { kind: 'back', downMs: 1000 })
})

test('the lines have the counts, and say what becomes of the copies', async t => {
  const lines: string[] = []
  const say = (fields: unknown, message?: string): void => { lines.push(`${message} ${JSON.stringify(fields)}`) }
  for (const event of [DOWN, BACK, { ...DOWN, project: '7' }, { ...BACK, project: '7' }]) logOutage({ info: say, warn: say }, event)

  t.strictSame(lines, [
    'the endpoint is down; copies wait in the spool, and go out once it is back {"code":"refused","pending":3}',
    'the endpoint is back; copies that waited go out {"downMs":4000,"failures":2,"pending":3}',
    'the endpoint takes no copies of one project; they wait in the spool: is its path in the configuration right, and its quota used up? {"project":"7","code":"refused","pending":3}',
    'the endpoint takes the copies of this project again {"project":"7","downMs":4000,"failures":2,"pending":3}'
  ])
})
