/** The machine's clock is set while the router runs, by hand or by NTP: it moves no copy and no dead letter. */
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { removeFolder } from '../../src/demo/router-process.ts'
import { answers } from '../helpers/backends.ts'
import { openConnection, post } from '../helpers/client.ts'
import { createClock, type Clock } from '../helpers/clock.ts'
import { withEnvironment } from '../helpers/names.ts'
import { eventually, startAll, type Backends, type StartedRouter } from '../helpers/router.ts'

const HOUR_MS = 3_600_000

interface Scene extends Backends {
  readonly router: StartedRouter
  readonly clock: Clock
}

async function startWithClock (t: Test, workers: number): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  t.teardown(() => removeFolder(folder))
  const clock = createClock(folder)
  return { ...await withEnvironment(clock.env, () => startAll(t, { workers })), clock }
}

/** Resolves when the router believes it: its answers carry the time. */
async function setClock ({ router, clock }: Scene, byMs: number): Promise<void> {
  await clock.jump(byMs)
  await eventually(async () => {
    const report = await (await fetch(`${router.adminUrl}/report.json`)).json() as { generatedAt: string }
    const offMs = Date.parse(report.generatedAt) - Date.now() - clock.offsetMs()
    return Math.abs(offMs) < 5_000 ? null : `its clock is ${offMs} ms off`
  })
}

/** An envelope that the endpoint refuses for good. */
async function makeDeadLetter (t: Test, { router, endpoint }: Scene): Promise<void> {
  endpoint.answerWith(answers.status('400 Bad Request'))
  const before = await router.metric('mirror_dead_letters')
  const client = await openConnection(t, router.port80)
  await client.send(post('/api/1/envelope/?sentry_key=abc', '{}\n'))
  t.equal((await client.answer()).status, 200)
  client.socket.end()
  await router.metricIs(before + 1, 'mirror_dead_letters')
}

async function replayAll ({ router, endpoint }: Scene): Promise<unknown> {
  endpoint.answerWith(answers.status('200 OK'))
  const response = await fetch(`${router.adminUrl}/dead-letters/replay`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"all":true}' })
  return await response.json()
}

for (const workers of [1, 2]) {
  test(`a dead letter can be replayed after the clock was set back (${workers} worker(s))`, async t => {
    const scene = await startWithClock(t, workers)
    await makeDeadLetter(t, scene)

    await setClock(scene, -2 * HOUR_MS)

    t.strictSame(await replayAll(scene), { replayed: 1, missing: [] })
    await scene.router.metricIs(1, 'mirror_delivered_total')
  })
}

test('a dead letter of a worker that was started after the clock was set can be replayed, and does not expire', async t => {
  const scene = await startWithClock(t, 2)
  const { router } = scene
  await setClock(scene, 48 * HOUR_MS)
  const pid = router.process.pid ?? 0
  const workers = async (): Promise<number[]> => (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)
  const old = await workers()
  for (const worker of old) process.kill(worker, 'SIGKILL')
  await eventually(async () => (await workers()).filter(worker => !old.includes(worker)).length === 2 ? null : 'the new workers are not there')
  await eventually(async () => (await fetch(`${router.adminUrl}/readyz`)).ok ? null : 'it is not ready')

  await makeDeadLetter(t, scene)

  t.strictSame(await replayAll(scene), { replayed: 1, missing: [] })
  await router.metricIs(1, 'mirror_delivered_total')
  t.equal(await router.metric('mirror_dead_total', { reason: 'expired' }), 0)
})
