/** Copies that the endpoint refuses, in an operator's hands: `mirror-router spool` beside a router, and after it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import t, { test, type Test } from 'tap'
import { parse } from 'yaml'
import { startRouterProcess, type RouterFile } from '../../src/demo/router-process.ts'
import { answers, header, type Backend } from '../helpers/backends.ts'
import type { Ran } from '../helpers/command.ts'
import { MIRROR_PATHS, startAll, type StartedRouter } from '../helpers/router.ts'

t.setTimeout(120_000)

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const ID_OF_GZIP = '9ec79c33ec9942ab8353589fcb2e04dc'
const ID_OF_ZSTD = '5ca1ab1e00000000000000000000beef'
const SECRET = MIRROR_PATHS[1].slice(0, -1)

/** `mirror-router spool` with the configuration of this router. */
function spool (router: StartedRouter, ...args: string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, 'spool', ...args, '--config', join(router.folder, 'router.yaml')], (_error, out, err) => { resolve({ code: child.exitCode ?? -1, out, err }) })
  })
}

function envelope (eventId: string, project: number): string {
  return `{"event_id":"${eventId}","dsn":"https://key@sentry.example.test/${project}","sdk":{"name":"sentry.javascript.browser","version":"11.12.0"}}\n{"type":"event"}\n{"message":"it broke"}\n{"type":"attachment","length":3,"filename":"log.txt"}\nabc\n`
}

async function post (url: string, coding: string, body: Buffer): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/x-sentry-envelope', 'content-encoding': coding }, body })
  await response.arrayBuffer()
}

interface Refused {
  readonly router: StartedRouter
  readonly endpoint: Backend
  /** Of the dead letters, the oldest first: one of project 1 in gzip, one of project 2 in zstd. */
  readonly ids: readonly string[]
}

/** A router whose endpoint has refused two copies. */
async function refuseTwo (t: Test, workers: number): Promise<Refused> {
  const { router, endpoint } = await startAll(t, { workers })
  endpoint.answerWith((request, socket) => { answers.status('400 Bad Request', `cannot read ${request.target}`)(request, socket) })
  await post(`${router.url80}/api/1/envelope/`, 'gzip', gzipSync(envelope(ID_OF_GZIP, 1)))
  await endpoint.received(1)
  await post(`${router.url80}/api/2/envelope/`, 'zstd', zstdCompressSync(envelope(ID_OF_ZSTD, 2)))
  await endpoint.received(2)
  await router.metricIs(2, 'mirror_dead_total', { reason: '400' })
  return { router, endpoint, ids: endpoint.requests.map(request => header(request, 'x-request-id') ?? '') }
}

function idsIn (json: string): string[] {
  return (JSON.parse(json) as { dead_letters: { id: string }[] }).dead_letters.map(letter => letter.id)
}

