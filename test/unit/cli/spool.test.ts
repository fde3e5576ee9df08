import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { stringify } from 'yaml'
import { registerDeadLetterRoutes } from '../../../src/admin/dead-letter-routes.ts'
import { createAdminServer } from '../../../src/admin/server.ts'
import { createSpoolCommand, type SpoolReader } from '../../../src/cli/spool.ts'
import { createMemorySpool } from '../../../src/spool/memory-spool.ts'
import type { ClaimedCopy, Copy, PendingSummary, Spool } from '../../../src/spool/types.ts'
import { runCommand, type Ran } from '../../helpers/command.ts'
import { copyOf, fieldLines, listPending, memoryBody } from '../../helpers/copies.ts'

const HOUR = 3_600_000
const UNKNOWN = 'f'.repeat(32)

interface Filled {
  readonly spool: Spool
  readonly pending: PendingSummary[]
  readonly bury: (fields?: Partial<Copy>, reason?: string, answer?: string, ageMs?: number) => Copy
}

function fill (): Filled {
  let clock = Date.now()
  const spool = createMemorySpool({ maxBytes: 64 * 1024 * 1024, whenFull: 'drop_oldest', onDrop () {}, now: () => clock })
  return {
    spool,
    pending: [],
    bury (fields = {}, reason = '400', answer = '', ageMs = 0) {
      clock = Date.now() - ageMs
      const copy = copyOf({ takenAt: clock, ...fields })
      void spool.append(copy)
      spool.bury(spool.claim(1, clock)[0] as ClaimedCopy, reason, answer)
      return copy
    }
  }
}

interface Setup extends Filled {
  /** The command with `--config`, against what was set up. */
  readonly run: (...args: string[]) => Promise<Ran>
  readonly runOnTerminal: (...args: string[]) => Promise<Ran>
  readonly folder: string
  /** Projects of replays that a running router was told of. */
  readonly replayed: string[]
}

async function configure (t: Test, port: number, open: (path: string) => SpoolReader): Promise<Pick<Setup, 'run' | 'runOnTerminal' | 'folder'>> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-spool-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'router.yaml')
  await writeFile(file, stringify({ mirror: { endpoint: 'http://127.0.0.1:1', default: '/rum/sentry/w/s' }, spool: { path: join(folder, 'spool') }, admin: { host: '0.0.0.0', port } }))
  const command = createSpoolCommand({ openReader: async path => open(path) })
  return {
    folder,
    run: (...args) => runCommand(command, [...args, '--config', file]),
    runOnTerminal: (...args) => runCommand(command, [...args, '--config', file], { isTTY: true })
  }
}

/** A router runs, with the admin routes of the real one. */
async function online (t: Test): Promise<Setup> {
  const filled = fill()
  const replayed: string[] = []
  const server = createAdminServer({ host: '127.0.0.1', port: 0, readiness: () => 'ready', metrics: { contentType: 'text/plain', render: async () => '' } })
  registerDeadLetterRoutes(server.app, {
    deadLetters: filled.spool.deadLetters,
    pending: listPending(filled.pending),
    onReplayed: projects => { replayed.push(...projects) },
    now: Date.now
  })
  t.teardown(() => server.close())
  await server.listen()
  return { ...filled, replayed, ...await configure(t, server.port(), () => { throw new Error('the router runs') }) }
}

