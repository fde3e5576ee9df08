/** SIGTERM: no new connections, what is in flight is finished, exit 0. */
import { connect } from 'node:net'
import t, { test } from 'tap'
import { answers } from '../helpers/backends.ts'
import { get, openConnection, post } from '../helpers/client.ts'
import { eventually, startAll } from '../helpers/router.ts'

t.setTimeout(60_000)

for (const workers of [1, 2]) {
  for (const signal of ['SIGTERM', 'SIGQUIT', 'SIGINT'] as const) {
    test(`${signal} to a router of ${workers} worker(s) lets the answer in flight through, refuses new clients, and exits 0`, async t => {
      const { relay, endpoint, router } = await startAll(t, { workers })
      const held = Promise.withResolvers<() => void>()
      relay.answerWith((request, socket) => {
        held.resolve(() => { answers.status('200 OK', '{"id":"1"}')(request, socket) })
      })
      const connection = await openConnection(t, router.port80)
      await connection.send(post('/api/1/envelope/?sentry_key=a', '{}\n'))
      const answerNow = await held.promise

      const exited = new Promise<number | null>(resolve => { router.process.once('exit', resolve) })
      router.process.kill(signal)
      await eventually(async () => await accepts(router.port80) ? 'it still accepts connections' : null)
      const exitCodeSoFar = router.process.exitCode
      const answered = connection.answer()
      answerNow()

      const answer = await answered
      t.equal(exitCodeSoFar, null, 'it waits for the answer')
      t.equal(answer.status, 200)
      t.equal(answer.body.toString(), '{"id":"1"}')
      t.equal(await exited, 0)
      t.equal((await endpoint.received(1)).length, 1, 'the copy was delivered')
    })
  }
}

test('an idle kept-alive connection does not hold up the end', async t => {
  const { router } = await startAll(t)
  const connection = await openConnection(t, router.port80)
  await connection.send(get('/'))
  await connection.answer()
  const started = Date.now()

  const code = await router.stop()

  t.equal(code, 0)
  t.ok(Date.now() - started < 5000, 'it does not wait for client.keepalive_timeout')
})

function accepts (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => { resolve(false) })
  })
}
