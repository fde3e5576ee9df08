/** The rows that concern the router alone. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readMetrics, sumMetric } from '../../src/demo/router-process.ts'
import type { Backends } from './backend.ts'
import { median, memoryOf } from './cpu.ts'
import { load, type Work } from './load.ts'
import { measure, type Place } from './measure.ts'
import { ENVELOPE } from './rows.ts'
import { startRouter, type RouterOptions, type Subject } from './subjects.ts'

export interface SingleResult {
  readonly value: string
  /** `null`: it cannot be said on this machine. */
  readonly met: boolean | null
  readonly note: string
}

interface Options { readonly rounds: number, readonly seconds: number }

export interface SingleRow {
  readonly name: string
  readonly title: string
  readonly target: string
  run (backends: Backends, options: Options, place: Place): Promise<SingleResult>
}

const MIB_AFTER = { idle: 90, million: 150, outage: 200 }
const OUTAGE = { perSecond: 500, seconds: 30 * 60 }
const BACKLOG = 100_000
const LONGEST_DRAIN_MS = 120_000

export const SINGLE_ROWS: readonly SingleRow[] = [
  { name: 'hung', title: 'endpoint hung: throughput beside its own healthy run, c=64', target: '≥ 95 % (moonshot 99 %)', run: hung },
  { name: 'latency', title: 'p99 added to a direct request to Relay, at half load', target: '≤ 2 ms (moonshot 1 ms)', run: latency },
  { name: 'memory-idle', title: 'memory, idle', target: `≤ ${MIB_AFTER.idle} MiB`, run: memoryIdle },
  { name: 'memory-million', title: 'memory after 1,000,000 envelopes', target: `≤ ${MIB_AFTER.million} MiB`, run: memoryMillion },
  { name: 'memory-outage', title: `memory after ${OUTAGE.seconds / 60} min at ${OUTAGE.perSecond}/s, endpoint hung`, target: `≤ ${MIB_AFTER.outage} MiB`, run: memoryOutage },
  { name: 'workers', title: '2 workers beside 1', target: '≥ 1.7× (moonshot 1.9×)', run: workers },
  { name: 'drain', title: `draining ${BACKLOG.toLocaleString('en')} copies at half load`, target: '≥ 5,000/s, p99 unchanged', run: drain }
]

async function withRouter<T> (name: string, backends: Backends, place: Place, use: (router: Subject) => Promise<T>, options: RouterOptions = {}): Promise<T> {
  const router = await startRouter(backends, place.subjectCores, join(place.folder, name), options)
  try {
    return await use(router)
  } finally {
    await backends.hang('endpoint', false)
    await router.stop()
  }
}

async function hung (backends: Backends, { rounds, seconds }: Options, place: Place): Promise<SingleResult> {
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    ratios.push(await withRouter(`hung-${round}`, backends, place, async router => {
      const run = (): Promise<number> => load(ENVELOPE, router.port, seconds * 2, place.loadCores, place.folder).then(result => result.perSecond)
      await run()
      const healthy = await run()
      await backends.hang('endpoint', true)
      return await run() / healthy
    }))
  }
  const ratio = median(ratios)
  return { value: `${(ratio * 100).toFixed(0)} %`, met: ratio >= 0.95, note: `rounds ${ratios.map(each => (each * 100).toFixed(0)).join(', ')}` }
}

/** About half of what the router can do. */
async function halfLoad (router: Subject, place: Place, seconds: number): Promise<Work> {
  const connections = 16
  await load(ENVELOPE, router.port, seconds, place.loadCores, place.folder)
  const { perSecond } = await load(ENVELOPE, router.port, seconds, place.loadCores, place.folder)
  return { ...ENVELOPE, connections, pauseMs: connections / (perSecond / 2) * 1000 }
}

async function latency (backends: Backends, { rounds, seconds }: Options, place: Place): Promise<SingleResult> {
  return await withRouter('latency', backends, place, async router => {
    const work = await halfLoad(router, place, seconds)
    const added: number[] = []
    let perSecond = 0
    for (let round = 0; round < rounds; round++) {
      const direct = await load(work, backends.ports.relay, seconds, place.loadCores, place.folder)
      const through = await load(work, router.port, seconds, place.loadCores, place.folder)
      added.push(through.p99Ms - direct.p99Ms)
      perSecond = through.perSecond
    }
    const value = median(added)
    return { value: `${value.toFixed(2)} ms`, met: value <= 2, note: `${perSecond.toFixed(0)} requests/s; rounds ${added.map(each => each.toFixed(2)).join(', ')}` }
  })
}

