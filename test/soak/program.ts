/** The real program in a folder of its own: started, told, killed, and started again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readMetrics } from '../../src/demo/router-process.ts'

export interface Program {
  /** Resolves once it is ready. @throws With what it wrote last. */
  readonly start: () => Promise<void>
  /** SIGKILL to all its processes. */
  readonly kill: () => Promise<void>
  /** SIGTERM. Resolves with the exit code once no process of it is left. */
  readonly terminate: () => Promise<number | null>
  readonly signal: (signal: NodeJS.Signals) => void
  /** Process ids: the supervisor or only process first. */
  readonly processes: () => Promise<number[]>
  /** Ids of the processes that serve. */
  readonly workers: () => Promise<number[]>
  readonly metrics: () => Promise<ReadonlyMap<string, number>>
  /** Ends that nobody asked for. */
  readonly surprises: () => readonly string[]
  /** Lines of level error and above, by their message. */
  readonly errors: () => ReadonlyMap<string, { readonly count: number, readonly first: string }>
  /** The last lines it wrote. */
  readonly output: () => string
  /** Runs a command of the program, and gives what it printed. */
  readonly command: (...args: readonly string[]) => Promise<{ readonly code: number | null, readonly stdout: string, readonly stderr: string }>
}

export interface ProgramOptions {
  /** router.yaml. */
  readonly file: string
  readonly adminPort: number
  readonly env: Readonly<Record<string, string>>
  readonly workers: number
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const READY_TIMEOUT_MS = 60_000
const LAST_LINES = 200
const MOST_MESSAGES = 50

export function createProgram ({ file, adminPort, env, workers }: ProgramOptions): Program {
  const surprises: string[] = []
  const errors = new Map<string, { count: number, first: string }>()
  const lines: string[] = []
  let child: ChildProcess | null = null
  let closed: Promise<void> = Promise.resolve()
  let meant = false

  function keep (line: string): void {
    lines.push(line)
    if (lines.length > 2 * LAST_LINES) lines.splice(0, LAST_LINES)
    const level = /"level":"(?:error|fatal)"/.test(line)
    if (!level && line.startsWith('{')) return
    const message = (level ? /"msg":"([^"]*)"/.exec(line)?.[1] : line.trim()) ?? line
    const known = errors.get(message)
    if (known !== undefined) known.count++
    else if (message !== '' && errors.size < MOST_MESSAGES) errors.set(message, { count: 1, first: line.slice(0, 1_000) })
  }

  async function start (): Promise<void> {
    meant = false
    // A group of its own, so that one signal reaches the workers as well.
    const started = spawn(process.execPath, [MAIN, 'start', '--config', file], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...env } })
    child = started
    for (const stream of [started.stdout, started.stderr]) createInterface({ input: stream }).on('line', keep)
    // Workers inherit the pipes: `close` comes when the last process of the group is gone.
    closed = new Promise(resolve => { started.once('close', () => { resolve() }) })
    started.once('exit', (code, signal) => {
      if (!meant) surprises.push(`the router ended by itself with ${code ?? signal}`)
    })
    await ready(started)
  }

  async function ready (started: ChildProcess): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (!await answersOk(`http://127.0.0.1:${adminPort}/readyz`)) {
      if (started.exitCode !== null || started.signalCode !== null || Date.now() > deadline) throw new Error(`The router is not ready. It wrote:\n${lines.slice(-50).join('\n')}`)
      await sleep(20)
    }
  }

  function group (): number {
    if (child?.pid === undefined) throw new Error('the router was never started')
    return child.pid
  }

  return {
    start,
    async kill () {
      meant = true
      process.kill(-group(), 'SIGKILL')
      await closed
    },
    async terminate () {
      meant = true
      child?.kill('SIGTERM')
      await closed
      return child?.exitCode ?? null
    },
    signal: signal => { child?.kill(signal) },
    processes: async () => [group(), ...await childrenOf(group())],
    workers: async () => workers === 1 ? [group()] : await childrenOf(group()),
    metrics: () => readMetrics(adminPort),
    surprises: () => surprises,
    errors: () => errors,
    output: () => lines.slice(-LAST_LINES).join('\n'),

    command: (...args) => new Promise((resolve, reject) => {
      const run = spawn(process.execPath, [MAIN, ...args, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] })
      let stdout = ''
      let stderr = ''
      run.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString() })
      run.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
      run.once('error', reject)
      run.once('close', code => { resolve({ code, stdout, stderr }) })
    })
  }
}

/** Linux: proc(5). */
async function childrenOf (pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

async function answersOk (url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    // Refused: it is not listening yet.
    return false
  }
}
