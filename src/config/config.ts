/**
 * The configuration as the program uses it: every default filled in, every unit
 * converted. `schema.ts` describes the file, `load.ts` turns one into the other.
 *
 * Times are milliseconds, sizes are bytes; the unit is in the name.
 */
export interface Config {
  /** Path of the file it came from, for messages. */
  readonly file: string
  readonly listeners: readonly ListenerConfig[]
  /** By name; `relay`, `web`, `web-rum` in the shipped file. */
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>
  /** In the order of the file; precedence is decided by `routing/`. */
  readonly routes: readonly RouteConfig[]
  readonly client: ClientConfig
  readonly realIp: RealIpConfig
  /** `null`: nothing is copied. */
  readonly mirror: MirrorConfig | null
  readonly spool: SpoolConfig
  readonly admin: AdminConfig
  /** Number of processes, at least 1; `auto` is resolved. */
  readonly workers: number
  readonly log: LogConfig
}

export interface ListenerConfig {
  /** 0 takes any free port. */
  readonly port: number
  readonly host: string
  /** Name of the upstream that `upstream: ui` means on this listener. */
  readonly ui: string
}

export interface UpstreamConfig {
  readonly name: string
  readonly servers: readonly ServerAddress[]
  readonly connectTimeoutMs: number
  /** Longest silence while writing the request. nginx: proxy_send_timeout. */
  readonly sendTimeoutMs: number
  /** Longest silence while reading the response. nginx: proxy_read_timeout. */
  readonly readTimeoutMs: number
  /** Failures after which the next server is tried. nginx: proxy_next_upstream. */
  readonly nextUpstream: readonly NextUpstreamReason[]
  /** Most servers tried for one request; 0 is no limit. nginx: proxy_next_upstream_tries. */
  readonly nextUpstreamTries: number
}

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export type NextUpstreamReason =
  | 'error' | 'timeout' | 'invalid_header' | 'non_idempotent'
  | 'http_500' | 'http_502' | 'http_503' | 'http_504' | 'http_403' | 'http_404' | 'http_429'

/** One location. Exactly one of `upstream`, `root` and `internal` is set; the others are `null` or `false`. */
export interface RouteConfig {
  /** As in nginx: `/a/`, `= /a`, `^~ /a/`, `~ regex`, `~* regex`. */
  readonly location: string
  /** Name of an upstream, or `ui`. */
  readonly upstream: string | null
  /** The location's prefix is replaced by this (a proxy_pass with a path). */
  readonly rewrite: string | null
  readonly mirror: boolean
  /** Response headers of the upstream that are not passed on; lower case. */
  readonly hideHeaders: readonly string[]
  /** Folder that `path` is looked up in. nginx: root. */
  readonly root: string | null
  /** Whether symbolic links below `root` may lead out of it. */
  readonly symlinks: 'inside' | 'any'
  /** Added to 200, 206, 301, 304 and 416 of a static location. nginx: add_header. */
  readonly addHeaders: readonly (readonly [name: string, value: string])[]
  /** Content types by extension (lower case, no dot) that differ from nginx's own table. */
  readonly types: Readonly<Record<string, string>>
  /** Answers 404 to every client. nginx: internal. */
  readonly internal: boolean
}

export interface ClientConfig {
  readonly maxBodyBytes: number
  readonly headerTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly keepaliveTimeoutMs: number
  /** Per process. */
  readonly maxConnections: number
  /** Per process; `null`: no limit. */
  readonly maxConnectionsPerAddress: number | null
  /** Of all processes together. */
  readonly maxBodySpaceBytes: number
}

export interface RealIpConfig {
  /** Lower case. */
  readonly header: string
  readonly recursive: boolean
  /** CIDR ranges. */
  readonly trusted: readonly string[]
}

export interface MirrorConfig {
  /** Origin: scheme, host and port. */
  readonly endpoint: URL
  /** `Host` sent to the endpoint. */
  readonly host: string
  /** PEM text of certificate authorities for an https endpoint; `null`: the system's. */
  readonly ca: string | null
  /** Mapped path of projects that are not listed; `null`: off. A secret. */
  readonly default: string | null
  /** Mapped path by project id; `null`: off. Secrets. */
  readonly projects: ReadonlyMap<string, string | null>
  /** Endpoints of `/api/<id>/<endpoint>/` that are copied. */
  readonly endpoints: readonly string[] | 'all'
  readonly methods: readonly string[] | 'all'
  /** Request headers never sent to the endpoint; lower case. */
  readonly dropHeaders: readonly string[]
  readonly connectTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly readTimeoutMs: number
  readonly concurrency: number
  readonly retry: RetryConfig
}

export interface RetryConfig {
  readonly initialMs: number
  readonly maxMs: number
  readonly maxAgeMs: number
}

export interface SpoolConfig {
  readonly path: string
  readonly maxBytes: number
  readonly whenFull: 'drop_oldest' | 'drop_newest'
  readonly commitTimeoutMs: number
  /** `always`: a copy counts as durable once the disk has it; `background`: once it is committed, and written out soon after. */
  readonly fsync: 'background' | 'always'
  readonly deadLetters: {
    readonly maxBytes: number
    readonly maxAgeMs: number
  }
}

export interface AdminConfig {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** What `Authorization: Bearer` must hold for whatever changes state or shows bodies; `null`: nobody is asked. A secret. */
  readonly token: string | null
  /** Names that browsers reach the listener under, beside `host`; lower case. */
  readonly hosts: readonly string[]
}

export interface LogConfig {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  readonly access: 'main' | 'json' | 'off'
}
