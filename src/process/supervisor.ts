/**
 * Several worker processes on the same ports: `workers: N`. Each is a whole router;
 * the kernel shares the connections out. One that dies is replaced, and its counters
 * are kept; the others do not notice.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { createMetrics } from '../admin/metrics.ts'
import type { MetricsRenderer } from '../admin/render-metrics.ts'
import type { Readiness } from '../admin/server.ts'
import type { Config } from '../config/config.ts'
import { createOutageMerge, logOutage } from '../mirror/outage-log.ts'
import { bodyFolderOf } from './body-folder.ts'
import { packConfig, type CarriedConfig } from './carry-config.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { Partitions } from './partitions.ts'
import type { ProcessReport } from './process-report.ts'
import type { WorkerPool } from './worker-pool.ts'

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))
/** How long a scrape waits for a worker; a busy one is represented by its last word. */
const REPORT_TIMEOUT_MS = 1_000
/** How long a reload waits for a worker that is busy; it will do as it was told later. */
const APPLY_TIMEOUT_MS = 10_000
/** A worker that dies at once, again and again, is not restarted in a tight loop. */
const FIRST_RESTART_MS = 100
const MAX_RESTART_MS = 10_000
/** A worker that lived this long has shown that it can. */
const STABLE_MS = 10_000
/** Beyond the workers' own deadline, before they are killed. */
const KILL_AFTER_MS = 2_000

type Answer = Extract<FromWorker, { request: number | null }>

interface Worker {
  readonly child: ChildProcess
  readonly startedAt: number
  ready: boolean
  /** `null` before its first word. */
  last: ProcessReport | null
  /** By request. `null`: it has ended. */
  readonly waiting: Map<number, (answer: Answer | null) => void>
}

export interface SupervisorOptions {
  readonly config: Config
  readonly log: Logger
  readonly renderer: MetricsRenderer
  /** Partitions of the spool that hold copies of earlier runs. */
  readonly foundPartitions: readonly number[]
  /** What a worker that ended left in its log goes to where others find it. @throws What the disk says. */
  readonly recoverSpool: () => void
  /** Of the program; see `createSteadyNow`. */
  readonly clockZeroMs: number
}

