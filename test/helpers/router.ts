/**
 * The real program in a process of its own, in front of recording backends. What
 * it wrote is shown when a test that used it fails.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePorts, readMetrics, removeFolder, startRouterProcess, sumMetric } from '../../src/demo/router-process.ts'
import { startBackend, type Backend } from './backends.ts'

export interface StartedRouter {
  readonly port80: number
  readonly port81: number
  readonly url80: string
  readonly url81: string
  readonly adminUrl: string
  /** The supervisor, when there are several workers; the router otherwise. */
  readonly process: ChildProcess
  /** A temporary folder of this router; the spool is `spool` in it. */
  readonly folder: string
  readonly output: () => string
  /** Sum over the samples of a metric that carry the labels. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  /** Resolves once a metric is `value`; rejects, saying what it is, after `timeoutMs`. */
  readonly metricIs: (value: number, name: string, labels?: Readonly<Record<string, string>>, timeoutMs?: number) => Promise<void>
  /** SIGTERM. Resolves with the exit code. */
  readonly stop: () => Promise<number | null>
}

export interface Backends {
  readonly relay: Backend
  readonly web: Backend
  readonly webRum: Backend
  readonly endpoint: Backend
}

/** What `mirror.projects` says in `routerConfig`; every other project is off. */
export const MIRROR_PATHS = { 1: '/rum/sentry/workspace/service-1', 2: '/rum/sentry/workspace/service-2', 7: 'off' } as const

/** @param config - Sections of router.yaml; `listeners`, where `admin` listens and `spool.path` are seen to. */
export async function startRouter (t: Test, config: Readonly<Record<string, unknown>>): Promise<StartedRouter> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-test-'))
  t.teardown(() => removeFolder(folder))
  const [port80 = 0, port81 = 0, adminPort = 0] = await freePorts(3)
  const router = await startRouterProcess({
    listeners: [
      { port: port80, host: '127.0.0.1', ui: 'web' },
      { port: port81, host: '127.0.0.1', ui: 'web-rum' }
    ],
    workers: 1,
    log: { access: 'off' },
    ...config,
    spool: { ...config['spool'] as object | undefined, path: join(folder, 'spool') },
    admin: { ...config['admin'] as object | undefined, host: '127.0.0.1', port: adminPort }
  }, folder)
  t.teardown(async () => {
    await router.stop(5000)
    if (!t.passing()) t.comment(`The router wrote:\n${router.output()}`)
  })

  const metric: StartedRouter['metric'] = async (name, labels) => sumMetric(await readMetrics(adminPort), name, labels)
  return {
    port80,
    port81,
    url80: `http://127.0.0.1:${port80}`,
    url81: `http://127.0.0.1:${port81}`,
    adminUrl: `http://127.0.0.1:${adminPort}`,
    process: router.child,
    folder,
    output: router.output,
    metric,
    metricIs: (value, name, labels, timeoutMs) => eventually(async () => {
      const now = await metric(name, labels)
      return now === value ? null : `${name}${JSON.stringify(labels ?? {})} is ${now}, not ${value}`
    }, timeoutMs),
    stop: router.stop
  }
}

/** A router with a recording backend in each place. */
export async function startAll (t: Test, config: Readonly<Record<string, unknown>> = {}): Promise<Backends & { router: StartedRouter }> {
  const [relay, web, webRum, endpoint] = await Promise.all([startBackend(t), startBackend(t), startBackend(t), startBackend(t)])
  const router = await startRouter(t, {
    ...routerConfig({ relay: relay.port, web: web.port, webRum: webRum.port, endpoint: endpoint.port }),
    ...config
  })
  return { relay, web, webRum, endpoint, router }
}

/** The sections that name the backends. */
export function routerConfig (ports: { relay: number, web: number, webRum: number, endpoint: number }): Record<string, unknown> {
  return {
    upstreams: {
      relay: { servers: [`127.0.0.1:${ports.relay}`] },
      web: { servers: [`127.0.0.1:${ports.web}`] },
      'web-rum': { servers: [`127.0.0.1:${ports.webRum}`] }
    },
    mirror: {
      endpoint: `http://127.0.0.1:${ports.endpoint}`,
      default: 'off',
      projects: MIRROR_PATHS
    }
  }
}

/**
 * Asks again until nothing is wrong any more: for states that have no event, such as
 * another process's counters.
 *
 * @param fault - What is wrong, or `null`. Throwing counts as wrong.
 */
export async function eventually (fault: () => Promise<string | null>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const wrong = await fault().catch(String)
    if (wrong === null) return
    if (Date.now() >= deadline) throw new Error(`After ${timeoutMs} ms: ${wrong}.`)
    await new Promise(resolve => { setTimeout(resolve, 25) })
  }
}
