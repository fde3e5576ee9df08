/**
 * A real nginx on loopback, as the oracle of differential tests. A machine without
 * nginx fails these tests: an oracle that is skipped proves nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../src/demo/router-process.ts'

/** The part of tap's `t` that helpers need. */
interface Teardown { teardown (clean: () => Promise<void> | void): unknown }

export interface StartedNginx {
  /** Port that took the place of `PORT_1`. */
  readonly port: number
  /** Ports that took the places of `PORT_1`, `PORT_2`, …, in this order. */
  readonly ports: readonly number[]
  /** Prefix folder: `DIR` in the configuration. */
  readonly dir: string
  stop (): Promise<void>
}

/**
 * Starts nginx with `http` as the content of its http block, in which `PORT_1`,
 * `PORT_2`, … stand for free ports and `DIR` for a folder of its own. It listens
 * when the promise resolves and ends with the test.
 */
export async function startNginx (t: Teardown, http: string): Promise<StartedNginx> {
  const binary = await findNginx()
  const dir = await mkdtemp(join(tmpdir(), 'mirror-router-nginx-'))
  const count = new Set(http.match(/\bPORT_\d+\b/g)).size
  const ports = await freePorts(count)
  const text = http
    .replaceAll(/\bPORT_(\d+)\b/g, (_, number: string) => String(ports[Number(number) - 1]))
    .replaceAll(/\bDIR\b/g, dir)
  await writeFile(join(dir, 'nginx.conf'), render(dir, text))

  const child = spawn(binary, ['-p', dir, '-c', join(dir, 'nginx.conf')], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  let stopping: Promise<void> | null = null
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await exited
      await rm(dir, { recursive: true, force: true })
    })()
    return stopping
  }
  t.teardown(stop)

  for (const port of ports) await listening(port, async () => {
    if (child.exitCode === null) return
    throw new Error(`nginx did not start: ${await readFile(join(dir, 'error.log'), 'utf8').catch(() => 'no error.log')}`)
  })
  return { port: ports[0] ?? 0, ports, dir, stop }
}

/** One process, in the foreground, everything it writes below `dir`. */
function render (dir: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${dir}/${name};`)
  return `daemon off; master_process off;
pid ${dir}/nginx.pid; error_log ${dir}/error.log notice;
events { worker_connections 512; }
http {
access_log off; server_tokens off; ${temporary.join(' ')}
${http}
}
`
}

async function findNginx (): Promise<string> {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']) {
    const candidate = join(folder, 'nginx')
    if (await access(candidate).then(() => true, () => false)) return candidate
  }
  throw new Error('nginx is not installed: the differential tests need it (Debian: nginx-light)')
}

/** Resolves when `port` accepts; calls `check`, which may throw, before every attempt. */
async function listening (port: number, check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    await check()
    const accepted = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => { socket.destroy(); resolve(true) })
      socket.once('error', () => { socket.destroy(); resolve(false) })
    })
    if (accepted) return
    if (Date.now() > deadline) throw new Error(`nginx does not listen on port ${port}`)
    await new Promise(resolve => { setTimeout(resolve, 10) })
  }
}
