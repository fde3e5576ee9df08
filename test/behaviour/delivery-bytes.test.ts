/** What arrives at the endpoint, byte for byte, and over which connections. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { test } from 'tap'
import { answers, startBackend } from '../helpers/backends.ts'
import { fieldLines, fileBody, memoryBody, startMirror } from '../helpers/copies.ts'

t.setTimeout(60_000)

test('method, target and header fields arrive as they were kept: case, order, duplicates, odd bytes', async t => {
  const endpoint = await startBackend(t)
  const { keep, ended } = startMirror(t, { port: endpoint.port })
  const fields = fieldLines('X-Request-Id', 'ab', 'cOnTent-tYpe', 'a/b', 'Accept', 'one', 'accept', 'two', 'X-Empty', '', 'X-Bytes', 'caf\xe9 \x01\x7f\xff')

  keep({ method: 'PROP-x', target: '/rum/api/1/../envelope/?x=%zz&\xc3\xa9#frag', fields, body: memoryBody('a\r\n\r\nb\x00\xff') })
  await ended.atLeast(1)

  t.equal(endpoint.requests[0]?.head.toString('latin1'),
    'PROP-x /rum/api/1/../envelope/?x=%zz&\xc3\xa9#frag HTTP/1.1\r\nHost: endpoint.example.test\r\nX-Request-Id: ab\r\ncOnTent-tYpe: a/b\r\n' +
    'Accept: one\r\naccept: two\r\nX-Empty: \r\nX-Bytes: caf\xe9 \x01\x7f\xff\r\nContent-Length: 8\r\n\r\n')
  t.equal(endpoint.requests[0]?.body.toString('latin1'), 'a\r\n\r\nb\x00\xff')
})

test('Content-Length is there when the client framed a body, even an empty one, and only then', async t => {
  const endpoint = await startBackend(t)
  const { keep, ended } = startMirror(t, { port: endpoint.port, concurrency: 1 })

  keep({ method: 'GET', framed: true, body: memoryBody() })
  keep({ method: 'POST', framed: false, body: memoryBody() })
  await ended.atLeast(2)

  const framings = endpoint.requests.map(request => [request.method, /content-length.*/i.exec(request.head.toString('latin1'))?.[0]])
  t.strictSame(framings, [['GET', 'Content-Length: 0'], ['POST', undefined]])
})

test('bodies of every size arrive unchanged, from memory in chunks and from a file', async t => {
  const endpoint = await startBackend(t)
  const { keep, ended, unaccounted } = startMirror(t, { port: endpoint.port, concurrency: 4 })
  const folder = t.testdir()
  const sizes = [0, 1, 12 * 1024, 12 * 1024 + 1, 65_536, 300_000, 3_000_000]
  const sent = new Map<string, Buffer>()

  for (const size of sizes) {
    const bytes = randomBytes(size)
    const third = Math.floor(size / 3)
    sent.set(keep({ target: `/memory/${size}`, body: memoryBody(bytes.subarray(0, third), bytes.subarray(third)) }).target, bytes)
    const file = join(folder, `body-${size}`)
    await writeFile(file, bytes)
    sent.set(keep({ target: `/file/${size}`, body: fileBody(file, size) }).target, bytes)
  }
  await ended.atLeast(sizes.length * 2)

  for (const [target, bytes] of sent) {
    const request = endpoint.requests.find(request => request.target === target)
    t.ok(request?.body.equals(bytes), `${target} arrived with the bytes it was kept with`)
  }
  t.equal(unaccounted(), 0)
})

test('an answer with a body leaves its connection free for the next copy', async t => {
  const endpoint = await startBackend(t, answers.status('200 OK', '{"id":"0"}'))
  const { keep, ended } = startMirror(t, { port: endpoint.port, concurrency: 1 })

  for (let i = 0; i < 50; i++) keep()
  await ended.atLeast(50)

  t.equal(endpoint.connections(), 1)
})

test('bodies in files share a connection, and leave no listeners on it', async t => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', onWarning)
  t.teardown(() => { process.off('warning', onWarning) })
  const endpoint = await startBackend(t)
  const { keep, ended } = startMirror(t, { port: endpoint.port, concurrency: 1 })
  const file = join(t.testdir({ body: 'x'.repeat(1000) }), 'body')

  for (let i = 0; i < 30; i++) keep({ body: fileBody(file, 1000) })
  await ended.atLeast(30)

  t.equal(endpoint.connections(), 1)
  t.strictSame(warnings, [])
})

test('a chunked answer is read to its end, and the connection is used again', async t => {
  const endpoint = await startBackend(t, (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab')
    setImmediate(() => socket.write('c\r\n0\r\n\r\n'))
  })
  const { keep, ended } = startMirror(t, { port: endpoint.port, concurrency: 1 })

  for (let i = 0; i < 10; i++) keep()
  await ended.atLeast(10)

  t.equal(endpoint.connections(), 1)
})

test('no more copies are under way than concurrency allows', async t => {
  let underWay = 0
  let most = 0
  const endpoint = await startBackend(t, (_request, socket) => {
    most = Math.max(most, ++underWay)
    setTimeout(() => {
      underWay--
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    }, 2)
  })
  const { keep, ended } = startMirror(t, { port: endpoint.port, concurrency: 3 })

  for (let i = 0; i < 60; i++) keep()
  await ended.atLeast(60)

  t.equal(most, 3)
  t.equal(endpoint.connections(), 3)
})
