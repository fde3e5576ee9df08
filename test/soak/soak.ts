/**
 * One soak: the real program in a folder of its own, stand-ins on both sides of it,
 * mixed traffic, and faults; then calm, a drain, and the accounts of all of them.
 */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, removeFolder, sumMetric } from '../../src/demo/router-process.ts'
import { filesIn } from '../crash/account.ts'
import { readLedger } from '../crash/ledger.ts'
import { createRandom } from '../crash/random.ts'
import { createClock } from '../helpers/clock.ts'
import { eventually } from '../helpers/router.ts'
import { createBook } from './book.ts'
import { judge, type Check } from './checks.ts'
import { createClient } from './client.ts'
import { createEnvelopes } from './envelopes.ts'
import { countBook, type Evidence, type ReportFile } from './evidence.ts'
import { endpointFaults, primaryFaults } from './faults.ts'
import { paceOf, runTrack } from './plan.ts'
import { createProgram, type Program } from './program.ts'
import { routerFile, writeStaticFile, type MapName } from './router-file.ts'
import { takeSample, type Sample } from './samples.ts'
import { openStandIns } from './stand-ins.ts'
import { createTraffic } from './traffic.ts'
import { createWindows, type FaultWindow } from './windows.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly workers: number
  /** Requests per second. */
  readonly rate: number
  /** `spool.max_bytes`. */
  readonly maxSpool: string
  /** Whether the whole router is killed, too. */
  readonly killsRouter: boolean
  readonly log: (line: string) => void
}

export interface Soaked {
  readonly evidence: Evidence
  readonly checks: readonly Check[]
  readonly faults: readonly FaultWindow[]
  /** What the router wrote last. */
  readonly output: string
}

const CLIENT_CONNECTIONS = 64
/** Part of the run in which processes are killed; what lives then is watched to the end. */
const KILLING = 0.4
const DRAIN_TIMEOUT_MS = 180_000
const SETTLE_TIMEOUT_MS = 30_000

export async function soak (options: SoakOptions): Promise<Soaked> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-soak-'))
  try {
    return await soakIn(folder, options)
  } finally {
    await removeFolder(folder)
  }
}

