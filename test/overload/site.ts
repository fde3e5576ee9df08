/** A router with ordinary traffic, for an attack: what it took of the machine, and how the ordinary clients fared. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts, readMetrics, removeFolder, startRouterProcess, sumMetric } from '../../src/demo/router-process.ts'
import type { FromBystanders, Served, ToBystanders } from './bystanders.ts'

const BYSTANDERS = fileURLToPath(new URL('bystanders.ts', import.meta.url))
const MEBIBYTE = 1024 * 1024
const SAMPLE_MS = 100
/** How long descriptors may take to go back. */
const SETTLE_MS = 40_000

export interface Site {
  readonly port: number
  readonly pid: number
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  /** Of the metrics page. */
  readonly pageLines: () => Promise<number>
}

export interface Attack {
  readonly name: string
  readonly config?: Readonly<Record<string, unknown>>
  /** Of the upstream that may hang. */
  readonly readTimeout?: string
  /** ulimit -n of the router. */
  readonly openFiles?: number
  /** Takes long, and test/unit/http1/admission.test.ts has it in the small. */
  readonly byHand?: true
  /** Whether ordinary clients may be refused, with a 503 or a reset, for a part of the time. */
  readonly mayRefuse?: true
  /** What became of the attackers. */
  readonly expected: RegExp
  /** Returns what became of the attackers, in words. */
  readonly run: (site: Site) => Promise<string>
}

export interface Usage {
  readonly rssMiB: number
  readonly descriptors: number
}

export interface Figures {
  readonly name: string
  readonly before: Usage
  readonly peak: Usage
  readonly after: Usage
  readonly ordinary: Served
  readonly outcome: string
  /** Written by the router at level warn and above. */
  readonly log: readonly string[]
}

/** @param warmUpMs - Of ordinary traffic, before anything is measured. */
export async function under (attack: Attack, warmUpMs: number): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-overload-'))
  const bystanders = fork(BYSTANDERS, { stdio: 'inherit' })
  const [ports] = await once(bystanders, 'message') as [Extract<FromBystanders, { type: 'ready' }>]
  const tell = (message: ToBystanders): void => { bystanders.send(message) }
  const [port = 0, adminPort = 0] = await freePorts(2)
  const router = await startRouterProcess({
    listeners: [{ port, host: '127.0.0.1' }],
    upstreams: { relay: { servers: [`127.0.0.1:${ports.relay}`], read_timeout: attack.readTimeout ?? '30s' }, web: { servers: [`127.0.0.1:${ports.web}`] } },
    routes: [{ location: '~ ^/api/[1-9]\\d*/', upstream: 'relay', mirror: true }, { location: '/', upstream: 'web' }],
    mirror: { endpoint: `http://127.0.0.1:${ports.endpoint}`, default: '/rum/default' },
    workers: 1,
    log: { access: 'off', level: 'warn' },
    ...attack.config,
    spool: { path: join(folder, 'spool') },
    admin: { host: '127.0.0.1', port: adminPort }
  }, folder, attack.openFiles === undefined ? {} : { openFiles: attack.openFiles })
  const { pid = 0 } = router.child

  try {
    tell({ type: 'ask', port })
    await sleep(warmUpMs)
    const before = await usageOf(pid)
    const watch = watchUsage(pid)
    const outcome = await attack.run({
      port,
      pid,
      metric: async (name, labels) => sumMetric(await readMetrics(adminPort), name, labels),
      pageLines: async () => (await readMetrics(adminPort)).size
    })
    const after = await settled(pid, before)
    const peak = watch.stop()
    const done = once(bystanders, 'message') as Promise<[Extract<FromBystanders, { type: 'done' }>]>
    tell({ type: 'stop' })
    const [{ type: _type, ...ordinary }] = await done
    if (router.child.exitCode !== null) throw new Error(`The router ended:\n${router.output()}`)
    const log = router.output().split('\n').filter(line => line !== '')
    return { name: attack.name, before, peak: { rssMiB: Math.max(peak.rssMiB, after.rssMiB), descriptors: peak.descriptors }, after, ordinary, outcome, log }
  } finally {
    await router.stop(5000)
    bystanders.disconnect()
    await removeFolder(folder)
  }
}

/** Once the descriptors are what they were, but for a few of pools; or at the end of the time for it. */
async function settled (pid: number, before: Usage): Promise<Usage> {
  const deadline = Date.now() + SETTLE_MS
  for (;;) {
    const now = await usageOf(pid)
    if (now.descriptors <= before.descriptors + 10 || Date.now() > deadline) return now
    await sleep(SAMPLE_MS)
  }
}

function watchUsage (pid: number): { stop: () => Usage } {
  const peak = { rssMiB: 0, descriptors: 0 }
  const timer = setInterval(() => {
    usageOf(pid).then(({ rssMiB, descriptors }) => {
      peak.rssMiB = Math.max(peak.rssMiB, rssMiB)
      peak.descriptors = Math.max(peak.descriptors, descriptors)
    }, () => {})
  }, SAMPLE_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return peak
    }
  }
}

/** Of the process and its workers. */
async function usageOf (pid: number): Promise<Usage> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1')
  const usages = await Promise.all([pid, ...children.split(' ').filter(child => child !== '').map(Number)].map(usageOfOne))
  return {
    rssMiB: usages.reduce((sum, { rssMiB }) => sum + rssMiB, 0),
    descriptors: usages.reduce((sum, { descriptors }) => sum + descriptors, 0)
  }
}

/** proc_pid_status(5). */
async function usageOfOne (pid: number): Promise<Usage> {
  const [status, files] = await Promise.all([readFile(`/proc/${pid}/status`, 'latin1'), readdir(`/proc/${pid}/fd`)])
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(status)?.[1]
  return { rssMiB: Math.round(Number(kibibytes) * 1024 / MEBIBYTE), descriptors: files.length }
}
