/** What the suite can be run against: nginx, our router, or any command. */
import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseDocument } from 'yaml'
import type { Ports } from './ports.ts'

const START_MS = 15_000
const STOP_MS = 3000
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Everything a subject is told about the run. */
export interface Setup {
  readonly profile: string
  /** The rendered nginx.conf. */
  readonly nginxConf: string
  /** A folder of its own, removed at the end. */
  readonly folder: string
  readonly ports: Ports
}

export interface Subject {
  readonly name: string
  readonly isNginx: boolean
  /** The command line, once everything it needs is in place. */
  prepare (setup: Setup): Promise<readonly [command: string, ...args: string[]]>
}

export interface Running {
  hasExited (): boolean
  stop (): Promise<void>
}

export const NGINX: Subject = {
  name: 'nginx',
  isNginx: true,
  prepare: ({ nginxConf, folder }) => Promise.resolve(['nginx', '-c', nginxConf, '-p', folder, '-e', join(folder, 'error.log'), '-g', 'daemon off;'])
}

export const ROUTER: Subject = {
  name: 'router',
  isNginx: false,
  async prepare ({ nginxConf, folder }) {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'import-nginx', nginxConf], { env: plainEnvironment() })
    const config = parseDocument(stdout)
    // These sections have no counterpart in an nginx.conf.
    config.set('admin', { host: '127.0.0.1', port: 0 })
    config.set('workers', 1)
    config.set('spool', { path: join(folder, 'spool') })
    const file = join(folder, 'router.yaml')
    writeFileSync(file, String(config))
    return [process.execPath, MAIN, 'start', '--config', file]
  }
}

/** A shell command; it finds the run in its environment. See docs/parity.md. */
export function commandSubject (command: string): Subject {
  return { name: command, isNginx: false, prepare: () => Promise.resolve(['/bin/sh', '-c', command]) }
}

/**
 * Whether nginx can be run; the sentence says what to do if not.
 */
export async function missingNginx (): Promise<string | null> {
  try {
    await promisify(execFile)('nginx', ['-v'])
    return null
  } catch (error) {
    return `nginx is the measure of this suite and cannot be run (${String(error)}): install it, on Debian with "apt-get install nginx-light".`
  }
}

/**
 * Starts the subject and waits until both its ports accept.
 *
 * @throws with the end of its output when it does not come up
 */
export async function launch (subject: Subject, setup: Setup): Promise<Running> {
  const [command, ...args] = await subject.prepare(setup)
  const logFile = join(setup.folder, 'output.log')
  const log = openSync(logFile, 'a')
  // A process group of its own, so that it can be ended with its workers.
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env: { ...plainEnvironment(), ...environmentOf(setup) } })
  closeSync(log)
  const exited = once(child, 'exit')
  const hasExited = () => child.exitCode !== null || child.signalCode !== null
  const signal = (name: NodeJS.Signals) => { if (child.pid !== undefined && !hasExited()) process.kill(-child.pid, name) }
  const killOnExit = () => signal('SIGKILL')
  process.once('exit', killOnExit)

  const stop = async () => {
    signal('SIGTERM')
    const forced = setTimeout(killOnExit, STOP_MS)
    await exited
    clearTimeout(forced)
    process.off('exit', killOnExit)
    await until(async () => !await accepts(setup.ports.p80))
  }

  const up = await until(async () => hasExited() || (await accepts(setup.ports.p80) && await accepts(setup.ports.p81)))
  if (!up || hasExited()) {
    await stop()
    throw new Error(`${subject.name} did not start for profile ${setup.profile}:\n${readFileSync(logFile, 'utf8').slice(-2000)}`)
  }
  return { hasExited, stop }
}

/** Without what a test runner or npm put there: a subject is seen as it would run by itself. */
function plainEnvironment (): NodeJS.ProcessEnv {
  return Object.fromEntries(['PATH', 'HOME', 'TMPDIR', 'ALTERNATIVES'].flatMap(name => process.env[name] === undefined ? [] : [[name, process.env[name]]]))
}

function environmentOf ({ profile, nginxConf, folder, ports }: Setup): NodeJS.ProcessEnv {
  return { PARITY_PROFILE: profile, PARITY_PORTS: JSON.stringify(ports), NGINX_CONF: nginxConf, NGINX_PREFIX: folder }
}

async function until (reached: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + START_MS
  while (performance.now() < deadline) {
    if (await reached()) return true
    await sleep(50)
  }
  return false
}

function accepts (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
