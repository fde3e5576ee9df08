/**
 * A spool whose disk fails: the client is answered as without the mirror, every copy is
 * delivered or counted, later copies do not stall, and once the disk works again copies
 * survive a kill again, without anybody's help.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { test, type Test } from 'tap'
import { removeFolder } from '../../src/demo/router-process.ts'
import { eventually } from '../helpers/router.ts'
import { account, unsettled } from './account.ts'
import { createLoad, LARGE_ONLY, SMALL_ONLY, type Load } from './load.ts'
import { createProgram, type Program, type Run } from './program.ts'
import { createRandom } from './random.ts'
import { responds, startRecorder, type Recorder } from './recorder.ts'
import { cannotMount, mountSmallDisk } from './small-disk.ts'

/** Far above what any answer takes, far below what a client waits: a spool that blocks shows. */
const LONGEST_ANSWER_MS = 5_000
const RECOVERY_TIMEOUT_MS = 30_000
const WITHOUT_A_DISK = 'while the endpoint is well no copy needs the disk'

t.setTimeout(240_000)
const needsMount = { skip: await cannotMount() }

interface Scene {
  readonly relay: Recorder
  readonly endpoint: Recorder
  readonly program: Program
  readonly load: Load
}

async function setTheScene (t: Test, path: string, workers = 1): Promise<Scene> {
  const relay = await startRecorder(t, responds.status(200))
  const endpoint = await startRecorder(t, responds.status(200))
  const program = await createProgram(t, { relayPort: relay.port, endpointPort: endpoint.port, workers, spool: { path, commit_timeout: '50ms' } })
  return { relay, endpoint, program, load: createLoad(t, program.port, createRandom(7), { poison: false }) }
}

/** Small, large and very large requests: all are answered by Relay, none late. */
async function clientsAreServed (t: Test, { load, relay }: Scene, count = 40): Promise<void> {
  const before = relay.settled()
  for (const options of [{ sizes: SMALL_ONLY }, { sizes: LARGE_ONLY, connections: 2 }]) await load.post(count, options)
  t.equal(relay.settled(), before + 2 * count, 'Relay answered them all')
  t.ok([...load.sent.values()].every(({ status }) => status === 200), 'each with 200')
  t.ok(load.longestMs() < LONGEST_ANSWER_MS, `none took longer than ${LONGEST_ANSWER_MS} ms: ${load.longestMs().toFixed(0)} ms`)
}

/** accepted = delivered + dead + dropped + pending, in one life of the program that began with nothing. */
async function everyCopyIsAccountedFor ({ program }: Scene): Promise<void> {
  await eventually(async () => {
    const counts = await program.metrics(['mirror_accepted_total', 'mirror_delivered_total', 'mirror_dead_total', 'mirror_dropped_total', 'mirror_pending'])
    const [accepted = 0, ...ends] = counts
    return accepted === ends.reduce((sum, count) => sum + count, 0) ? null : `accepted, delivered, dead, dropped, pending are ${counts.join(', ')}`
  })
}

/** Everything answered arrives, less what was counted as dropped. */
async function allButTheDroppedArrive (t: Test, { program, load, relay, endpoint }: Scene): Promise<void> {
  await program.metricIs(0, 'mirror_pending', RECOVERY_TIMEOUT_MS)
  const dropped = await program.metric('mirror_dropped_total')
  t.comment(`${load.answered()} answered, ${dropped} dropped, ${await program.metric('mirror_late_commits_total')} late commits`)
  t.equal(unsettled(load, endpoint), dropped)
  t.equal(await program.metric('mirror_dropped_total', { reason: 'spool_full' }), 0)
  t.strictSame(account(load, relay, endpoint).altered, [])
}

function linesWith (run: Run, words: string): number {
  return run.output().split('\n').filter(line => line.includes(words)).length
}

