import { test } from 'tap'
import type { DeliveryStatus } from '../../../src/mirror/delivery.ts'
import { describeEndpoint } from '../../../src/status/endpoint.ts'

const NOW = new Date(2026, 2, 3, 10, 48, 5).getTime()
const NOTHING = { pending: 0, oldestTakenAt: null }
const BACKLOG = { pending: 1204, oldestTakenAt: NOW - 365_000 }

function delivery (fields: Partial<DeliveryStatus> = {}): DeliveryStatus {
  return { downSince: null, closedUntil: null, projectsDown: [], lastFailure: null, lastSuccessAt: null, failingSince: null, width: 8, underWay: 1, ...fields }
}

const refused = (at: number): Partial<DeliveryStatus> => ({ lastFailure: { project: '1', code: 'refused', at }, failingSince: at })

test('down is said with since when, why, what waits and when it is tried again', t => {
  const down = delivery({ ...refused(NOW - 1000), downSince: new Date(2026, 2, 3, 10, 42).getTime(), closedUntil: NOW + 11_500 })

  const { state, since, nextAttemptAt, words } = describeEndpoint('rum.test', [down], BACKLOG, NOW)

  t.equal(words, 'down since 10:42: connection refused; 1,204 copies waiting, oldest 6 min; next attempt in 12 s')
  t.strictSame({ state, since, nextAttemptAt }, { state: 'down', since: down.downSince, nextAttemptAt: NOW + 11_500 })
  t.end()
})

test('each state has words of its own', t => {
  const hold = delivery({ closedUntil: NOW + 60_000, lastFailure: { project: '1', code: '429', at: NOW - 1 } })
  const cases: readonly (readonly [string, DeliveryStatus[], string])[] = [
    ['unknown', [], 'no attempt yet'],
    ['unknown', [delivery()], 'no attempt yet'],
    ['up', [delivery({ lastSuccessAt: NOW - 3000 })], 'up; last answer 3 s ago'],
    ['failing', [delivery({ ...refused(NOW - 1000), lastSuccessAt: NOW - 400_000, failingSince: NOW - 125_000 })], 'failing since 10:46: connection refused'],
    ['held', [hold], 'asked for a pause: answered 429 (too many requests); next attempt in 1 min'],
    ['down', [delivery({ ...refused(NOW), downSince: NOW - 5000 })], 'down since 10:48: connection refused; an attempt is under way']
  ]

  for (const [state, deliveries, words] of cases) {
    const described = describeEndpoint('rum.test', deliveries, NOTHING, NOW)
    t.strictSame([described.state, described.words], [state, words])
  }
  t.end()
})

test('it is down when any process says so: since the earliest, tried again at the earliest', t => {
  const one = delivery({ ...refused(NOW - 10), downSince: NOW - 5000, closedUntil: NOW + 2000 })
  const two = delivery({ ...refused(NOW - 20), downSince: NOW - 9000, closedUntil: NOW + 1000 })
  const well = delivery({ lastSuccessAt: NOW - 1, closedUntil: null })

  const described = describeEndpoint('rum.test', [one, well, two], NOTHING, NOW)

  t.match(described, { state: 'down', since: NOW - 9000, nextAttemptAt: NOW + 1000, width: 24, underWay: 3, lastSuccessAt: NOW - 1, lastFailure: { at: NOW - 10 } })
  t.end()
})

test('a success of any process after the last failure of all means up', t => {
  const failed = delivery(refused(NOW - 2000))

  t.equal(describeEndpoint('rum.test', [failed, delivery({ lastSuccessAt: NOW - 1000 })], NOTHING, NOW).state, 'up')
  t.match(describeEndpoint('rum.test', [failed, delivery({ lastSuccessAt: NOW - 3000 })], NOTHING, NOW), { state: 'failing', since: NOW - 2000 })
  t.end()
})