async function soakIn (folder: string, { minutes, seed, workers, rate, maxSpool, killsRouter, log }: SoakOptions): Promise<Soaked> {
  const startedAt = performance.now()
  const now = (): number => performance.now() - startedAt
  const book = createBook()
  const windows = createWindows(now)
  // One generator for each, so that none's draws move another's.
  const [forStandIns, forTraffic, forEndpointPlan, forPrimaryPlan, forFaults] = [1, 2, 3, 4, 5].map(part => createRandom(seed * 8 + part)) as [ReturnType<typeof createRandom>, ReturnType<typeof createRandom>, ReturnType<typeof createRandom>, ReturnType<typeof createRandom>, ReturnType<typeof createRandom>]
  const standIns = await openStandIns({ book, random: forStandIns, now, mayBeLost: at => windows.excuse(['answers', 'process'], at - 500, at + 500) })
  const ports = await freePorts(3) as [number, number, number]
  const map: { current: MapName | null } = { current: 'a' }
  const fileOf = (name: MapName): string => routerFile(name, {
    folder,
    ports,
    upstreams: { relay: standIns.relay.port, web: standIns.web.port, webRum: standIns.webRum.port },
    endpoint: standIns.endpoint.port,
    workers,
    maxSpool
  })
  const file = join(folder, 'router.yaml')
  const spool = join(folder, 'spool')
  await writeFile(file, fileOf('a'))
  await writeStaticFile(folder)

  const clock = createClock(folder)
  const program = createProgram({ file, adminPort: ports[2], env: clock.env, workers })
  const client = createClient(CLIENT_CONNECTIONS)
  const envelopes = createEnvelopes({ book, random: forTraffic, now, map: () => map.current })
  const traffic = createTraffic({ ports: [ports[0], ports[1]], book, envelopes, client, windows, random: forTraffic, now, map: () => map.current, rate })

  try {
    await program.start()
    await sleep(1_000)
    const first = await sampleSurely(program, spool, now())
    const samples: Sample[] = []

    const stopFaults = new AbortController()
    const stopTraffic = new AbortController()
    const stopSamples = new AbortController()
    const durationMs = minutes * 60_000
    const shared = { pace: paceOf(minutes), windows, now, lastKillAt: now() + durationMs * KILLING, log }
    const sampling = sampleOften(Math.min(10_000, Math.max(1_000, durationMs / 60)), stopSamples.signal)
    const working = traffic.run(stopTraffic.signal)
    const tracks = [
      runTrack({ ...shared, faults: endpointFaults({ standIns }), random: forEndpointPlan, routerKillIn: 1 }, stopFaults.signal),
      runTrack({ ...shared, faults: primaryFaults({ program, standIns, clock, random: forFaults, folder, file, fileOf, map }).filter(({ ends }) => killsRouter || ends !== 'router'), random: forPrimaryPlan, routerKillIn: minutes < 30 ? 1 : 2 }, stopFaults.signal)
    ]

    const broken = Promise.race([...tracks, working, sampling].map(part => part.then(() => new Promise<never>(() => {}))))
    await Promise.race([sleep(durationMs), broken])
    stopFaults.abort()
    await Promise.all(tracks)
    stopTraffic.abort()
    await working
    log(`${(now() / 1_000).toFixed(1).padStart(8)} s  calm: ${book.count()} envelopes were sent, what waits is delivered`)
    await drain(program)
    client.close()
    stopSamples.abort()
    await sampling

    const report = await program.command('report', '--since', '7d', '--json')
    const last = await settled(first)
    const errors = program.errors()
    const exitCode = await program.terminate()
    const evidence: Evidence = {
      minutes,
      tally: traffic.tally,
      book: countBook(book, windows, now()),
      endpoint: standIns.counts(),
      wrongs: standIns.wrongs(),
      ledger: await readLedger(spool),
      report: parseReport(report),
      samples,
      first,
      last,
      leftFiles: { bodies: (await filesIn(spool, 'bodies')).length, incoming: (await filesIn(spool, 'incoming')).length },
      lastKillAt: windows.all.filter(({ troubles }) => troubles.includes('process')).reduce((latest, { to }) => Math.max(latest, to), 0),
      faultCount: windows.all.length,
      surprises: program.surprises(),
      errors,
      exitCode
    }
    return { evidence, checks: judge(evidence), faults: windows.all, output: program.output() }

    async function sampleOften (everyMs: number, signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await sleep(everyMs, null, { signal }).catch(() => {})
        const sample = await takeSample(program, spool, now())
        if (sample !== null) samples.push(sample)
      }
    }

    /** Connections that nobody uses are closed, then all is as it was; or as it is after a while. */
    async function settled (before: Sample): Promise<Sample> {
      let sample = await sampleSurely(program, spool, now())
      await eventually(async () => {
        for (const gate of [standIns.relay, standIns.web, standIns.webRum, standIns.endpoint]) gate.closeIdle()
        sample = await sampleSurely(program, spool, now())
        const open = sample.processes.reduce((sum, { descriptors }) => sum + descriptors, 0)
        return open <= before.processes.reduce((sum, { descriptors }) => sum + descriptors, 0) ? null : `${open} descriptors are open`
      }, SETTLE_TIMEOUT_MS).catch(() => {})
      return sample
    }
  } catch (error) {
    throw new Error(`The soak broke off. The router wrote:\n${program.output()}`, { cause: error })
  } finally {
    client.close()
    await program.kill().catch(() => {})
    await standIns.close()
  }
}

/** Nothing waits for delivery any more; what does not go out shows in the checks. */
async function drain (program: Program): Promise<void> {
  await eventually(async () => {
    const pending = sumMetric(await program.metrics(), 'mirror_pending')
    return pending === 0 ? null : `${pending} copies wait`
  }, DRAIN_TIMEOUT_MS).catch(() => {})
}

async function sampleSurely (program: Program, spool: string, at: number): Promise<Sample> {
  const sample = await takeSample(program, spool, at)
  if (sample === null) throw new Error('the router does not answer')
  return sample
}

function parseReport ({ stdout, stderr }: { readonly stdout: string, readonly stderr: string }): ReportFile {
  try {
    return JSON.parse(stdout) as ReportFile
  } catch (cause) {
    throw new Error(`report --json printed: ${stdout.slice(0, 500)} ${stderr}`, { cause })
  }
}
