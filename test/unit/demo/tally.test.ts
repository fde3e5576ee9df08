/** The demo calls a run good only when nothing is missing; so every way of missing must be seen. */
import { test } from 'tap'
import { createTally } from '../../../src/demo/tally.ts'
import type { Received } from '../../../src/demo/stand-ins.ts'

const PATH = '/rum/sentry/workspace/service'
const PROJECTS = [{ id: '1', mirrorPath: PATH }, { id: '3', mirrorPath: null }]
const SENT = { project: '1', sha256: 'aa', status: 200 }
const AT_RELAY: Received = {
  project: '1', target: '/api/1/envelope/', requestId: 'id-1', sha256: 'aa', body: Buffer.alloc(0),
  envelope: { eventId: null, dsn: null, sdk: null, sentAt: null, items: [{ type: 'session', length: 2, count: 1, filename: null, contentType: null }] }
}
const AT_ENDPOINT: Received = { ...AT_RELAY, target: `${PATH}/api/1/envelope/` }

test('nothing is missing once relay and the endpoint have the bytes under one request id, in either order', async t => {
  for (const endpointFirst of [false, true]) {
    const tally = createTally(PROJECTS)

    if (endpointFirst) tally.atEndpoint(AT_ENDPOINT)
    tally.atRelay(AT_RELAY)
    tally.sent(SENT)
    if (!endpointFirst) tally.atEndpoint(AT_ENDPOINT)

    t.strictSame(tally.missing(), [])
    t.match(tally.rows()[0], { project: '1', mirrored: true, sent: 1, answered: 1, atRelay: 1, atEndpoint: 1 })
  }
})

test('what is missing, or is where it does not belong, is named', async t => {
  const off = { ...SENT, project: '3' }
  for (const [name, sent, atRelay, atEndpoint, expected] of [
    ['no copy', SENT, AT_RELAY, null, 'project 1, session aa: never arrived at the endpoint'],
    ['not at relay', SENT, null, AT_ENDPOINT, 'project 1, session aa: never arrived at relay'],
    ['refused', { ...SENT, status: 503 }, AT_RELAY, AT_ENDPOINT, 'project 1, session aa: the SDK got status 503'],
    ['no answer', { ...SENT, status: null }, AT_RELAY, AT_ENDPOINT, 'project 1, session aa: the SDK got no answer'],
    ['another request id', SENT, AT_RELAY, { ...AT_ENDPOINT, requestId: 'id-2' }, 'project 1, session aa: arrived at both ends with different request ids'],
    ['another service', SENT, AT_RELAY, { ...AT_ENDPOINT, target: '/rum/sentry/workspace/service2/api/1/envelope/' }, 'project 1, session aa: arrived at the endpoint under the path of another service'],
    ['off, yet copied', off, { ...AT_RELAY, project: '3' }, { ...AT_ENDPOINT, project: '3' }, 'project 3, session aa: arrived at the endpoint, though its project is off']
  ] as const) {
    const tally = createTally(PROJECTS)

    tally.sent(sent)
    if (atRelay !== null) tally.atRelay(atRelay)
    if (atEndpoint !== null) tally.atEndpoint(atEndpoint)

    t.strictSame(tally.missing(), [expected], name)
  }
})

test('a byte changed on the way is two faults: what was sent never arrived, and what arrived was never sent', async t => {
  const tally = createTally(PROJECTS)

  tally.sent(SENT)
  tally.atRelay(AT_RELAY)
  tally.atEndpoint({ ...AT_ENDPOINT, sha256: 'ab' })

  t.strictSame(tally.missing(), [
    'project 1, session aa: never arrived at the endpoint',
    'project 1, session ab: arrived, but no SDK sent these bytes or none has its answer yet'
  ])
})

test('a request the SDK repeats on a fresh connection is one request', async t => {
  const tally = createTally(PROJECTS)

  tally.sent({ ...SENT, status: null })
  tally.sent(SENT)

  t.match(tally.rows()[0], { sent: 1, answered: 1 })
})

test('however long a demo runs, what is missing stays named', async t => {
  const tally = createTally(PROJECTS)
  tally.sent({ ...SENT, sha256: 'lost' })

  for (let i = 0; i < 20_000; i++) {
    tally.sent({ ...SENT, sha256: `sha-${i}` })
    tally.atRelay({ ...AT_RELAY, sha256: `sha-${i}` })
    tally.atEndpoint({ ...AT_ENDPOINT, sha256: `sha-${i}` })
  }

  t.strictSame(tally.missing(), ['project 1, body lost: never arrived at relay'])
  t.match(tally.rows()[0], { sent: 20_001, atRelay: 20_000, atEndpoint: 20_000 })
})