export function createSupervisor ({ config, log, renderer, foundPartitions, recoverSpool, clockZeroMs }: SupervisorOptions): WorkerPool {
  /** What a worker that starts now is given. */
  let inForce = packConfig(config)
  const workers = new Set<Worker>()
  const partitions = new Partitions<Worker>(foundPartitions)
  /** What this process itself counts: replays and reloads. */
  const metrics = createMetrics({ now: () => Date.now(), accessLogDroppedLines: () => 0 })
  const outages = createOutageMerge<Worker>({
    onOutage: event => { logOutage(log, event) },
    pendingOfOthers: worker => [...workers].reduce((sum, other) => other === worker ? sum : sum + pendingOf(other.last), 0),
    now: () => Date.now()
  })
  let stopping = false
  let requests = 0
  let restartMs = FIRST_RESTART_MS
  let onChange: (() => void) | null = null
  let failure: string | null = null

  function spawn (): void {
    const child = fork(WORKER, { serialization: 'advanced', stdio: 'inherit' })
    const worker: Worker = { child, startedAt: performance.now(), ready: false, last: null, waiting: new Map() }
    workers.add(worker)
    child.on('message', (message: FromWorker) => { receive(worker, message) })
    child.on('exit', (code, signal) => { onExit(worker, code, signal) })
    child.on('error', error => { log.error({ error: error.message, worker: child.pid }, 'A worker cannot be talked to.') })
    tell(worker, { type: 'start', config: inForce, partition: partitions.assign(worker), clockZeroMs })
  }

  function tell (worker: Worker, message: ToWorker): void {
    // The channel may be closing; the worker's exit is dealt with where it is told.
    if (worker.child.connected) worker.child.send(message, () => {})
  }

  function receive (worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        worker.ready = true
        shareOut()
        onChange?.()
        break
      case 'failed':
        failure = message.message
        onChange?.()
        break
      case 'report':
        worker.last = message.report
        if (message.report.status.delivery !== null) outages.seen(worker, message.report.status.delivery, pendingOf(message.report))
        if (message.request !== null) worker.waiting.get(message.request)?.(message)
        break
      case 'outage':
        outages.told(worker, message.event)
        break
      case 'applied':
        worker.waiting.get(message.request)?.(message)
        break
    }
  }

  function onExit (worker: Worker, code: number | null, signal: string | null): void {
    workers.delete(worker)
    partitions.abandon(worker)
    outages.gone(worker)
    recover()
    shareOut()
    // Bodies it was receiving: nobody was told that they had arrived. What fails here is removed at the next start.
    if (worker.child.pid !== undefined) rm(bodyFolderOf(config.spool.path, worker.child.pid), { recursive: true, force: true }).catch(() => {})
    if (worker.last !== null) renderer.retire(worker.last.metrics)
    for (const resolve of worker.waiting.values()) resolve(null)
    onChange?.()
    if (stopping) return
    restartMs = performance.now() - worker.startedAt > STABLE_MS ? FIRST_RESTART_MS : Math.min(restartMs * 2, MAX_RESTART_MS)
    log.error({ worker: worker.child.pid, code, signal, restartMs }, 'A worker ended; another takes its place. If this goes on, look at what it wrote before, and whether memory is short.')
    setTimeout(() => { if (!stopping) spawn() }, restartMs)
  }

  /** Before anybody adopts: the log may tell of partitions that the worker had adopted. */
  function recover (): void {
    try {
      recoverSpool()
    } catch (error) {
      log.warn({ error: String(error) }, 'What a worker left in the log of the spool cannot be read now; who adopts its copies tries again.')
    }
  }

  /** What nobody delivers goes to the workers that are up, at once. */
  function shareOut (): void {
    if (stopping) return
    for (const [worker, share] of partitions.shareOut([...workers].filter(worker => worker.ready))) tell(worker, { type: 'adopt', partitions: share })
  }

  async function start (): Promise<void> {
    for (let i = 0; i < config.workers; i++) spawn()
    await until(() => failure !== null || [...workers].every(worker => worker.ready))
    if (failure === null) return
    await stop(0)
    throw new Error(failure)
  }

  /** Resolves as soon as `condition` holds; it is looked at whenever a worker speaks or ends. */
  function until (condition: () => boolean): Promise<void> {
    return new Promise(resolve => {
      onChange = () => {
        if (!condition()) return
        onChange = null
        resolve()
      }
      onChange()
    })
  }

  /** Resolves with the worker's answer; `null`: it has ended; `undefined`: it takes longer than that. */
  function ask (worker: Worker, ask: (request: number) => ToWorker, timeoutMs: number): Promise<Answer | null | undefined> {
    return new Promise(resolve => {
      const request = requests++
      const timer = setTimeout(() => { settle(undefined) }, timeoutMs)
      function settle (answer: Answer | null | undefined): void {
        clearTimeout(timer)
        worker.waiting.delete(request)
        resolve(answer)
      }
      worker.waiting.set(request, settle)
      tell(worker, ask(request))
    })
  }

  async function reportOf (worker: Worker): Promise<ProcessReport | null> {
    const answer = await ask(worker, request => ({ type: 'report', request }), REPORT_TIMEOUT_MS)
    if (answer === undefined) return worker.last
    return answer?.type === 'report' ? answer.report : null
  }

  async function apply (next: Config): Promise<void> {
    if (stopping) throw new Error('the router is stopping')
    const before = inForce
    const config = packConfig(next)
    // At once: a worker that starts meanwhile is told nothing else.
    inForce = config
    const faults = await Promise.all([...workers].map(worker => applyTo(worker, config)))
    const fault = faults.find(fault => fault !== null)
    if (fault !== undefined) {
      inForce = before
      throw new Error(fault)
    }
    log.level = next.log.level
  }

  /** @returns Why it goes on as before, or `null`. */
  async function applyTo (worker: Worker, config: CarriedConfig): Promise<string | null> {
    const answer = await ask(worker, request => ({ type: 'apply', request, config }), APPLY_TIMEOUT_MS)
    if (answer === undefined) log.warn({ worker: worker.child.pid }, 'A worker is too busy to change its configuration now; it will when it can.')
    return answer?.type === 'applied' ? answer.fault : null
  }

  async function stop (deadlineMs: number): Promise<void> {
    stopping = true
    for (const worker of workers) tell(worker, { type: 'stop', deadlineMs })
    const timer = setTimeout(() => {
      for (const { child } of workers) child.kill('SIGKILL')
    }, deadlineMs + KILL_AFTER_MS)
    await until(() => workers.size === 0)
    clearTimeout(timer)
  }

  return {
    start,
    stop,
    apply,
    reloads: metrics,
    adopt (found) {
      partitions.found(found)
      shareOut()
    },
    replayed (projects) {
      for (const project of projects) metrics.replayed(project)
      for (const worker of workers) tell(worker, { type: 'poll' })
    },
    readiness (): Readiness {
      if (stopping) return 'draining'
      return [...workers].some(worker => worker.ready) ? 'ready' : 'starting'
    },
    async report () {
      const asked = await Promise.all([...workers].map(async worker => ({ worker, report: await reportOf(worker) })))
      // One that died while others were waited for is counted among the retired by now.
      const reports = asked.flatMap(({ worker, report }) => report === null || !workers.has(worker) ? [] : [report])
      return { metrics: [metrics.snapshot(null), ...reports.map(report => report.metrics)], processes: reports.map(report => report.status) }
    }
  }
}

function pendingOf (report: ProcessReport | null): number {
  return report?.status.spool?.pending ?? 0
}
