/** The values of a file in the shape of `config.ts`: names in camel case, what depends on others filled in. */
import { dirname, resolve } from 'node:path'
import type { Config, MirrorConfig, RouteConfig, UpstreamConfig } from './config.ts'
import type { router } from './schema.ts'
import type { ValueOf } from './schema/types.ts'

export type RouterValues = ValueOf<typeof router>
type ValuesIn<M> = M extends ReadonlyMap<string, infer V> ? V : never
type UpstreamValues = ValuesIn<RouterValues['upstreams']>
type RouteValues = RouterValues['routes'][number]
type MirrorValues = NonNullable<RouterValues['mirror']>

export interface Surroundings {
  readonly file: string
  readonly cpus: number
  /** What `mirror.ca` holds. */
  readonly ca: string | null
  /** Whether the file has something at a path such as `upstreams.web`. */
  readonly isWritten: (path: string) => boolean
}

export function resolveConfig (values: RouterValues, { file, cpus, ca, isWritten }: Surroundings): Config {
  const folder = dirname(file)
  const used = new Set([...values.routes.map(({ upstream }) => upstream), ...values.listeners.map(({ ui }) => ui)])
  // A default upstream that nothing leads to is not there: nobody would miss its servers.
  const upstreams = [...values.upstreams].filter(([name]) => used.has(name) || isWritten(`upstreams.${name}`))
  return {
    file,
    listeners: values.listeners,
    upstreams: record(upstreams.map(([name, upstream]) => [name, resolveUpstream(name, upstream)])),
    routes: values.routes.map(route => resolveRoute(route, folder)),
    client: {
      maxBodyBytes: values.client.max_body,
      headerTimeoutMs: values.client.header_timeout,
      bodyTimeoutMs: values.client.body_timeout,
      sendTimeoutMs: values.client.send_timeout,
      keepaliveTimeoutMs: values.client.keepalive_timeout,
      maxConnections: values.client.max_connections,
      maxConnectionsPerAddress: values.client.max_connections_per_address,
      maxBodySpaceBytes: values.client.max_body_space
    },
    realIp: values.real_ip,
    mirror: values.mirror === null ? null : resolveMirror(values.mirror, ca),
    spool: {
      path: resolve(folder, values.spool.path),
      maxBytes: values.spool.max_bytes,
      whenFull: values.spool.when_full,
      commitTimeoutMs: values.spool.commit_timeout,
      fsync: values.spool.fsync,
      deadLetters: { maxBytes: values.spool.dead_letters.max_bytes, maxAgeMs: values.spool.dead_letters.max_age }
    },
    admin: values.admin,
    workers: values.workers === 'auto' ? Math.max(cpus, 1) : values.workers,
    log: values.log
  }
}

function resolveUpstream (name: string, values: UpstreamValues): UpstreamConfig {
  return {
    name,
    servers: values.servers,
    connectTimeoutMs: values.connect_timeout,
    sendTimeoutMs: values.send_timeout,
    readTimeoutMs: values.read_timeout,
    nextUpstream: values.next_upstream === 'off' ? [] : values.next_upstream,
    nextUpstreamTries: values.next_upstream_tries
  }
}

function resolveRoute (values: RouteValues, folder: string): RouteConfig {
  return {
    location: values.location,
    upstream: values.upstream,
    rewrite: values.rewrite,
    mirror: values.mirror,
    hideHeaders: values.hide_headers,
    root: values.root === null ? null : resolve(folder, values.root),
    symlinks: values.symlinks,
    addHeaders: [...values.add_headers],
    types: record(values.types),
    internal: values.internal
  }
}

/** `null` for a mirror whose endpoint is off. */
function resolveMirror (values: MirrorValues, ca: string | null): MirrorConfig | null {
  if (values.endpoint === null) return null
  return {
    endpoint: values.endpoint,
    host: values.host ?? values.endpoint.host,
    ca,
    default: values.default,
    projects: values.projects,
    endpoints: values.endpoints,
    methods: values.methods,
    dropHeaders: values.drop_headers,
    connectTimeoutMs: values.connect_timeout,
    sendTimeoutMs: values.send_timeout,
    readTimeoutMs: values.read_timeout,
    concurrency: values.concurrency,
    retry: { initialMs: values.retry.initial, maxMs: values.retry.max, maxAgeMs: values.retry.max_age }
  }
}

/** Without a prototype: looking up a name such as `constructor` finds nothing. */
function record<V> (entries: Iterable<readonly [string, V]>): Readonly<Record<string, V>> {
  const values = Object.create(null) as Record<string, V>
  for (const [key, value] of entries) values[key] = value
  return values
}