for (const workers of [1, 2]) {
  test(`what the endpoint refuses is listed, shown decoded, and delivered when it is replayed; workers: ${workers}`, async t => {
    const { router, endpoint, ids } = await refuseTwo(t, workers)

    const listed = await spool(router, 'ls', '--json')
    const shown = await spool(router, 'show', ...ids)

    t.match(JSON.parse(listed.out), { dead_letters: [{ id: ids[0], project: '1', reason: '400', attempts: 1 }, { id: ids[1], project: '2', reason: '400', attempts: 1 }], more: false })
    t.strictSame(shown.out.split('\n').filter(line => /^\S| {2}(?:event|sdk|answer) /.test(line)), [
      ids[0], `  event       ${ID_OF_GZIP}`, '  sdk         sentry.javascript.browser 11.12.0', '  answer      cannot read …/api/1/envelope/',
      ids[1], `  event       ${ID_OF_ZSTD}`, '  sdk         sentry.javascript.browser 11.12.0', '  answer      cannot read …/api/2/envelope/', ''
    ].filter(line => line !== ''))
    t.match(shown.out, 'attachment, 3 bytes, log.txt')
    t.notMatch(shown.out + listed.out, SECRET)

    endpoint.answerWith(answers.status('200 OK'))
    const replayed = await spool(router, 'replay', '--project', '1')
    await endpoint.received(3)
    t.strictSame(replayed, { code: 0, out: 'Replayed 1 dead letter.\n', err: '' })
    t.strictSame(await spool(router, 'replay', ids[1] ?? ''), { code: 0, out: 'Replayed 1 dead letter.\n', err: '' })
    await endpoint.received(4)

    for (const [first, again] of [[0, 2], [1, 3]] as const) {
      const [before, after] = [endpoint.requests[first], endpoint.requests[again]]
      t.strictSame([after?.target, after?.headers, after?.body], [before?.target, before?.headers, before?.body], 'the same copy, the same X-Request-Id')
    }
    await router.metricIs(2, 'mirror_delivered_total')
    await router.metricIs(1, 'mirror_replayed_total', { project: '1' })
    await router.metricIs(2, 'mirror_replayed_total')
    await router.metricIs(0, 'mirror_pending')
    await router.metricIs(0, 'mirror_dead_letters')
    t.equal(await router.metric('mirror_dead_total'), 2)
    t.equal(await router.metric('mirror_accepted_total'), 2)
    t.strictSame(await spool(router, 'ls'), { code: 0, out: 'There are no dead letters.\n', err: '' })
  })
}

test('a replayed copy that is refused again is a dead letter again, and counts twice', async t => {
  const { router, endpoint, ids } = await refuseTwo(t, 1)

  await spool(router, 'replay', '--all')
  await endpoint.received(4)
  await router.metricIs(4, 'mirror_dead_total', { reason: '400' })

  t.strictSame(idsIn((await spool(router, 'ls', '--json')).out).toSorted(), ids.toSorted())
  t.equal(await router.metric('mirror_replayed_total'), 2)
  t.equal(await router.metric('mirror_accepted_total'), 2)
})

test('what is purged is gone, while the router runs', async t => {
  const { router, ids } = await refuseTwo(t, 1)

  t.strictSame(await spool(router, 'purge', '--project', '2'), { code: 0, out: 'Purged 1 dead letter.\n', err: '' })
  t.strictSame(idsIn((await spool(router, 'ls', '--json')).out), [ids[0]])
  t.match(await spool(router, 'show', ids[1] ?? ''), { code: 1, err: `${ids[1]}: no dead letter has this id\n` })
  await router.metricIs(1, 'mirror_dead_letters')
})

for (const workers of [1, 2]) {
  test(`dead letters of a router that is stopped are listed and purged; what is replayed goes out when it starts; workers: ${workers}`, async t => {
    const { router, endpoint, ids } = await refuseTwo(t, workers)
    t.equal(await router.stop(), 0)

    t.strictSame(idsIn((await spool(router, 'ls', '--json')).out), ids)
    t.match(await spool(router, 'show', ids[1] ?? ''), { code: 0, out: `  event       ${ID_OF_ZSTD}\n` })
    t.strictSame(await spool(router, 'purge', ids[0] ?? ''), { code: 0, out: 'Purged 1 dead letter.\n', err: '' })
    t.strictSame(await spool(router, 'replay', '--all'), { code: 0, out: 'Replayed 1 dead letter; the router sends them when it starts.\n', err: '' })
    t.strictSame(await spool(router, 'ls'), { code: 0, out: 'There are no dead letters.\n', err: '' })
    t.match(await spool(router, 'ls', '--pending'), { code: 0, out: `${ids[1]}  2 ` })

    endpoint.answerWith(answers.status('200 OK'))
    const again = await startRouterProcess(parse(await readFile(join(router.folder, 'router.yaml'), 'utf8')) as RouterFile, router.folder)
    t.teardown(() => again.stop(5000))
    await endpoint.received(3)
    t.equal(endpoint.requests[2] && header(endpoint.requests[2], 'x-request-id'), ids[1])
    await router.metricIs(0, 'mirror_pending')
  })
}
