/**
 * nginx with the document's nginx.conf and the router with the same file imported,
 * side by side, each in front of a recording backend of its own: what one does
 * with given bytes is the measure of the other.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { makeJsSdkRoot } from '../parity/js-sdk-root.ts'
import { renderNginxConf } from '../parity/nginx-conf.ts'
import { freePorts } from '../parity/ports.ts'
import { PROFILES } from '../parity/profiles.ts'
import { launch, NGINX, ROUTER, type Subject } from '../parity/subjects.ts'
import { startBackend, type Answer, type Backend, type Recorded } from './backends.ts'
import { probe, type Probed } from './probe.ts'

export interface Twin {
  readonly port: number
  /** Takes the place of relay, web and web-rum. */
  readonly backend: Backend
}

export interface Twins {
  readonly nginx: Twin
  readonly router: Twin
}

/** What one of the two did with one request. */
export interface Outcome extends Probed {
  /** What the backend got, as far as it must be equal. */
  readonly forwarded: readonly string[]
}

export async function startTwins (t: Test, answer: Answer): Promise<Twins> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-twins-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  await mkdir(join(folder, 'www'))
  makeJsSdkRoot(join(folder, 'www'))
  // One after the other: both choose free ports.
  const nginx = await startTwin(t, NGINX, folder, answer)
  const router = await startTwin(t, ROUTER, folder, answer)
  return { nginx, router }
}

async function startTwin (t: Test, subject: Subject, parent: string, answer: Answer): Promise<Twin> {
  const backend = await startBackend(t, answer)
  const endpoint = await startBackend(t)
  const ports = { ...await freePorts(), relay: backend.port, web: backend.port, webrum: backend.port, rum: endpoint.port }
  const folder = join(parent, subject.name)
  await mkdir(folder)
  await chmod(folder, 0o755)
  const nginxConf = join(folder, 'nginx.conf')
  await writeFile(nginxConf, renderNginxConf(PROFILES['base'] ?? {}, ports, { folder, root: join(parent, 'www') }))
  const running = await launch(subject, { profile: 'base', nginxConf, folder, ports })
  t.teardown(() => running.stop())
  return { port: ports.p80, backend }
}

/**
 * Sends the bytes to one of the two, on a connection of its own.
 *
 * @param tag - Stands in the bytes, so that what the backend got can be found.
 */
export async function outcome ({ port, backend }: Twin, tag: string, bytes: string | Buffer, method?: string): Promise<Outcome> {
  const probed = await probe(port, bytes, method)
  const forwarded = backend.requests.filter(request => request.head.includes(tag) || request.body.includes(tag)).map(normalised)
  return { ...probed, forwarded }
}

/** Request line, header lines in any order, body. */
function normalised ({ head, body }: Recorded): string {
  const [line = '', ...lines] = head.toString('latin1').slice(0, -4).split('\r\n')
  const fields = lines.map(field => field.replace(/^(X-Request-Id: )[0-9a-f]{32}$/, '$1<id>')).toSorted()
  return [line, ...fields, '', body.toString('latin1')].join('\n')
}