async function closedPort (): Promise<number> {
  const server = createNetServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** No router runs; it left a spool. */
async function offline (t: Test): Promise<Setup & { readonly closed: () => number }> {
  const filled = fill()
  let closed = 0
  const configured = await configure(t, await closedPort(), () => ({
    deadLetters: filled.spool.deadLetters,
    pending: listPending(filled.pending),
    close () { closed++ }
  }))
  await mkdir(join(configured.folder, 'spool'))
  await writeFile(join(configured.folder, 'spool', 'data.mdb'), '')
  return { ...filled, replayed: [], ...configured, closed: () => closed }
}

for (const [where, setup] of [['of a running router', online], ['of a router that is stopped', offline]] as const) {
  test(`dead letters ${where} are listed as a table, and filtered`, async t => {
    const { run, bury } = await setup(t)
    const old = bury({ project: '1', body: memoryBody('12345') }, '400', '', 2 * HOUR + 60_000 * 5)
    const young = bury({}, 'expired')

    const all = await run('ls')

    t.match(all, { code: 0, err: '' })
    const [head, ...rows] = all.out.split('\n')
    t.equal(head, `${'id'.padEnd(32)}  project  reason   attempts   age  bytes`)
    t.equal(rows[0], `${old.id}  1        400             1  2h5m      5`)
    t.match(rows[1], new RegExp(`^${young.id}  default  expired         0    \\ds      3$`))
    t.equal(rows.length, 3)
    for (const [args, ids] of [
      [['--project', '1'], [old.id]], [['--reason=expired'], [young.id]], [['--older-than', '1h'], [old.id]]
    ] as const) t.strictSame((await run('ls', ...args)).out.split('\n').slice(1, -1).map(line => line.slice(0, 32)), ids)
  })

  test(`nothing to list ${where} is said in a sentence, and is no failure`, async t => {
    const { run } = await setup(t)

    t.strictSame(await run('ls'), { code: 0, out: 'There are no dead letters.\n', err: '' })
    t.strictSame(await run('ls', '--project', '7'), { code: 0, out: 'No dead letters match.\n', err: '' })
    t.strictSame(await run('ls', '--pending'), { code: 0, out: 'No copies wait.\n', err: '' })
    t.strictSame(await run('ls', '--pending', '--project', '7'), { code: 0, out: 'No copies that wait match.\n', err: '' })
    t.strictSame(JSON.parse((await run('ls', '--json')).out), { dead_letters: [], more: false })
    t.strictSame(await run('replay', '--all'), { code: 0, out: 'There are no dead letters.\n', err: '' })
    t.strictSame(await run('purge', '--reason', '400'), { code: 0, out: 'No dead letters match.\n', err: '' })
  })

  test(`as many dead letters ${where} are listed as asked for, over any number of pages`, async t => {
    const { run, bury } = await setup(t)
    const ids = Array.from({ length: 1203 }, () => bury().id)

    const hundred = await run('ls')
    const some = await run('ls', '--limit', '600', '--json')
    const all = await run('ls', '--limit', '1203', '--json')

    t.equal(hundred.out.split('\n').length, 102)
    t.equal(hundred.err, 'There are more: --limit N lists more of them.\n')
    const listed = JSON.parse(some.out) as { dead_letters: { id: string }[], more: boolean }
    t.strictSame([listed.dead_letters.map(letter => letter.id), listed.more], [ids.slice(0, 600), true])
    const every = JSON.parse(all.out) as typeof listed
    t.strictSame([every.dead_letters.map(letter => letter.id), every.more], [ids, false])
  })

  test(`the backlog ${where} is listed`, async t => {
    const { run, pending } = await setup(t)
    const now = Date.now()
    pending.push({ id: '1'.repeat(32), project: '1', attempts: 0, takenAt: now - 3 * 86_400_000, dueAt: null, bodyBytes: 5, position: 'f1' })
    pending.push({ id: '2'.repeat(32), project: 'default', attempts: 3, takenAt: now, dueAt: now + HOUR + 30_000, bodyBytes: 1000, position: 'w2' })

    const { code, out } = await run('ls', '--pending')
    const first = await run('ls', '--pending', '--limit', '1')
    const json = await run('ls', '--pending', '--json')

    t.equal(code, 0)
    t.match(out.split('\n'), [
      /^id +project  attempts  age  next attempt  bytes$/,
      /^1{32}  1 +0   3d +now      5$/,
      /^2{32}  default +3 +\ds +in 1h   1000$/,
      ''
    ])
    t.equal(first.err, 'More copies wait: --limit N lists more of them.\n')
    t.match(JSON.parse(json.out), { pending: [{ id: '1'.repeat(32) }, { id: '2'.repeat(32) }], more: false })
  })

  test(`a dead letter ${where} is shown with all that is known of it, and steers no terminal`, async t => {
    const { run, bury } = await setup(t)
    const copy = bury({
      project: '1',
      target: '/rum/sentry/secret/secret/api/1/envelope/?sentry_key=secret',
      fields: fieldLines('Content-Type', 'application/x-sentry-envelope', 'User-Agent', 'app\u009b31m'),
      body: memoryBody('{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://secret@sentry.example.test/1","sdk":{"name":"sentry.javascript.node","version":"11.12.0"}}\n{"type":"event","length":2}\n{}\n{"type":"attachment","length":2000,"filename":"a\\u001b.txt"}\nx')
    }, '413', 'too\n\u001b[31mlarge\n', HOUR)

    const { code, out } = await run('show', copy.id.toUpperCase())
    const json = await run('show', copy.id, '--json')

    t.equal(code, 0)
    t.match(out.split('\n'), [
      copy.id,
      '  project     1',
      '  reason      413, after 1 attempt',
      /^ {2}taken {7}2\S+Z \(1h ago\)$/,
      /^ {2}given up {4}2\S+Z \(1h ago\)$/,
      '  request     POST …/api/1/envelope/?…',
      '  body        246 bytes, application/x-sentry-envelope',
      '  event       9ec79c33ec9942ab8353589fcb2e04dc',
      '  sdk         sentry.javascript.node 11.12.0',
      '  dsn         https://***@sentry.example.test/1',
      '  items       2',
      '              event, 2 bytes',
      '              attachment, 2,000 bytes, a\\x1b.txt',
      '  user agent  app\\x9b31m',
      '  note        Item 2 says that it has 2000 bytes, but 1999 of them are missing.',
      '  answer      too',
      '              \\x1b[31mlarge',
      ''
    ])
    t.match(JSON.parse(json.out), [{ id: copy.id, envelope: { event_id: '9ec79c33ec9942ab8353589fcb2e04dc', items: [{ type: 'event' }, { type: 'attachment' }] } }])
    t.notMatch(out + json.out, 'secret')
  })

  test(`an id that no dead letter ${where} has is exit code 1; the others are dealt with`, async t => {
    const { run, bury, spool } = await setup(t)
    const ids = [bury().id, bury().id]

    const shown = await run('show', UNKNOWN, ids[0] ?? '')
    const replayed = await run('replay', UNKNOWN, ids[0] ?? '', ids[0] ?? '')
    const purged = await run('purge', ids[1] ?? '', UNKNOWN, '--json')

    t.match(shown, { code: 1, err: `${UNKNOWN}: no dead letter has this id\n` })
    t.ok(shown.out.startsWith(`${ids[0]}\n`))
    t.match(replayed, { code: 1, out: /^Replayed 1 dead letter\b/, err: `${UNKNOWN}: no dead letter has this id\n` })
    t.equal(purged.code, 1)
    t.strictSame(JSON.parse(purged.out), { purged: 1, missing: [UNKNOWN] })
    t.match(spool.stats(), { pending: 1, dead: 0 })
  })

  test(`what matches ${where} is replayed or purged, in pages`, async t => {
    const { run, runOnTerminal, bury, spool } = await setup(t)
    for (let i = 0; i < 1100; i++) bury({ project: '1' })
    for (let i = 0; i < 3; i++) bury({ project: '2' }, '413', '', 2 * HOUR)

    const purged = await run('purge', '--older-than', '1h', '--project', '2')
    const replayed = await runOnTerminal('replay', '--all')

    t.strictSame(purged, { code: 0, out: 'Purged 3 dead letters.\n', err: '' })
    t.match(replayed, { code: 0, out: /^Replayed 1,100 dead letters/ })
    t.match(replayed.err, 'Replaying … 500')
    t.match(replayed.err, ' 500 of 1,100, 45 %')
    t.ok(replayed.err.endsWith('\r\u001b[2K'), 'the bar is gone at the end')
    t.match(spool.stats(), { pending: 1100, dead: 0 })
  })
}

test('a running router is told what was replayed; a stopped one says when it goes out', async t => {
  const running = await online(t)
  const stopped = await offline(t)
  running.bury({ project: '1' })
  stopped.bury({ project: '1' })

  t.equal((await running.run('replay', '--all')).out, 'Replayed 1 dead letter.\n')
  t.equal((await stopped.run('replay', '--all')).out, 'Replayed 1 dead letter; the router sends them when it starts.\n')
  t.strictSame(running.replayed, ['1'])
  t.equal(stopped.closed(), 1)
})

test('a copy that is given up again while others are replayed is not replayed again', async t => {
  const { run, bury, spool } = await offline(t)
  for (let i = 0; i < 1000; i++) bury()
  const { deadLetters } = spool
  const replay = deadLetters.replay.bind(deadLetters)
  let replays = 0
  deadLetters.replay = async filter => {
    const projects = await replay(filter)
    replays += projects.length
    for (const claimed of spool.claim(1000, Date.now())) spool.bury(claimed, '400', '')
    return projects
  }

  const { out } = await run('replay', '--all')

  t.match(out, /^Replayed 1,000 dead letters/)
  t.equal(replays, 1000)
})

test('a command line that makes no sense changes nothing and says why', async t => {
  const { run, bury, spool } = await offline(t)
  const { id } = bury()

  for (const [args, message] of [
    [[], 'ls|show|replay|purge is missing'],
    [['lst'], 'lst: there is ls, show, replay and purge; did you mean ls?'],
    [['show'], 'ID is missing'],
    [['show', 'seven'], 'seven: not an id; an id has 32 hexadecimal digits, as spool ls prints it'],
    [['show', id, '--project', '1'], 'show takes ids; ls lists those that match'],
    [['ls', id], 'ls takes no ids; show tells about them'],
    [['ls', '--all'], '--all: only with replay and purge'],
    [['ls', '--limit', '0'], '--limit 0: expected a number above 0'],
    [['ls', '--pending', '--reason', '400'], '--reason: a copy that waits has none'],
    [['ls', '--older-than', '5'], '--older-than 5: expected a time such as 1h'],
    [['purge'], 'say what to purge: ids, --project, --reason, --older-than or --all'],
    [['purge', '--all', '--project', '1'], 'say what to purge in one way: ids, or --project, --reason and --older-than, or --all'],
    [['replay', id, '--all'], 'say what to replay in one way: ids, or --project, --reason and --older-than, or --all'],
    [['purge', '--all', '--pending'], '--pending: only with ls'],
    [['purge', '--all', '--limit', '1'], '--limit: only with ls']
  ] as const) t.strictSame(await run(...args), { code: 2, out: '', err: message }, args.join(' '))
  t.equal(spool.stats().dead, 1)
})

test('when there is neither a router nor a spool, both places are named', async t => {
  const port = await closedPort()
  const { run, folder } = await configure(t, port, () => { throw new Error('must not be opened') })

  t.strictSame(await run('ls'), { code: 1, out: '', err: `No router listens at http://127.0.0.1:${port}, and there is no spool in ${folder}/spool. Is this the configuration that the router runs with? --config FILE names another.\n` })
})

test('a router on any free port is not looked for', async t => {
  const { run, folder } = await configure(t, 0, () => { throw new Error('damaged') })
  await mkdir(join(folder, 'spool'))
  await writeFile(join(folder, 'spool', 'data.mdb'), '')

  t.strictSame(await run('ls'), { code: 1, out: '', err: `admin.port is 0, so that a running router cannot be found, and the spool in ${folder}/spool cannot be opened (damaged).\n` })
})

async function impostor (t: Test, answer: RequestListener): Promise<Setup['run']> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return (await configure(t, (server.address() as AddressInfo).port, () => { throw new Error('must not be opened') })).run
}

