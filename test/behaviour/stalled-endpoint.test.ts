/**
 * The flaw this program exists for: an endpoint that hangs holds, in nginx, the
 * client's connection for proxy_read_timeout. The document's own nginx.conf runs
 * beside the router, so that the comparison is never a memory.
 */
import { readFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import t, { test } from 'tap'
import { answers } from '../helpers/backends.ts'
import { get, openConnection, post } from '../helpers/client.ts'
import { startNginx } from '../helpers/nginx.ts'
import { startAll } from '../helpers/router.ts'

const TARGET = '/api/1/envelope/?sentry_key=abc'
const ROUNDS = 9

t.setTimeout(60_000)
const { relay, web, endpoint, router } = await startAll(t)
endpoint.answerWith(answers.never())

test('a hung endpoint does not delay the next request on the same connection', async t => {
  const waits: number[] = []
  const connection = await openConnection(t, router.port80)

  for (let round = 0; round < ROUNDS; round++) waits.push(await waitAfterPost(connection))

  await endpoint.received(1)
  waits.sort((a, b) => a - b)
  const [median = Infinity, worst = Infinity] = [waits[ROUNDS >> 1], waits.at(-1)]
  t.comment(`router: next request answered after ${median.toFixed(1)} ms (median of ${ROUNDS}), ${worst.toFixed(1)} ms (worst)`)
  t.ok(median < 100, `the median is under 100 ms: ${median}`)
  t.ok(worst < 1000, `none takes a second: ${worst}`)
})

test('nginx with the document\'s configuration holds the next request for about 5 s', async t => {
  const nginx = await startNginx(t, await documentHttpBlock())
  const connection = await openConnection(t, nginx.port)

  const wait = await waitAfterPost(connection)

  t.comment(`nginx: next request answered after ${wait.toFixed(0)} ms`)
  t.ok(wait >= 4000, `nginx waits for the endpoint: ${wait}`)
})

test('posts on one connection are answered one after the other while the endpoint hangs', async t => {
  const connection = await openConnection(t, router.port80)
  const started = performance.now()

  for (let i = 0; i < 20; i++) {
    await connection.send(post(TARGET, `{"n":${i}}\n`))
    t.equal((await connection.answer()).status, 200)
  }

  t.ok(performance.now() - started < 2000, 'in nginx the fourth takes 15 s')
})

/** How long a GET takes that follows a copied POST on its connection, in milliseconds. */
async function waitAfterPost (connection: Awaited<ReturnType<typeof openConnection>>): Promise<number> {
  await connection.send(post(TARGET, '{}\n{"type":"event"}\n{}'))
  if ((await connection.answer()).status !== 200) throw new Error('the post was not answered with 200')
  const started = performance.now()
  await connection.send(get('/organizations/'))
  if ((await connection.answer()).status !== 200) throw new Error('the GET was not answered with 200')
  return performance.now() - started
}

/** The http block of the document's nginx.conf, with this test's backends in it. */
async function documentHttpBlock (): Promise<string> {
  const document = await readFile(new URL('../parity/nginx.conf', import.meta.url), 'utf8')
  const from = document.indexOf('http {') + 'http {'.length
  return [
    // startNginx says these itself.
    ['access_log /var/log/nginx/access.log main;', ''],
    ['server_tokens off;', ''],
    ['listen 80;', 'listen 127.0.0.1:PORT_1;'],
    ['listen 81;', 'listen 127.0.0.1:PORT_2;'],
    ['server relay:3000;', `server 127.0.0.1:${relay.port};`],
    ['server web:9000;', `server 127.0.0.1:${web.port};`],
    ['server web-rum:9000;', `server 127.0.0.1:${web.port};`],
    ['server <endpoint>:80;', `server 127.0.0.1:${endpoint.port};`],
    ['<endpoint>', 'rum-endpoint.example.test'],
    ['/rum/sentry/<workspace_name>/<rum_service_id>;', '/rum/sentry/workspace/service;']
  ].reduce((text, [found = '', replacement = '']) => {
    if (!text.includes(found)) throw new Error(`nginx.conf does not say ${found}`)
    return text.replaceAll(found, replacement)
  }, document.slice(from, document.lastIndexOf('}')))
}
