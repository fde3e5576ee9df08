/** What is compared: nginx with the document's configuration, nginx tuned, and the router. Each runs pinned to its cores. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePorts } from '../../src/demo/router-process.ts'
import { renderNginxConf } from '../../test/parity/nginx-conf.ts'
import type { Backends } from './backend.ts'

export interface Subject {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** Of the router; 0 for nginx. */
  readonly adminPort: number
  stop (): Promise<void>
}

export interface RouterOptions {
  readonly workers?: number
  /** Added to the section `mirror`. */
  readonly mirror?: Readonly<Record<string, unknown>>
  /** Added to the section `spool`. */
  readonly spool?: Readonly<Record<string, unknown>>
  /** Of another checkout: its `src/main.ts`. */
  readonly main?: string
  /** Node's own options. */
  readonly nodeOptions?: readonly string[]
}

const DOCKERFILE = fileURLToPath(new URL('../../Dockerfile', import.meta.url))
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const LONGEST_START_MS = 20_000

export async function startNginx (kind: 'doc' | 'tuned', backends: Backends, cores: string, folder: string): Promise<Subject> {
  const { relay, web, endpoint } = backends.ports
  const [p80 = 0, p81 = 0] = await freePorts(2)
  await mkdir(folder, { recursive: true, mode: 0o755 })
  let text = renderNginxConf({}, { p80, p81, relay, relay2: relay, web, webrum: web, rum: endpoint }, { folder, root: folder })
    .replace('worker_processes auto;', 'worker_processes 1;\ndaemon off;')
  if (kind === 'tuned') {
    text = text.replace(/access_log \S+ main;/, 'access_log off;').replaceAll('keepalive 2;', 'keepalive 256;\n\t\tkeepalive_requests 1000000;')
      .replace('keepalive_timeout 75s;', 'keepalive_timeout 75s;\n\tkeepalive_requests 1000000;').replace('worker_connections 1024;', 'worker_connections 16384;')
  }
  const file = join(folder, 'nginx.conf')
  await writeFile(file, text)
  const child = spawn('taskset', ['-c', cores, 'nginx', '-p', folder, '-c', file], { stdio: 'ignore', env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` } })
  return await subjectOf(kind === 'doc' ? 'nginx' : 'nginx, tuned', child, p80, 0)
}

/** What the image sets for Node; its compile cache is one of our own, filled by the first start. */
function imageEnvironment (folder: string): Record<string, string> {
  const set = readFileSync(DOCKERFILE, 'utf8').matchAll(/^ENV (NODE_\w+)=(.*)$/gm)
  return { ...Object.fromEntries([...set].map(([, name = '', value = '']) => [name, value])), NODE_COMPILE_CACHE: join(dirname(folder), 'compile-cache') }
}

/** With the access log on, as nginx has it with the document's configuration, and the durable spool. */
export async function startRouter (backends: Backends, cores: string, folder: string, { workers = 1, mirror = {}, spool = {}, main = MAIN, nodeOptions = [] }: RouterOptions = {}): Promise<Subject> {
  const { relay, web, endpoint } = backends.ports
  const [p80 = 0, p81 = 0, adminPort = 0] = await freePorts(3)
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'router.yaml')
  await writeFile(file, stringify({
    listeners: [{ port: p80, host: '127.0.0.1', ui: 'web' }, { port: p81, host: '127.0.0.1', ui: 'web-rum' }],
    upstreams: { relay: { servers: [`127.0.0.1:${relay}`] }, web: { servers: [`127.0.0.1:${web}`] }, 'web-rum': { servers: [`127.0.0.1:${web}`] } },
    mirror: { endpoint: `http://127.0.0.1:${endpoint}`, default: '/rum/sentry/workspace/service', ...mirror },
    spool: { path: join(folder, 'spool'), ...spool },
    admin: { host: '127.0.0.1', port: adminPort },
    workers,
    log: { level: 'error', access: 'main' }
  }))
  const log = join(folder, 'access.log')
  const child = spawn('taskset', ['-c', cores, 'sh', '-c', 'exec "$0" "$@" >> "$LOG"', process.execPath, ...nodeOptions, main, 'start', '--config', file],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, LOG: log, ...imageEnvironment(folder) } })
  return await subjectOf('router', child, p80, adminPort)
}

async function subjectOf (name: string, child: ChildProcess, port: number, adminPort: number): Promise<Subject> {
  const deadline = performance.now() + LONGEST_START_MS
  const url = adminPort === 0 ? `http://127.0.0.1:${port}/` : `http://127.0.0.1:${adminPort}/readyz`
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    const answered = await fetch(url).then(async response => {
      await response.arrayBuffer()
      return response.ok
    }, () => false)
    if (answered) break
    if (performance.now() > deadline) throw new Error(`${name} does not answer`)
    await sleep(50)
  }
  return {
    name, port, adminPort,
    pid: child.pid ?? 0,
    async stop () {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }
}
