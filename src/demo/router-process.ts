/**
 * Runs the router as a child process, the way an operator would: a configuration
 * file, `start`, readiness through the admin listener, SIGTERM at the end.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type ListenOptions, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'

/** Content of router.yaml as plain values. */
export interface RouterFile {
  readonly admin: { readonly host: string, readonly port: number }
  readonly [section: string]: unknown
}

export interface RouterProcess {
  readonly child: ChildProcess
  /** What it wrote so far: the log on both streams, the last 256 KiB. */
  readonly output: () => string
  /** SIGTERM, then SIGKILL after `graceMs`. Resolves with the exit code; `null` when a signal ended it. */
  readonly stop: (graceMs?: number) => Promise<number | null>
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const MOST_OUTPUT = 256 * 1024
const READY_TIMEOUT_MS = 20_000
const GRACE_MS = 35_000

/** Below the range the kernel takes outgoing ports from (net.ipv4.ip_local_port_range), so that none is taken meanwhile. */
const FIRST_PORT = 18_000
const LAST_PORT = 32_000

/**
 * Free ports, which no other process gets from here while this one lives: a router
 * that is restarted leaves its port for a moment, and two routers that share their
 * ports among workers would share one with each other.
 */
export async function freePorts (count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT)
    if (await reserve(port) && await isFree(port)) ports.add(port)
  }
  return [...ports]
}

/** Takes a name of the kernel's abstract namespace, unix(7), which goes with the process. */
async function reserve (port: number): Promise<boolean> {
  const server = createServer().unref()
  return await listens(server, { path: `\0mirror-router-port-${port}` })
}

/**
 * Starts the router and waits until `/readyz` says 200.
 *
 * @param config - `admin.port` must not be 0.
 * @param folder - Where router.yaml is written; it is created, and removed by nobody.
 * @param options - `openFiles`: the limit it is started with (ulimit -n).
 * @throws With the router's output when it exits or is not ready within 20 s.
 */
export async function startRouterProcess (config: RouterFile, folder: string, { openFiles }: { readonly openFiles?: number } = {}): Promise<RouterProcess> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'router.yaml')
  await writeFile(file, stringify(config))

  // A group of its own: Ctrl-C in the terminal reaches the demo alone, which stops the router in its order.
  const command = [process.execPath, MAIN, 'start', '--config', file]
  const [program = '', ...args] = openFiles === undefined ? command : ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...command]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  const keep = (chunk: Buffer): void => { output = (output + chunk.toString()).slice(-MOST_OUTPUT) }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const router: RouterProcess = {
    child,
    output: () => output,
    stop: async (graceMs = GRACE_MS) => {
      if (hasEnded(child)) return child.exitCode
      const timer = setTimeout(() => { child.kill('SIGKILL') }, graceMs)
      child.kill('SIGTERM')
      await once(child, 'exit')
      clearTimeout(timer)
      return child.exitCode
    }
  }

  try {
    await once(child, 'spawn')
    await ready(child, `http://127.0.0.1:${config.admin.port}/readyz`)
  } catch (cause) {
    await router.stop(1000)
    throw new Error(`The router did not start. Its output:\n${output}`, { cause })
  }
  return router
}

/** Value of every sample of a metric, by its labels as printed; see the Prometheus text format. */
export async function readMetrics (adminPort: number): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`)
  const samples = new Map<string, number>()
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const at = line.lastIndexOf(' ')
    samples.set(line.slice(0, at), Number(line.slice(at + 1)))
  }
  return samples
}

/** Sum over all samples of a metric whose labels contain the given ones. */
export function sumMetric (samples: ReadonlyMap<string, number>, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  let sum = 0
  for (const [sample, value] of samples) {
    if ((sample === name || sample.startsWith(`${name}{`)) && wanted.every(label => sample.includes(label))) sum += value
  }
  return sum
}

export function removeFolder (folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 })
}

async function ready (child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (Date.now() < deadline) {
    if (hasEnded(child)) throw new Error(`It exited with ${child.exitCode ?? child.signalCode}.`)
    if (await answersOk(url)) return
    await sleep(50)
  }
  throw new Error(`${url} did not answer 200 within ${READY_TIMEOUT_MS} ms.`)
}

function hasEnded (child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
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

async function isFree (port: number): Promise<boolean> {
  const server = createServer()
  if (!await listens(server, { port, host: '127.0.0.1' })) return false
  server.close()
  await once(server, 'close')
  return true
}

async function listens (server: Server, where: ListenOptions): Promise<boolean> {
  try {
    server.listen(where)
    await once(server, 'listening')
    return true
  } catch {
    // Somebody listens there.
    return false
  }
}
