/** The report over HTTP. */
import t, { test, type Test } from 'tap'
import { createAdminServer } from '../../../src/admin/server.ts'
import { registerReportRoutes } from '../../../src/admin/report-route.ts'
import { createLedger, type Ledger } from '../../../src/spool/ledger.ts'
import type { UndeliveredCopy } from '../../../src/spool/undelivered.ts'

t.setTimeout(30_000)

const NOW = Date.UTC(2026, 7, 20, 12, 34)
const DAY = 86_400_000
const EVENT_ID = 'fc6d8c0c43fc4630ad850ee518f1b9d0'

interface Setup {
  readonly url: string
  /** What was asked of the source. */
  readonly asked: unknown[]
}

async function setup (t: Test, count: (ledger: Ledger) => void, found: Iterable<UndeliveredCopy> = []): Promise<Setup> {
  const asked: unknown[] = []
  const ledger = createLedger({ writer: 'w', now: () => NOW })
  count(ledger)
  const server = createAdminServer({ host: '127.0.0.1', port: 0, readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })
  registerReportRoutes(server.app, {
    now: () => NOW,
    source: {
      readLedger: () => ledger.takeDirty(),
      notDelivered (request) {
        asked.push(request)
        return found
      }
    }
  })
  await server.listen()
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${server.port()}`, asked }
}

function deadCopy (fields: Partial<UndeliveredCopy> = {}): UndeliveredCopy {
  const body = Buffer.from(`{"event_id":"${EVENT_ID}"}\n{"type":"event","length":2}\n{}\n`)
  return {
    id: 'a'.repeat(32), project: '1', state: 'dead', reason: '400', takenAt: NOW, eventId: null,
    copy: { fields: '', body: { length: body.length, chunks: [body], file: null, hold () {}, release () {}, takeFile: async () => {} } },
    ...fields
  }
}

test('every form says in a header whether the report is complete', async t => {
  for (const [form, type] of [['json', 'application/json'], ['csv', 'text/csv'], ['md', 'text/markdown'], ['txt', 'text/plain']] as const) {
    for (const delivered of [1, 2]) {
      const { url } = await setup(t, ledger => {
        ledger.add('1', 'accepted', 2)
        ledger.add('1', 'delivered', delivered)
      })

      const response = await fetch(`${url}/report.${form}`)

      t.equal(response.status, 200)
      t.equal(response.headers.get('report-complete'), String(delivered === 2))
      t.equal(response.headers.get('content-type'), `${type}; charset=utf-8`)
      t.match(await response.text(), delivered === 2 ? 'complete' : '1 of 2 missing: 1 still waiting')
    }
  }
})

test('copies are named by the event ids in their bodies; one without a body by what is known', async t => {
  const { url } = await setup(t, ledger => { ledger.add('1', 'accepted', 3) }, [
    deadCopy(),
    deadCopy({ state: 'dropped', reason: 'spool_full', copy: null, eventId: 'b'.repeat(32) }),
    deadCopy({ copy: { fields: '', body: { length: 9, chunks: null, file: '/nowhere/at/all', hold () {}, release () {}, takeFile: async () => {} } } })
  ])

  const report = await (await fetch(`${url}/report.json`)).json() as { notDelivered: unknown }

  t.match(report.notDelivered, [
    { project: '1', requestId: 'a'.repeat(32), eventId: EVENT_ID, state: 'dead', reason: '400', takenAt: '2026-08-20T12:34:00.000Z' },
    { state: 'dropped', reason: 'spool_full', eventId: 'b'.repeat(32) },
    { state: 'dead', eventId: null }
  ])
})

test('a form for people asks for no more copies than it lists', async t => {
  let asked = 0
  const { url } = await setup(t, ledger => { ledger.add('1', 'accepted', 1_000_000) }, {
    * [Symbol.iterator] () {
      for (; asked < 1_000_000; asked++) yield deadCopy()
    }
  })

  const text = await (await fetch(`${url}/report.txt`)).text()

  t.match(text, 'and 999,980 more')
  t.ok(asked < 100_000, `${asked}`)
})

test('since and project are the window', async t => {
  const { url, asked } = await setup(t, () => {})

  for (const query of ['', '?since=7d&project=3', '?since=2026-08-20', '?since=2026-08-20T11:59', '?since=2026-08-20T11:59:00%2B02:00']) {
    await (await fetch(`${url}/report.json${query}`)).text()
  }

  t.strictSame(asked, [
    { sinceMs: Date.parse('2026-08-19T12:00Z'), project: undefined },
    { sinceMs: Date.parse('2026-08-19T12:00Z') - 6 * DAY, project: '3' },
    { sinceMs: Date.parse('2026-08-20T00:00Z'), project: undefined },
    { sinceMs: Date.parse('2026-08-20T11:00Z'), project: undefined },
    { sinceMs: Date.parse('2026-08-20T09:00Z'), project: undefined }
  ])
})

for (const query of ['since=soon', 'since=', 'since=5', 'since=2026-13-01', 'since=2027-01-01', 'since=1h&since=2h', 'project=1&project=2', 'until=1h']) {
  test(`?${query} is refused with a sentence`, async t => {
    const { url } = await setup(t, () => {})

    const response = await fetch(`${url}/report.json?${query}`)

    t.equal(response.status, 400)
    t.match(await response.json(), { error: 'bad_request', message: /^(since|project|until): / })
  })
}

test('a page of another site gets nothing', async t => {
  const { url, asked } = await setup(t, () => {})

  const response = await fetch(`${url}/report.json`, { headers: { 'sec-fetch-site': 'cross-site' } })

  t.equal(response.status, 403)
  t.strictSame(asked, [])
})
