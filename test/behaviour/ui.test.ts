/** Everything that is not Relay's goes to a UI: `web` behind the first listener, `web-rum` behind the second. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import t, { test } from 'tap'
import { request } from 'undici'
import { answers, header } from '../helpers/backends.ts'
import { get, openConnection } from '../helpers/client.ts'
import { eventually, startAll } from '../helpers/router.ts'

const MIB = 1024 * 1024

t.setTimeout(60_000)
const { relay, web, webRum, endpoint, router } = await startAll(t)

test('each listener has its own UI, and the mirror hears of neither', async t => {
  web.answerWith(answers.status('200 OK', 'this is web'))
  webRum.answerWith(answers.status('200 OK', 'this is web-rum'))

  const pages = await Promise.all([router.url80, router.url81].map(async url => {
    const { body } = await request(`${url}/organizations/sentry/issues/?query=is%3Aunresolved`)
    return body.text()
  }))

  t.strictSame(pages, ['this is web', 'this is web-rum'])
  t.equal(web.requests.at(-1)?.target, '/organizations/sentry/issues/?query=is%3Aunresolved')
  t.strictSame([relay.requests.length, endpoint.requests.length], [0, 0])
})

test('both listeners send envelopes to the one relay and mirror them', async t => {
  for (const url of [router.url80, router.url81]) {
    const { body } = await request(`${url}/api/1/envelope/?sentry_key=a`, { method: 'POST', body: url })
    await body.dump()
  }

  const wanted = [router.url80, router.url81].sort()
  t.strictSame((await relay.received(2)).map(({ body }) => body.toString()).sort(), wanted)
  t.strictSame((await endpoint.received(2)).map(({ body }) => body.toString()).sort(), wanted)
})

test('a page of 10 KB arrives whole, with the cookies and the headers of the UI', async t => {
  const page = randomBytes(10 * 1024)
  web.answerWith(answers.status('200 OK', page, ['Set-Cookie: sentrysid=1; HttpOnly', 'Set-Cookie: sc=2', 'Content-Type: text/html', 'X-Frame-Options: deny']))

  const answer = await request(`${router.url80}/auth/login/`, { headers: { cookie: 'sentrysid=1' } })

  t.equal(Buffer.compare(Buffer.from(await answer.body.arrayBuffer()), page), 0)
  t.match(answer.headers, { 'set-cookie': ['sentrysid=1; HttpOnly', 'sc=2'], 'content-type': 'text/html', 'x-frame-options': 'deny' })
  const [asked] = web.requests.slice(-1)
  t.equal(asked && header(asked, 'cookie'), 'sentrysid=1')
})

test('a redirect of the UI is passed on, not followed', async t => {
  web.answerWith(answers.status('302 Found', '', ['Location: /auth/login/']))
  const before = web.requests.length

  const answer = await request(`${router.url80}/`)
  await answer.body.dump()

  t.equal(answer.statusCode, 302)
  t.equal(answer.headers['location'], '/auth/login/')
  t.equal(web.requests.length, before + 1)
})

test('a location asked for without its slash is redirected by the router itself', async t => {
  const before = web.requests.length

  const answer = await request(`${router.url80}/_static?version=1`)
  await answer.body.dump()

  t.equal(answer.statusCode, 301)
  t.equal(answer.headers['location'], `${router.url80}/_static/?version=1`)
  t.equal(web.requests.length, before)
})

test('assets are asked for under the path they have at the UI, and shown inline', async t => {
  webRum.answerWith(answers.status('200 OK', 'app', ['Content-Disposition: attachment', 'Content-Type: text/javascript']))

  const answer = await request(`${router.url81}/_assets/entrypoints/app.js?v=1`)

  t.equal(await answer.body.text(), 'app')
  t.equal(answer.headers['content-disposition'], undefined)
  t.equal(webRum.requests.at(-1)?.target, '/_static/dist/sentry/entrypoints/app.js?v=1')
})

test('a client that reads slowly holds back the UI, not the memory of the router', async t => {
  const total = 50 * MIB
  const piece = randomBytes(MIB)
  const sent = { bytes: 0 }
  web.answerWith((_request, socket) => { stream(socket, piece, total, sent) })
  const connection = await openConnection(t, router.port80)
  connection.socket.pause()
  const before = await residentBytes(router.process.pid)

  await connection.send(get('/slowly'))
  const stalledAt = await quiet(() => sent.bytes)
  const grown = await residentBytes(router.process.pid) - before

  t.ok(stalledAt < total, `the UI was held back after ${(stalledAt / MIB).toFixed(1)} MiB`)
  t.ok(grown < 64 * MIB, `the router grew by ${(grown / MIB).toFixed(1)} MiB`)

  connection.socket.resume()
  const answer = await connection.answer()
  const hash = createHash('sha256')
  for (let i = 0; i < total / MIB; i++) hash.update(piece)
  t.equal(createHash('sha256').update(answer.body).digest('hex'), hash.digest('hex'), 'every byte arrived in the end')
  t.ok(await residentBytes(router.process.pid) - before < 64 * MIB)
})

/** Writes a response of `total` bytes as fast as the socket takes it. */
function stream (socket: Socket, piece: Buffer, total: number, sent: { bytes: number }): void {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
  const more = (): void => {
    while (sent.bytes < total) {
      sent.bytes += piece.length
      if (!socket.write(piece)) return
    }
    socket.off('drain', more)
  }
  socket.on('drain', more)
  more()
}

/** Resolves with a count once it has not moved for half a second. */
async function quiet (count: () => number): Promise<number> {
  let last = -1
  let since = Date.now()
  await eventually(async () => {
    if (count() !== last || last === 0) {
      last = count()
      since = Date.now()
    }
    return Date.now() - since < 500 ? `still moving at ${last}` : null
  }, 15_000)
  return last
}

/** Linux: proc(5), VmRSS. */
async function residentBytes (pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
