/** What an operator reads of an outage: one line when it begins, one when it is over, however many processes there are. */
import { test } from 'tap'
import { request } from 'undici'
import { answers, startBackend } from '../helpers/backends.ts'
import { eventually, startAll } from '../helpers/router.ts'

const COPIES = 60

for (const workers of [1, 2]) {
  test(`an outage has one line at its beginning and one at its end, with ${workers} ${workers === 1 ? 'process' : 'processes'}`, async t => {
    const { router, endpoint } = await startAll(t, { workers, log: { access: 'off' } })
    const lines = (): Record<string, unknown>[] => router.output().split('\n').filter(line => line.includes('"msg":"the endpoint')).map(line => JSON.parse(line) as Record<string, unknown>)
    await endpoint.stop()

    for (let i = 0; i < COPIES; i++) {
      const answer = await request(`${router.url80}/api/1/envelope/?sentry_key=c0ffee`, { method: 'POST', body: '{}\n', reset: true })
      await answer.body.dump()
    }
    await eventually(async () => lines().length > 0 ? null : 'no line yet')
    await startBackend(t, answers.status('200 OK'), endpoint.port)
    await router.metricIs(COPIES, 'mirror_delivered_total', { project: '1' }, 30_000)
    await eventually(async () => lines().length > 1 ? null : 'no second line yet')
    await router.stop()

    t.match(lines(), [
      { level: 'warn', msg: /is down; copies wait in the spool/, code: 'refused', pending: Number },
      { level: 'info', msg: /is back/, downMs: Number, failures: Number, pending: Number }
    ])
    t.equal(lines().length, 2)
    t.ok(Number(lines()[0]?.['pending']) >= 8, 'those that failed wait')
    t.notMatch(router.output(), /c0ffee|\/rum\/sentry/)
  })
}
