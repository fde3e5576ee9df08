/** The router.yaml of a soak: two maps that a reload swaps, and one file that is faulty. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Due } from './book.ts'

/** Maps by which projects are copied: each names its own services. */
export const MAPS = ['a', 'b'] as const
export type MapName = typeof MAPS[number]

/** Projects up to this one are copied by either map, each to its own service. */
export const LISTED = 30
const OFF = 40
/** Projects from 1 to this get traffic; those above `OFF` have the default. */
export const PROJECTS = 400

export interface RouterFileOptions {
  readonly folder: string
  readonly ports: readonly [main: number, rum: number, admin: number]
  readonly upstreams: { readonly relay: number, readonly web: number, readonly webRum: number }
  readonly endpoint: number
  readonly workers: number
  readonly maxSpool: string
}

/** Whether a whole envelope of this project is copied. */
export function dueOf (project: number, map: MapName): Due {
  if (project <= LISTED) return 'yes'
  return project > OFF && map === 'a' ? 'yes' : 'no'
}

function serviceOf (project: number): string {
  return project <= LISTED ? String(project) : 'default'
}

/** Whether the path that a copy came on is that of its project, by either map. */
export function serviceFits (target: string): boolean {
  const [, service, project] = /^\/rum\/sentry\/soak\/[ab]-(\w+)\/api\/+(\d+)\//.exec(target) ?? []
  return project !== undefined && service === serviceOf(Number(project))
}

const upstream = (port: number): object => ({ servers: [`127.0.0.1:${port}`], connect_timeout: '2s', read_timeout: '6s' })

/** router.yaml as text. */
export function routerFile (map: MapName, { folder, ports: [main, rum, admin], upstreams, endpoint, workers, maxSpool }: RouterFileOptions): string {
  const path = (service: string): string => `/rum/sentry/soak/${map}-${service}`
  const projects: Record<string, string> = {}
  for (let project = 1; project <= OFF; project++) projects[project] = project <= LISTED ? path(serviceOf(project)) : 'off'
  return stringify({
    listeners: [{ port: main, host: '127.0.0.1', ui: 'web' }, { port: rum, host: '127.0.0.1', ui: 'web-rum' }],
    upstreams: { relay: upstream(upstreams.relay), web: upstream(upstreams.web), 'web-rum': upstream(upstreams.webRum) },
    routes: [
      { location: '/api/store/', upstream: 'relay' },
      { location: '~ ^/api/[1-9]\\d*/', upstream: 'relay', mirror: true },
      { location: '^~ /js-sdk/', root: join(folder, 'www') },
      { location: '/_static/', upstream: 'ui', hide_headers: ['Content-Disposition'] },
      { location: '/', upstream: 'ui' }
    ],
    mirror: {
      endpoint: `http://127.0.0.1:${endpoint}`,
      default: map === 'a' ? path('default') : 'off',
      projects,
      connect_timeout: '2s',
      send_timeout: '2s',
      read_timeout: '2s',
      retry: { initial: '300ms', max: '5s', max_age: '24h' }
    },
    // An answer says that its copy is kept: then a kill may lose none, and the check can be strict.
    spool: { path: join(folder, 'spool'), commit_timeout: '30s', max_bytes: maxSpool },
    admin: { host: '127.0.0.1', port: admin },
    workers,
    log: { access: 'off' }
  })
}

export const FAULTY_FILE = 'mirror: { endpoint: nowhere, projects: { one: 3 } }\n'

export const STATIC_FILE = { target: '/js-sdk/bundle.js', body: Buffer.from('console.log("soak");\n'.repeat(5_000)) }

export async function writeStaticFile (folder: string): Promise<void> {
  await mkdir(join(folder, 'www', 'js-sdk'), { recursive: true })
  await writeFile(join(folder, 'www', STATIC_FILE.target), STATIC_FILE.body)
}