function memory (pid: number, most: number, note: readonly string[] = []): SingleResult {
  const { all, ofFiles } = memoryOf(pid)
  return { value: `${all.toFixed(0)} MiB`, met: all <= most, note: [`${ofFiles.toFixed(0)} of them pages of files`, ...note].join('; ') }
}

async function memoryIdle (backends: Backends, _options: Options, place: Place): Promise<SingleResult> {
  // Fills the compile cache, as the build of the image does.
  await withRouter('memory-idle-first', backends, place, async () => {})
  return await withRouter('memory-idle', backends, place, async router => {
    await sleep(10_000)
    return memory(router.pid, MIB_AFTER.idle)
  })
}

async function memoryMillion (backends: Backends, _options: Options, place: Place): Promise<SingleResult> {
  return await withRouter('memory-million', backends, place, async router => {
    const before = (await backends.counts()).relay
    while ((await backends.counts()).relay - before < 1_000_000) await load(ENVELOPE, router.port, 10, place.loadCores, place.folder)
    return memory(router.pid, MIB_AFTER.million)
  })
}

async function memoryOutage (backends: Backends, _options: Options, place: Place): Promise<SingleResult> {
  const { perSecond, seconds } = OUTAGE
  const connections = 16
  return await withRouter('memory-outage', backends, place, async router => {
    await backends.hang('endpoint', true)
    await load({ ...ENVELOPE, connections, pauseMs: connections / perSecond * 1000 }, router.port, seconds, place.loadCores, place.folder)
    const pending = sumMetric(await readMetrics(router.adminPort), 'mirror_pending')
    return memory(router.pid, MIB_AFTER.outage, [`${pending} copies waiting`])
  }, { spool: { max_bytes: '16GiB' } })
}

async function takeCopies (router: Subject, count: number, place: Place): Promise<void> {
  while (sumMetric(await readMetrics(router.adminPort), 'mirror_pending') < count) await load(ENVELOPE, router.port, 5, place.loadCores, place.folder)
}

/** Two workers need two cores, and the load more: without those it is the cost per request that is compared. */
async function workers (backends: Backends, { rounds, seconds }: Options, place: Place): Promise<SingleResult> {
  const cores = availableParallelism()
  const apart = cores >= 4 ? { ...place, subjectCores: '0,1', loadCores: `2-${cores - 1}` } : place
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const run = (workers: number) => withRouter(`workers-${workers}-${round}`, backends, apart, async router => {
      await measure(router, backends, ENVELOPE, seconds, apart)
      return await measure(router, backends, ENVELOPE, seconds, apart)
    }, { workers })
    const one = await run(1)
    const two = await run(2)
    ratios.push(cores >= 4 ? two.perSecond / one.perSecond : 2 * one.cpuPerRequest / two.cpuPerRequest)
  }
  const ratio = median(ratios)
  const rest = `rounds ${ratios.map(each => each.toFixed(2)).join(', ')}`
  if (cores >= 4) return { value: `${ratio.toFixed(2)}×`, met: ratio >= 1.7, note: rest }
  return { value: `at most ${ratio.toFixed(2)}×`, met: null, note: `by the cost per request: this machine has no cores for the load beside two workers; ${rest}` }
}

async function drain (backends: Backends, { seconds }: Options, place: Place): Promise<SingleResult> {
  return await withRouter('drain', backends, place, async router => {
    const work = await halfLoad(router, place, seconds)
    const alone = await load(work, router.port, seconds * 2, place.loadCores, place.folder)
    await backends.hang('endpoint', true)
    await takeCopies(router, BACKLOG, place)
    const pending = sumMetric(await readMetrics(router.adminPort), 'mirror_pending')
    const serving = load(work, router.port, seconds * 5, place.loadCores, place.folder)
    await backends.hang('endpoint', false)
    const first = (await backends.counts()).endpoint
    while ((await backends.counts()).endpoint < first + 64) await sleep(10)
    const before = (await backends.counts()).endpoint
    const since = performance.now()
    const deadline = since + LONGEST_DRAIN_MS
    while (sumMetric(await readMetrics(router.adminPort), 'mirror_pending') > 1000 && performance.now() < deadline) await sleep(200)
    const took = (performance.now() - since) / 1000
    const rate = ((await backends.counts()).endpoint - before) / took
    const during = await serving
    return {
      value: `${rate.toFixed(0)}/s`,
      met: rate >= 5000 && during.p99Ms <= alone.p99Ms * 2,
      note: `${pending} copies in ${took.toFixed(1)} s; p99 ${alone.p99Ms.toFixed(1)} ms before, ${during.p99Ms.toFixed(1)} ms while draining, at ${during.perSecond.toFixed(0)} requests/s`
    }
  }, { mirror: { retry: { max: '5s' } } })
}
