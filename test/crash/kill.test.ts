/**
 * kill -9 at random moments, again and again on one spool: nothing that a client was
 * answered about is lost, no byte of it changes, and nothing is left lying about.
 *
 * `CRASH_SEED` repeats the plan of a run, `CRASH_ROUNDS` is the number of kills per test.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { test, type Test } from 'tap'
import { eventually } from '../helpers/router.ts'
import { account, deadFiles, filesIn, unsettled } from './account.ts'
import { readLedger } from './ledger.ts'
import { createLoad, isPoison, nonceOf, type Load } from './load.ts'
import { createProgram, type Program, type Run } from './program.ts'
import { createRandom, type Random } from './random.ts'
import { responds, startRecorder, type Recorder, type Respond } from './recorder.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? randomInt(2 ** 31))
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 26)
const CONNECTIONS = 6
const MOST_PER_ROUND = 150
const DRAIN_TIMEOUT_MS = 30_000

t.setTimeout(120_000 + ROUNDS * 10_000)

for (const workers of [1, 2]) {
  test(`after ${ROUNDS} times kill -9 of ${workers} worker(s) every answered request has been delivered, byte by byte`, async t => {
    const seed = SEED + workers
    t.comment(`CRASH_SEED=${SEED} CRASH_ROUNDS=${ROUNDS}`)
    const random = createRandom(seed)
    const relay = await startRecorder(t, relayAnswer(random))
    const endpoint = await startRecorder(t, responds.status(200))
    const program = await createProgram(t, { relayPort: relay.port, endpointPort: endpoint.port, workers })
    const load = createLoad(t, program.port, random)

    for (let round = 0; round < ROUNDS; round++) await liveAndDie(t, { program, load, endpoint, random })
    await balance(t, { program, load, endpoint })

    const result = account(load, relay, endpoint)
    t.comment(`${ROUNDS} kills: ${load.sent.size} requests, ${result.answered} answered, ${result.lost.length} lost, ${result.duplicates} delivered twice, ${result.dead} dead letters`)
    const { accepted, delivered, dead, dropped } = await readLedger(program.spool)
    t.comment(`the ledger of all lives: ${accepted} accepted, ${delivered} delivered, ${dead} dead, ${dropped} dropped`)
    t.equal(accepted, delivered + dead, 'the ledger balances')
    t.equal(dropped, 0)
    t.ok(accepted >= result.answered && accepted <= load.sent.size, 'it has every answered request, and none that was not sent')
    // A copy may be refused before it is committed, and the kill come between: nobody was answered about that one.
    t.ok(dead <= result.dead && dead >= result.dead - (load.sent.size - result.answered), `${dead} dead letters for ${result.dead} refusals`)
    t.ok(result.answered > ROUNDS, 'the rounds were not idle')
    t.strictSame(result.lost, [])
    t.strictSame(result.altered, [])
    t.strictSame(result.renamed, [])
  })
}

interface Scene {
  readonly program: Program
  readonly load: Load
  readonly endpoint: Recorder
  readonly random: Random
}

/** One round: start, work, and die at a moment that nobody chose. */
async function liveAndDie (t: Test, { program, load, endpoint, random }: Scene): Promise<void> {
  await setMood(endpoint, random)
  const run = program.launch()
  if (random.chance(0.2)) {
    await sleep(random.between(0, 600))
    await run.kill()
    return
  }

  await run.ready()
  const dead = new AbortController()
  const working = load.run({ connections: CONNECTIONS, most: MOST_PER_ROUND, signal: dead.signal })
  if (random.chance(0.3)) await load.dawdle()
  await sleep(random.between(20, 500))
  if (random.chance(0.3)) await killOneWorker(run, random)
  await sleep(random.between(0, 400))
  dead.abort()
  await run.kill()
  await working
  // Should a copy be lost, this says whether the spool had given up its disk.
  for (const line of run.output().split('\n').filter(text => /its disk|damaged|looked into/.test(text))) t.comment(`up to request ${load.sent.size}: ${line}`)
  if (!t.passing()) throw new Error('no further rounds')
}

async function killOneWorker (run: Run, random: Random): Promise<void> {
  const [first, ...others] = await run.workers()
  if (first !== undefined) process.kill(random.pick([first, ...others]), 'SIGKILL')
}

/** Once more, without a kill: what is left goes out, as many as were there, and leaves nothing. */
async function balance (t: Test, { program, load, endpoint }: Omit<Scene, 'random'>): Promise<void> {
  await endpoint.refuse()
  endpoint.respondWith(finalAnswer)
  const run = await program.start()
  const pending = await program.metric('mirror_pending')
  const owed = unsettled(load, endpoint)
  t.comment(`${pending} copies pending before the last drain, ${owed} of them owed`)
  t.ok(pending >= owed, 'what the endpoint has not had is in the spool')

  await endpoint.accept()
  await eventually(async () => {
    const missing = unsettled(load, endpoint)
    return missing === 0 ? null : `${missing} answered requests are not delivered`
  }, DRAIN_TIMEOUT_MS).catch(String)
  await program.metricIs(0, 'mirror_pending', DRAIN_TIMEOUT_MS)

  t.equal(await program.metric('mirror_delivered_total') + await program.metric('mirror_dead_total'), pending, 'all that was pending was settled')
  t.equal(await program.metric('mirror_dropped_total'), 0)
  await eventually(async () => {
    const files = await filesIn(program.spool, 'bodies')
    const expected = deadFiles(load, endpoint)
    return files.length === expected ? null : `bodies/ holds ${files.length} files for ${expected} dead letters`
  })
  t.strictSame(await filesIn(program.spool, 'incoming'), [])
  t.equal(await run.terminate(), 0)
  t.strictSame(await filesIn(program.spool, 'incoming'), [])
}

const finalAnswer: Respond = (answer, request) => { answer(isPoison(nonceOf(request.url ?? '')) ? 400 : 200) }

/** Most of the time Relay is well; an answer of another status is a final one as well. */
function relayAnswer (random: Random): Respond {
  return (answer, request) => {
    const draw = random.between(0, 99)
    if (draw < 80) answer(200)
    else if (draw < 90) responds.after(random.between(1, 50), 200)(answer, request)
    else if (draw < 95) answer(429)
    else if (draw < 98) answer(503)
    else responds.reset()(answer, request)
  }
}

/** What the endpoint is like in this round. */
async function setMood (endpoint: Recorder, random: Random): Promise<void> {
  const mood = random.pick(['well', 'well', 'refusing', 'slow', 'unavailable', 'mixed', 'mixed'])
  if (mood === 'refusing') await endpoint.refuse()
  else await endpoint.accept()
  endpoint.respondWith((answer, request) => {
    const now = mood === 'mixed' ? random.pick(['well', 'well', 'well', 'well', 'slow', 'unavailable', 'resetting', 'hung']) : mood
    switch (now) {
      case 'slow': setTimeout(() => { finalAnswer(answer, request) }, random.between(5, 300)); break
      case 'unavailable': answer(503); break
      case 'resetting': responds.reset()(answer, request); break
      case 'hung': break
      default: finalAnswer(answer, request)
    }
  })
}
