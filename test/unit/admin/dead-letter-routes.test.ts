import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test, type Test } from 'tap'
import { registerDeadLetterRoutes } from '../../../src/admin/dead-letter-routes.ts'
import { createAdminServer } from '../../../src/admin/server.ts'
import { createMemorySpool } from '../../../src/spool/memory-spool.ts'
import type { ClaimedCopy, Copy, PendingSummary, Spool } from '../../../src/spool/types.ts'
import { copyOf, fieldLines, fileBody, listPending, memoryBody } from '../../helpers/copies.ts'
import { eventually } from '../../helpers/router.ts'

const HOUR = 3_600_000
const NOW = Date.UTC(2026, 10, 22, 12)
const SECRET = '/rum/sentry/secret-workspace/secret-service'

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

interface Setup {
  readonly spool: Spool
  readonly replayed: string[][]
  /** A dead letter; it was buried this long ago. */
  readonly bury: (fields?: Partial<Copy>, reason?: string, answer?: string, ageMs?: number) => Copy
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Answer>
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Answer>
  readonly url: string
}

async function setup (t: Test, pending: readonly PendingSummary[] = []): Promise<Setup> {
  let clock = NOW
  const spool = createMemorySpool({ maxBytes: 64 * 1024 * 1024, whenFull: 'drop_oldest', onDrop () {}, now: () => clock })
  const replayed: string[][] = []
  const server = createAdminServer({ host: '127.0.0.1', port: 0, readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })
  registerDeadLetterRoutes(server.app, {
    deadLetters: spool.deadLetters,
    pending: listPending(pending),
    onReplayed: projects => { replayed.push([...projects]) },
    now: () => NOW
  })
  t.teardown(() => server.close())
  await server.listen()
  const url = `http://127.0.0.1:${server.port()}`

  return {
    spool, replayed, url,
    bury (fields = {}, reason = '400', answer = '', ageMs = 0) {
      clock = NOW - ageMs
      const copy = copyOf({ takenAt: clock - HOUR, ...fields })
      void spool.append(copy)
      spool.bury(spool.claim(1, clock)[0] as ClaimedCopy, reason, answer)
      return copy
    },
    get: async (path, headers = {}) => await read(await fetch(url + path, { headers })),
    post: async (path, body, headers = {}) => await read(await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }))
  }
}

async function read (response: Response): Promise<Answer> {
  return { status: response.status, body: await response.json() as Answer['body'] }
}

function idsOf (body: Answer['body']): string[] {
  return (body['dead_letters'] as { id: string }[]).map(letter => letter.id)
}

test('dead letters are listed oldest first, and filtered', async t => {
  const { bury, get } = await setup(t)
  const old = bury({ project: '1' }, '400', '', 2 * HOUR)
  const young = bury({ project: '2', body: memoryBody('12345') }, '413')

  const all = await get('/dead-letters')

  t.equal(all.status, 200)
  t.strictSame(all.body, {
    dead_letters: [
      { id: old.id, project: '1', reason: '400', attempts: 1, taken_at: '2026-11-22T09:00:00.000Z', buried_at: '2026-11-22T10:00:00.000Z', body_bytes: 3 },
      { id: young.id, project: '2', reason: '413', attempts: 1, taken_at: '2026-11-22T11:00:00.000Z', buried_at: '2026-11-22T12:00:00.000Z', body_bytes: 5 }
    ],
    next: null
  })
  for (const [query, ids] of [
    ['project=1', [old.id]], ['reason=413', [young.id]], ['older_than=1h', [old.id]], ['older_than=1d', []],
    ['project=2&reason=413', [young.id]], ['project=2&reason=400', []]
  ] as const) t.strictSame(idsOf((await get(`/dead-letters?${query}`)).body), ids, query)
})