test('something else at the port of the router is not taken for one', async t => {
  const run = await impostor(t, (_request, response) => { response.end('<h1>Hello</h1>') })

  t.match(await run('ls'), { code: 1, out: '', err: /^What answers at http:\/\/127\.0\.0\.1:\d+ is not a router; admin\.host and admin\.port say/ })
})

test('a router that fails or goes away in between is an error in words, and what was done is said', async t => {
  let pages = 0
  const ids = Array.from({ length: 600 }, (_, i) => i.toString(16).padStart(32, '0'))
  const run = await impostor(t, (request, response) => {
    if (request.url === '/healthz') return response.end('ok\n')
    if (request.method === 'GET') return response.end(JSON.stringify({ dead_letters: ids.map(id => ({ id })), next: null }))
    if (pages++ === 0) return response.end(JSON.stringify({ purged: 500, missing: [] }))
    if (pages === 2) return response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"internal","message":"The spool did not do it (EIO)."}')
    return request.socket.destroy()
  })

  t.match(await run('purge', '--all'), { code: 1, out: '', err: /^Before it failed, 500 dead letters were purged\.\nThe router at \S+ answered 500: The spool did not do it \(EIO\)\.\n$/ })
  t.match(await run('purge', '--all'), { code: 1, out: '', err: /^The router at \S+ cannot be reached \(\w+\)\..*\n$/ })
})

test('faults of the configuration are named, and nothing is asked', async t => {
  const { run, folder } = await offline(t)
  await writeFile(join(folder, 'router.yaml'), 'spol: {}\n')

  t.match(await run('ls'), { code: 1, out: '', err: /router\.yaml:1:1: spol: unknown/ })
})