/** The disk is well again: sooner or later a copy that was taken is there after a kill -9. */
async function copiesSurviveAgain (t: Test, scene: Scene, run: Run): Promise<Run> {
  const { program, load, endpoint } = scene
  // Each worker says so for itself, when it comes upon its disk again.
  await eventually(async () => {
    const failed = linesWith(run, 'cannot write to its disk')
    const again = linesWith(run, 'writes to its disk again')
    return again > 0 && again >= failed ? null : `of ${failed} processes that said that their disk fails, ${again} said that it works again`
  }, RECOVERY_TIMEOUT_MS)
  await endpoint.refuse()
  const lostBefore = unsettled(load, endpoint)
  await load.post(20)
  await run.kill()

  const next = await program.start()
  await endpoint.accept()
  await program.metricIs(0, 'mirror_pending', RECOVERY_TIMEOUT_MS)
  t.equal(unsettled(load, endpoint), lostBefore, 'all that was taken after the recovery was delivered after the kill')
  return next
}

for (const workers of [1, 2]) {
  test(`a disk that fills up costs no client anything, and the spool goes on when there is room (${workers} worker(s))`, needsMount, async t => {
    const disk = await mountSmallDisk(t, '16m')
    const scene = await setTheScene(t, disk.path, workers)
    const { program, load, endpoint } = scene
    const run = await program.start()
    endpoint.respondWith(responds.status(503))
    await load.post(50, { sizes: SMALL_ONLY })

    await disk.fill()
    await clientsAreServed(t, scene)
    await everyCopyIsAccountedFor(scene)

    endpoint.respondWith(responds.status(200))
    await allButTheDroppedArrive(t, scene)
    const dropped = await program.metric('mirror_dropped_total')
    await clientsAreServed(t, scene, 10)
    await allButTheDroppedArrive(t, scene)
    t.equal(await program.metric('mirror_dropped_total'), dropped, WITHOUT_A_DISK)

    await disk.makeRoom()
    await load.post(5, { sizes: SMALL_ONLY })
    await (await copiesSurviveAgain(t, scene, run)).terminate()
  })
}

test('a router starts on a full disk, mirrors from memory, and uses the disk once there is room', needsMount, async t => {
  const disk = await mountSmallDisk(t, '16m')
  await disk.fill()
  const scene = await setTheScene(t, disk.path)
  const run = await scene.program.start()

  await clientsAreServed(t, scene)
  await everyCopyIsAccountedFor(scene)
  await allButTheDroppedArrive(t, scene)
  t.equal(await scene.program.metric('mirror_dropped_total'), 0, WITHOUT_A_DISK)

  await disk.makeRoom()
  await (await copiesSurviveAgain(t, scene, run)).terminate()
})

test('a router starts on a read-only disk, mirrors from memory, and uses the disk once it can be written', needsMount, async t => {
  const disk = await mountSmallDisk(t, '16m')
  disk.mount('ro')
  const scene = await setTheScene(t, disk.path)
  const run = await scene.program.start()

  await clientsAreServed(t, scene)
  await everyCopyIsAccountedFor(scene)
  await allButTheDroppedArrive(t, scene)
  t.equal(await scene.program.metric('mirror_dropped_total'), 0, WITHOUT_A_DISK)

  disk.mount('rw')
  await (await copiesSurviveAgain(t, scene, run)).terminate()
})

test('a spool that cannot exist, below a regular file, costs no client anything', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-crash-'))
  t.teardown(() => removeFolder(folder))
  await writeFile(join(folder, 'file'), '')
  const scene = await setTheScene(t, join(folder, 'file', 'spool'))
  const run = await scene.program.start()

  await clientsAreServed(t, scene)
  await everyCopyIsAccountedFor(scene)
  await allButTheDroppedArrive(t, scene)
  t.equal(await scene.program.metric('mirror_dropped_total'), 0, WITHOUT_A_DISK)

  t.equal(await run.terminate(), 0)
})

test('a folder that is removed while the router runs costs no client anything', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-crash-'))
  t.teardown(() => removeFolder(folder))
  const scene = await setTheScene(t, join(folder, 'spool'))
  const run = await scene.program.start()
  await scene.load.post(20)
  await allButTheDroppedArrive(t, scene)

  await rm(scene.program.spool, { recursive: true })
  await clientsAreServed(t, scene)
  await everyCopyIsAccountedFor(scene)
  await allButTheDroppedArrive(t, scene)

  t.equal(await run.terminate(), 0)
})