test('pages follow one another to the last', async t => {
  const { bury, get } = await setup(t)
  const ids = [1, 2, 3, 4, 5].map(() => bury().id)

  const seen: string[][] = []
  let after = ''
  do {
    const { body } = await get(`/dead-letters?limit=2${after}`)
    seen.push(idsOf(body))
    after = typeof body['next'] === 'string' ? `&after=${body['next']}` : ''
  } while (after !== '')

  t.strictSame(seen, [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
})

test('one dead letter is shown decoded, without mapped path and keys', async t => {
  const { bury, get } = await setup(t)
  const text = '{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://secret-key@sentry.example.test/42","sent_at":"2026-11-22T10:00:00Z"}\n{"type":"attachment","length":2,"filename":"a.txt","content_type":"text/plain"}\nhi\n'
  const copy = bury({
    project: 'default',
    target: `${SECRET}/api/42/envelope/?sentry_key=secret-key`,
    fields: fieldLines('Content-Encoding', 'gzip', 'Content-Type', 'application/x-sentry-envelope', 'User-Agent', 'app/1', 'X-Sentry-Auth', 'Sentry sentry_key=secret-key, sentry_client=sentry.php/4.1.0', 'Cookie', 'secret'),
    body: memoryBody(gzipSync(text))
  }, '404', `no such path: ${SECRET}/api/42/envelope/`)

  const { status, body } = await get(`/dead-letters/${copy.id}`)

  t.equal(status, 200)
  t.strictSame(body, {
    id: copy.id,
    project: 'default',
    reason: '404',
    attempts: 1,
    taken_at: '2026-11-22T11:00:00.000Z',
    buried_at: '2026-11-22T12:00:00.000Z',
    body_bytes: gzipSync(text).length,
    first_attempt_at: null,
    last_attempt_at: null,
    method: 'POST',
    target: '…/api/42/envelope/?…',
    content_type: 'application/x-sentry-envelope',
    content_encoding: 'gzip',
    user_agent: 'app/1',
    answer: 'no such path: …/api/42/envelope/',
    envelope: {
      event_id: '9ec79c33ec9942ab8353589fcb2e04dc',
      dsn: 'https://***@sentry.example.test/42',
      sdk: { name: 'sentry.php', version: '4.1.0' },
      sent_at: '2026-11-22T10:00:00Z',
      items: [{ type: 'attachment', length: 2, count: 1, filename: 'a.txt', content_type: 'text/plain' }]
    },
    faults: []
  })
  t.notMatch(JSON.stringify(body), 'secret')
})

test('a body that cannot be read is said so, and is no error', async t => {
  const { bury, get } = await setup(t)
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-routes-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const lost = bury({ body: fileBody(join(folder, 'none'), 10) }, 'body_lost')
  const garbage = bury({ body: memoryBody('hello') })

  t.strictSame((await get(`/dead-letters/${lost.id}`)).body['faults'], ['Its body cannot be read (ENOENT).'])
  t.strictSame((await get(`/dead-letters/${garbage.id}`)).body['faults'], ['It is no envelope: its first line is not a JSON object.'])
  t.match(await get(`/dead-letters/${lost.id}?body=1`), { status: 410, body: { error: 'body_lost' } })
})

test('the bytes of a body are given when they are asked for, from memory and from a file', async t => {
  const { bury, url } = await setup(t)
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-routes-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const bytes = gzipSync(Buffer.alloc(300_000, 'abc'))
  await writeFile(join(folder, 'body'), bytes)
  const file = fileBody(join(folder, 'body'), bytes.length)

  for (const body of [memoryBody(bytes), file]) {
    const response = await fetch(`${url}/dead-letters/${bury({ fields: fieldLines('Content-Encoding', 'gzip'), body }).id}?body=1`)

    t.equal(response.headers.get('content-type'), 'application/octet-stream')
    t.equal(response.headers.get('content-encoding'), null)
    t.ok(Buffer.from(await response.arrayBuffer()).equals(bytes))
    await eventually(async () => body.holders() === 1 ? null : `${body.holders()} hold the body, not the spool alone`)
  }
})

test('an id that no dead letter has is a 404, one that can be none a 400', async t => {
  const { get } = await setup(t)

  t.strictSame(await get(`/dead-letters/${'0'.repeat(32)}`), { status: 404, body: { error: 'not_found', message: `No dead letter has the id ${'0'.repeat(32)}.` } })
  t.strictSame(await get(`/dead-letters/${'0'.repeat(32)}?body=1`), { status: 404, body: { error: 'not_found', message: `No dead letter has the id ${'0'.repeat(32)}.` } })
  t.strictSame(await get('/dead-letters/seven'), { status: 400, body: { error: 'bad_request', message: '"seven" is no id: an id has 32 hexadecimal digits.' } })
})

test('what is named is replayed, and what is not stays', async t => {
  const { bury, post, spool, replayed } = await setup(t)
  const [first, second, third, fourth] = [bury({ project: '1' }), bury({ project: '2' }), bury({ project: '2' }, '413'), bury()]
  const unknown = 'f'.repeat(32)

  const byId = await post('/dead-letters/replay', { ids: [first.id.toUpperCase(), unknown, first.id] })
  const byFilter = await post('/dead-letters/replay', { project: '2', reason: '413' })

  t.strictSame(byId, { status: 200, body: { replayed: 1, missing: [unknown] } })
  t.strictSame(byFilter, { status: 200, body: { replayed: 1, missing: [] } })
  t.strictSame(replayed, [['1'], ['2']])
  t.strictSame(spool.claim(10, NOW).map(({ copy, failures }) => [copy.id, failures]), [[first.id, 0], [third.id, 0]])
  t.strictSame(spool.deadLetters.list({}, 10).map(letter => letter.id), [second.id, fourth.id])
})

test('what is named is purged, and all when all is said', async t => {
  const { bury, post, spool, replayed } = await setup(t)
  const old = bury({}, '400', '', 2 * HOUR)
  for (let i = 0; i < 3; i++) bury()

  t.strictSame(await post('/dead-letters/purge', { older_than: '1h' }), { status: 200, body: { purged: 1, missing: [] } })
  t.equal(spool.deadLetters.get(old.id), null)
  t.strictSame(await post('/dead-letters/purge', { all: true }), { status: 200, body: { purged: 3, missing: [] } })
  t.strictSame(await post('/dead-letters/purge', { all: true }), { status: 200, body: { purged: 0, missing: [] } })
  t.equal(spool.stats().dead, 0)
  t.strictSame(replayed, [])
})

test('a filter that was left empty does not mean everything, and a wrong one means nothing', async t => {
  const { bury, post, spool } = await setup(t)
  bury()

  for (const [body, message] of [
    [{}, 'The filter is empty; say {"all": true} to mean every dead letter.'],
    [[], /must be a JSON object/], ['all', /must be a JSON object/], [null, /must be a JSON object/],
    [{ all: false }, 'all: can only be true.'],
    [{ all: true, project: '1' }, /^all: means every dead letter/],
    [{ al: true }, 'al: unknown; did you mean all?'],
    [{ projects: '1' }, 'projects: unknown; did you mean project?'],
    [{ banana: '1' }, 'banana: unknown; there is ids, project, reason, older_than, all.'],
    [{ project: 1 }, 'project: expected one text.'],
    [{ ids: 'x' }, 'ids: expected a list of ids.'],
    [{ ids: ['x'] }, '"x" is no id: an id has 32 hexadecimal digits.'],
    [{ older_than: '5' }, 'older_than: expected a time such as 1h, got "5".']
  ] as const) {
    for (const verb of ['replay', 'purge']) t.match(await post(`/dead-letters/${verb}`, body), { status: 400, body: { error: 'bad_request', message } }, JSON.stringify(body))
  }
  t.strictSame(await post('/dead-letters/purge', { ids: [] }), { status: 200, body: { purged: 0, missing: [] } })
  t.equal(spool.stats().dead, 1)
})

test('a query that makes no sense is a 400 that says what is wrong', async t => {
  const { get } = await setup(t)

  for (const [path, message] of [
    ['/dead-letters?limit=0', 'limit: expected a number from 1 to 1000, got "0".'],
    ['/dead-letters?limit=1e2', /^limit: expected/],
    ['/dead-letters?limit=1001', /^limit: expected/],
    ['/dead-letters?older_than=soon', 'older_than: expected a time such as 1h, got "soon".'],
    ['/dead-letters?project=1&project=2', 'project: expected one text.'],
    ['/dead-letters?raeson=400', 'raeson: unknown; did you mean reason?'],
    ['/dead-letters?after=-', 'after: expected the "next" of a page.'],
    ['/pending?reason=400', /^reason: unknown/]
  ] as const) t.match(await get(path), { status: 400, body: { error: 'bad_request', message } }, path)
})

test('the backlog is listed in pages, and filtered', async t => {
  const pending = Array.from({ length: 500 }, (_, i) => ({
    id: i.toString(16).padStart(32, '0'), project: String(i % 2), attempts: i, takenAt: NOW - i * 60_000, dueAt: i === 1 ? null : NOW + HOUR, bodyBytes: 7, position: `f${i.toString(16).padStart(4, '0')}`
  }))
  const { get } = await setup(t, pending)

  const first = await get('/pending?project=1&older_than=1m&limit=2')
  const second = await get(`/pending?limit=2&after=${String(first.body['next'])}`)
  const seen: unknown[] = []
  for (let after: string | null = ''; after !== null;) {
    const { body } = await get(`/pending?project=1&limit=100${after}`)
    seen.push(...body['pending'] as unknown[])
    after = typeof body['next'] === 'string' ? `&after=${body['next']}` : null
  }

  t.strictSame(first.body, {
    pending: [3, 5].map(i => ({ id: pending[i]?.id, project: '1', attempts: i, taken_at: new Date(NOW - i * 60_000).toISOString(), due_at: '2026-11-22T13:00:00.000Z', body_bytes: 7 })),
    next: 'f0005'
  })
  t.match(second.body, { pending: [{ id: pending[6]?.id }, { id: pending[7]?.id }], next: 'f0007' })
  t.equal(seen.length, 250)
  t.match(seen[0], { id: pending[1]?.id, due_at: null })
})

const FOREIGN: readonly Record<string, string>[] = [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example.test' }, { origin: 'null' }, { origin: 'http://127.0.0.1:1' }]

test('pages of other sites are refused, with and without a body; programs and the own page are not', async t => {
  const { bury, get, post, url, spool } = await setup(t)
  bury()

  for (const headers of FOREIGN) {
    t.match(await post('/dead-letters/purge', { all: true }, headers), { status: 403, body: { error: 'cross_site' } }, JSON.stringify(headers))
    t.equal((await get('/dead-letters', headers)).status, 403)
  }
  t.equal(spool.stats().dead, 1)
  t.equal((await get('/dead-letters')).status, 200)
  t.equal((await get('/dead-letters', { 'sec-fetch-site': 'none' })).status, 200)
  t.match(await post('/dead-letters/purge', { all: true }, { origin: url, 'sec-fetch-site': 'same-origin' }), { status: 200 })
})

test('only JSON is taken', async t => {
  const { bury, post, url, spool } = await setup(t)
  bury()

  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
    t.match(await post('/dead-letters/purge', { all: true }, { 'content-type': type }), { status: 415, body: { error: 'not_json' } }, type)
  }
  t.equal((await fetch(`${url}/dead-letters/purge`, { method: 'POST' })).status, 415)
  const broken = await fetch(`${url}/dead-letters/purge`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })
  t.match([broken.status, await broken.json()], [400, { error: 'bad_request' }])
  t.equal(spool.stats().dead, 1)
  t.equal((await post('/dead-letters/purge', { all: true }, { 'content-type': 'application/json; charset=utf-8' })).status, 200)
})
