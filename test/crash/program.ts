/**
 * The real program on one spool and on the same ports, started and ended again and
 * again: killed with all its workers, terminated, or ended before it was ready.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { stringify } from 'yaml'
import { freePorts, readMetrics, removeFolder, sumMetric } from '../../src/demo/router-process.ts'
import { eventually, routerConfig } from '../helpers/router.ts'

export interface Program {
  readonly port: number
  /** The spool's folder. */
  readonly spool: string
  /** router.yaml. */
  readonly file: string
  /** Starts it; nothing runs yet when it returns. */
  readonly launch: () => Run
  /** Starts it, and resolves once it is ready. */
  readonly start: () => Promise<Run>
  /** Sum over the samples of a metric that carry the labels. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  /** The same for several metrics of one page, so that they belong together. */
  readonly metrics: (names: readonly string[]) => Promise<number[]>
  /** Resolves once a metric is `value`; rejects, saying what it is, after `timeoutMs`. */
  readonly metricIs: (value: number, name: string, timeoutMs?: number) => Promise<void>
}

/** One life of the program. */
export interface Run {
  /** Resolves once `/readyz` says 200. Rejects, with what it wrote, when it ends first or takes longer than `timeoutMs`. */
  readonly ready: (timeoutMs?: number) => Promise<void>
  /** SIGKILL to the whole process group. Resolves once no process of it is left. @throws When it had ended by itself. */
  readonly kill: () => Promise<void>
  /** SIGTERM. Resolves with the exit code once no process of it is left. */
  readonly terminate: () => Promise<number | null>
  /** Resolves with the exit code once it has ended by itself; rejects after `timeoutMs`. */
  readonly ended: (timeoutMs?: number) => Promise<number | null>
  /** Process ids of its workers; none with `workers: 1`. */
  readonly workers: () => Promise<number[]>
  readonly output: () => string
  /** Whether a line of the log so far fits. */
  readonly logged: (line: RegExp) => boolean
}

export interface ProgramOptions {
  readonly relayPort: number
  readonly endpointPort: number
  readonly workers: number
  /** Added to the section `mirror`. */
  readonly mirror?: Readonly<Record<string, unknown>>
  /** Added to the section `spool`. */
  readonly spool?: Readonly<Record<string, unknown>>
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const READY_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 45_000

/** Short silences and backoffs, so that a round is short; few copies under way, so that a kill repeats few. */
const IMPATIENT = {
  concurrency: 16,
  connect_timeout: '1s',
  send_timeout: '1s',
  read_timeout: '1s',
  retry: { initial: '50ms', max: '300ms', max_age: '24h' }
}

export async function createProgram (t: Test, options: ProgramOptions): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-crash-'))
  t.teardown(() => removeFolder(folder))
  const [port = 0, port81 = 0, adminPort = 0] = await freePorts(3)
  const file = join(folder, 'router.yaml')
  const spool = join(folder, 'spool')
  const { relayPort, endpointPort, workers } = options
  const { upstreams, mirror } = routerConfig({ relay: relayPort, web: relayPort, webRum: relayPort, endpoint: endpointPort })
  await writeFile(file, stringify({
    listeners: [{ port, host: '127.0.0.1', ui: 'web' }, { port: port81, host: '127.0.0.1', ui: 'web-rum' }],
    upstreams,
    mirror: { ...mirror as object, ...IMPATIENT, ...options.mirror },
    // A copy counts as kept only once the spool has it: the promise that is tested.
    spool: { path: spool, commit_timeout: '30s', ...options.spool },
    admin: { host: '127.0.0.1', port: adminPort },
    workers,
    log: { access: 'off' }
  }))

  let last: Run | null = null
  t.teardown(async () => {
    // It has usually ended; a test that failed may have left it.
    await last?.kill().catch(() => {})
    if (!t.passing() && last !== null) t.comment(`The router wrote:\n${last.output()}`)
  })

  const metric: Program['metric'] = async (name, labels) => sumMetric(await readMetrics(adminPort), name, labels)
  const launch = (): Run => {
    last = launchOnce(file, `http://127.0.0.1:${adminPort}/readyz`)
    return last
  }
  return {
    port,
    spool: options.spool?.['path'] as string | undefined ?? spool,
    file,
    launch,
    metric,
    metrics: async names => {
      const page = await readMetrics(adminPort)
      return names.map(name => sumMetric(page, name))
    },
    start: async () => {
      const run = launch()
      await run.ready()
      return run
    },
    metricIs: (value, name, timeoutMs) => eventually(async () => {
      const now = await metric(name)
      return now === value ? null : `${name} is ${now}, not ${value}`
    }, timeoutMs)
  }
}

function launchOnce (file: string, readyUrl: string): Run {
  // A group of its own, so that one signal reaches the workers as well.
  const child = spawn(process.execPath, [MAIN, 'start', '--config', file], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  const keep = (chunk: Buffer): void => { output = (output + chunk.toString()).slice(-64 * 1024) }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  // Workers inherit the pipes: `close` comes when the last process of the group is gone.
  const closed = new Promise<void>(resolve => { child.once('close', () => { resolve() }) })

  async function ended (timeoutMs = END_TIMEOUT_MS): Promise<number | null> {
    const timer = new AbortController()
    const late = sleep(timeoutMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
    const winner = await Promise.race([closed, late])
    timer.abort()
    if (winner === 'late') throw new Error(`The router did not end within ${timeoutMs} ms. It wrote:\n${output}`)
    return child.exitCode
  }

  return {
    output: () => output,
    logged: line => output.split('\n').some(text => line.test(text)),
    ended,
    ready: (timeoutMs = READY_TIMEOUT_MS) => untilReady(child, readyUrl, timeoutMs, () => output),

    async kill () {
      if (hasEnded(child)) {
        if (child.signalCode === 'SIGKILL') return
        throw new Error(`The router had ended by itself: ${child.exitCode ?? child.signalCode}. It wrote:\n${output}`)
      }
      if (child.pid === undefined) throw new Error('The router was not started.')
      process.kill(-child.pid, 'SIGKILL')
      await ended()
    },

    async terminate () {
      child.kill('SIGTERM')
      return await ended()
    },

    // Linux: proc(5).
    workers: async () => (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)
  }
}

async function untilReady (child: ChildProcess, url: string, timeoutMs: number, output: () => string): Promise<void> {
  if (child.pid === undefined) await once(child, 'spawn')
  const deadline = Date.now() + timeoutMs
  while (!await answersOk(url)) {
    if (hasEnded(child)) throw new Error(`The router ended with ${child.exitCode ?? child.signalCode} before it was ready. It wrote:\n${output()}`)
    if (Date.now() > deadline) throw new Error(`The router was not ready within ${timeoutMs} ms. It wrote:\n${output()}`)
    await sleep(20)
  }
}

async function answersOk (url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    // Refused: it is not listening yet.
    return false
  }
}

function hasEnded (child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
