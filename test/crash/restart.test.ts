/** The ends of a process that have a moment of their own: in a start, in a drain, by SIGTERM, one worker of two. */
import { rename } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { test, type Test } from 'tap'
import { eventually } from '../helpers/router.ts'
import { account, deadFiles, filesIn, unsettled } from './account.ts'
import { createLoad, isPoison, nonceOf, SMALL_ONLY, type Load } from './load.ts'
import { createProgram, type Program } from './program.ts'
import { createRandom } from './random.ts'
import { responds, startRecorder, type Recorder, type Respond } from './recorder.ts'

const BACKLOG = 300
const DRAIN_TIMEOUT_MS = 30_000

t.setTimeout(240_000)

const finalAnswer: Respond = (answer, request) => { answer(isPoison(nonceOf(request.url ?? '')) ? 400 : 200) }

interface Scene {
  readonly relay: Recorder
  readonly endpoint: Recorder
  readonly program: Program
  readonly load: Load
}

/** A program that is not started, with an endpoint that refuses. */
async function setTheScene (t: Test, workers: number, mirror: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const relay = await startRecorder(t, responds.status(200))
  const endpoint = await startRecorder(t, finalAnswer)
  await endpoint.refuse()
  const program = await createProgram(t, { relayPort: relay.port, endpointPort: endpoint.port, workers, mirror })
  return { relay, endpoint, program, load: createLoad(t, program.port, createRandom(workers)) }
}

/** Everything answered is delivered, unchanged, and no file is left that nobody needs. */
async function allArrive (t: Test, { relay, endpoint, program, load }: Scene): Promise<void> {
  await eventually(async () => {
    const missing = unsettled(load, endpoint)
    return missing === 0 ? null : `${missing} of ${load.answered()} answered requests are not delivered`
  }, DRAIN_TIMEOUT_MS)
  await program.metricIs(0, 'mirror_pending', DRAIN_TIMEOUT_MS)
  const result = account(load, relay, endpoint)
  t.comment(`${result.answered} answered, ${result.lost.length} lost, ${result.duplicates} delivered twice`)
  t.strictSame(result.lost, [])
  t.strictSame(result.altered, [])
  t.strictSame(result.renamed, [])
  await eventually(async () => {
    const files = await filesIn(program.spool, 'bodies')
    const expected = deadFiles(load, endpoint)
    return files.length === expected ? null : `bodies/ holds ${files.length} files for ${expected} dead letters`
  })
  t.strictSame(await filesIn(program.spool, 'incoming'), [])
}

for (const workers of [1, 2]) {
  test(`a backlog survives kills in mid-start, one after the other (${workers} worker(s))`, async t => {
    const scene = await setTheScene(t, workers)
    const { program, load, endpoint } = scene
    const first = await program.start()
    await load.post(BACKLOG)
    await first.kill()

    for (const ms of [40, 80, 120, 160, 200, 240, 280, 320, 360, 400, 500, 600]) {
      const run = program.launch()
      await sleep(ms)
      await run.kill()
    }

    await endpoint.accept()
    await program.start()
    await allArrive(t, scene)
  })

  test(`a backlog that is killed again and again while it drains goes out whole (${workers} worker(s))`, async t => {
    const scene = await setTheScene(t, workers, { concurrency: 2 })
    const { program, load, endpoint } = scene
    const first = await program.start()
    await load.post(BACKLOG)
    await first.kill()
    await endpoint.accept()

    for (let kills = 1; kills <= 6; kills++) {
      const run = await program.start()
      const wanted = Math.min(endpoint.settled() + 30, BACKLOG)
      await eventually(async () => endpoint.settled() >= wanted ? null : `${endpoint.settled()} of ${wanted} copies have arrived`)
      await run.kill()
    }

    await program.start()
    await allArrive(t, scene)
  })

  test(`SIGTERM leaves a backlog in the spool and exits with 0; the next start delivers it, each copy once (${workers} worker(s))`, async t => {
    const scene = await setTheScene(t, workers)
    const { program, load, endpoint } = scene
    const first = await program.start()
    await load.post(BACKLOG)

    t.equal(await first.terminate(), 0)
    t.strictSame(await filesIn(program.spool, 'incoming'), [])
    await program.start()
    t.equal(await program.metric('mirror_pending'), BACKLOG, 'the whole backlog is there')

    await endpoint.accept()
    await allArrive(t, scene)
    t.equal(endpoint.settled(), BACKLOG, 'none went out twice')
    t.equal(await program.metric('mirror_dropped_total'), 0)
  })
}

test('the copies of a worker that was killed are delivered by the one that lives, though no other can be started', async t => {
  const scene = await setTheScene(t, 2)
  const { program, load, endpoint } = scene
  const run = await program.start()
  // On many connections, so that each worker takes some.
  await load.post(BACKLOG, { connections: 30 })
  await rename(program.file, `${program.file}.gone`)

  const [victim = 0] = await run.workers()
  process.kill(victim, 'SIGKILL')
  await eventually(async () => (await run.workers()).includes(victim) ? `${victim} is still there` : null)
  await endpoint.accept()

  await allArrive(t, scene)
  t.equal((await run.workers()).includes(victim), false)
})

test('a worker that is killed while copies go out loses none of them', async t => {
  const scene = await setTheScene(t, 2)
  const { program, load, endpoint } = scene
  const run = await program.start()
  endpoint.respondWith((answer, request) => { setTimeout(() => { finalAnswer(answer, request) }, 100) })
  await endpoint.accept()

  for (let kills = 0; kills < 3; kills++) {
    const workers = await run.workers()
    const dead = new AbortController()
    const working = load.run({ connections: 8, most: 400, signal: dead.signal })
    await sleep(200)
    process.kill(workers[kills % workers.length] ?? 0, 'SIGKILL')
    await sleep(300)
    dead.abort()
    await working
    await eventually(async () => (await run.workers()).length === 2 ? null : 'the second worker is not back')
  }

  await allArrive(t, scene)
})

test('a router that ends between two others hands its copies on: kill, SIGTERM, kill', async t => {
  const scene = await setTheScene(t, 1)
  const { program, load, endpoint } = scene
  for (const end of ['kill', 'terminate', 'kill'] as const) {
    const run = await program.start()
    await load.post(50, { sizes: SMALL_ONLY })
    await run[end]()
  }

  await endpoint.accept()
  await program.start()
  await allArrive(t, scene)
})
