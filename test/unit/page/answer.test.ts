import { test } from 'tap'
import { answerOf } from '../../../src/page/view/answer.ts'
import type { SpoolStatus, Status } from '../../../src/status/status.ts'
import { AT, DOWN, OFF, STATUS } from '../../fixtures/status.ts'

const CLOCK = { now: AT }

/** All is well, but for what is given. */
function withSpool (spool: Partial<SpoolStatus>, of: Status = STATUS): Status {
  if (of.spool === null || of.mirror === null) throw new Error('The fixture has no mirror.')
  const success = of.mirror.success.map(outcomes => ({ ...outcomes, dead: 0, dropped: 0 }))
  return { ...of, headline: { level: 'ok', words: '' }, findings: [], mirror: { ...of.mirror, success }, spool: { ...of.spool, dead: 0, ...spool } }
}

test('everything is in RUM when nothing was given up or dropped, and what waits is young', async t => {
  t.match(answerOf(withSpool({ pending: 0, oldestTakenAt: null }), CLOCK), { tone: 'ok', verdict: 'Yes.', words: 'All copies of the last 24 hours were delivered.' })
  t.match(answerOf(withSpool({ pending: 7, oldestTakenAt: AT - 2000 }), CLOCK), { verdict: 'Yes.', words: /or are on their way \(7\)\.$/ })
})

test('not yet, when copies have waited for longer than a delivery takes', async t => {
  t.match(answerOf(withSpool({ pending: 1204, oldestTakenAt: AT - 360_000 }), CLOCK), { tone: 'wait', verdict: 'Not yet.', words: '1,204 copies wait, the oldest for 6 min.' })
})

test('not yet, as soon as the endpoint is down', async t => {
  t.match(answerOf(withSpool({ pending: 1, oldestTakenAt: AT - 100 }, DOWN), CLOCK), { verdict: 'Not yet.', words: /^1 copy waits/ })
})

test('no, when copies were given up, dropped, or both', async t => {
  t.match(answerOf(STATUS, CLOCK), { tone: 'bad', verdict: 'No.', words: '21 copies were given up.' })
  const dropped = withSpool({ pending: 0, oldestTakenAt: null })
  const success = dropped.mirror?.success.map(outcomes => ({ ...outcomes, dropped: 1 })) ?? []
  const mirror = dropped.mirror === null ? null : { ...dropped.mirror, success }
  t.match(answerOf({ ...dropped, mirror }, CLOCK), { verdict: 'No.', words: '1 copy was dropped in the last 24 h.' })
  t.match(answerOf(DOWN, CLOCK), { verdict: 'No.', words: '21 copies were given up; 1,204 copies wait, the oldest for 6 min.' })
})

test('there is nothing to ask when nothing is mirrored', async t => {
  t.match(answerOf(OFF, CLOCK), { tone: 'idle', verdict: '', words: /^Nothing is mirrored/ })
})
