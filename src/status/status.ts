/**
 * What one look at a running router should answer, as data: `/status.json`, the events
 * of the page, and the command `status` are made from it. docs/status.md describes the
 * fields.
 *
 * Times are milliseconds since the epoch. No secret is in it: mapped paths are redacted.
 */
import type { Readiness } from '../admin/server.ts'
import type { UpstreamErrorReason } from '../proxy/ports.ts'

export interface Status {
  /** When it was made. */
  readonly at: number
  readonly version: string
  readonly startedAt: number
  readonly readiness: Readiness
  /** Is everything in order, in one sentence. */
  readonly headline: Headline
  /** All that is not in order, worst first; empty when all is well. */
  readonly findings: readonly Finding[]
  /** `null`: nothing is mirrored. */
  readonly mirror: MirrorStatus | null
  readonly traffic: TrafficStatus
  /** `null`: nothing is mirrored. */
  readonly spool: SpoolStatus | null
  /** Kept now, most first. At most 100 rows. */
  readonly deadLetters: readonly DeadLetterCount[]
  readonly config: ConfigStatus
  /** Those that serve. */
  readonly processes: readonly { readonly pid: number, readonly startedAt: number }[]
}

/** `warning`: something should be looked at. `trouble`: copies or requests fail, or are lost. */
export type Level = 'ok' | 'warning' | 'trouble'

export interface Headline {
  readonly level: Level
  readonly words: string
}

export interface Finding {
  readonly level: 'warning' | 'trouble'
  /** What is wrong, since when, why. */
  readonly words: string
  /** What to do about it; a sentence. */
  readonly advice: string
}

/** `now` is the last minute. */
export type StatusWindow = 'now' | '1h' | '24h'

/** What became of copies within a window; restarts are bridged. */
export interface Outcomes {
  readonly window: StatusWindow
  readonly accepted: number
  readonly delivered: number
  readonly dead: number
  readonly dropped: number
  /** Delivered / (delivered + dead + dropped), from 0 to 1; `null` when none of them happened. */
  readonly ratio: number | null
}

export interface MirrorStatus {
  readonly endpoint: EndpointStatus
  /** All projects together: `now`, `1h`, `24h`, in this order. */
  readonly success: readonly Outcomes[]
  /** Attempts of the last minute that failed and will be made again. */
  readonly retriedNow: number
  /** Those of the configuration that are mirrored, in its order; then others that had copies within 24 h. */
  readonly projects: readonly ProjectStatus[]
  /** From the moment a copy was taken to its 2xx, in milliseconds, last 5 minutes; `null` when none was delivered. */
  readonly latency: { readonly p50: number | null, readonly p90: number | null, readonly p99: number | null }
}

/**
 * `unknown`: no attempt was made yet. `failing`: the last attempts failed, too few to
 * call it an outage. `held`: it asked for a pause (Retry-After).
 */
export type EndpointState = 'up' | 'failing' | 'down' | 'held' | 'unknown'

export interface EndpointStatus {
  readonly host: string
  readonly state: EndpointState
  /** Since when it fails or is down; `null` otherwise. */
  readonly since: number | null
  /** For example `down since 10:42: connection refused; 1,204 copies waiting, oldest 6 min; next attempt in 12 s`. */
  readonly words: string
  /** Nothing goes out before; `null` when nothing holds copies back. */
  readonly nextAttemptAt: number | null
  readonly lastFailure: { readonly project: string, readonly code: string, readonly at: number } | null
  /** When it last answered a copy in a way that needs no other attempt. */
  readonly lastSuccessAt: number | null
  /** Copies that may be under way at once, and that are. */
  readonly width: number
  readonly underWay: number
}

export interface ProjectStatus {
  /** An id of `mirror.projects`, or `default`. */
  readonly project: string
  /** `down`: the endpoint takes none of its copies. `failing`: copies died or were dropped within the last hour. */
  readonly state: 'ok' | 'failing' | 'down'
  readonly since: number | null
  readonly words: string
  readonly windows: readonly Outcomes[]
}

export interface TrafficStatus {
  /** Last minute, in the order of the configuration; then what no route took, as `none`. */
  readonly routes: readonly RouteTraffic[]
  readonly upstreams: readonly UpstreamTraffic[]
}

export interface RouteTraffic {
  /** Location as written. */
  readonly route: string
  readonly requests: number
  /** Answers of 500 and above. */
  readonly errors: number
}

/** Of all processes together. */
export interface UpstreamTraffic {
  readonly name: string
  /** `failing`: what its servers last did was to fail. `unknown`: nobody asked it yet. */
  readonly state: 'ok' | 'failing' | 'unknown'
  readonly words: string
  /** Failed attempts to forward a request, last minute. */
  readonly errors: number
  readonly servers: readonly {
    readonly address: string
    readonly answeredAt: number | null
    readonly failedAt: number | null
    readonly failure: UpstreamErrorReason | null
    readonly connections: { readonly open: number, readonly idle: number }
  }[]
}

export interface SpoolStatus {
  /** `false`: the disk fails, and copies are kept in memory. */
  readonly works: boolean
  readonly pending: number
  readonly pendingBytes: number
  /** `spool.max_bytes`. */
  readonly maxBytes: number
  readonly oldestTakenAt: number | null
  readonly dead: number
  readonly deadBytes: number
}

export interface DeadLetterCount {
  readonly project: string
  /** A status (`400`), `expired`, `body_lost` or `corrupt`. */
  readonly reason: string
  readonly count: number
}

export interface ReloadStatus {
  readonly at: number
  readonly result: 'success' | 'failure'
  /** One sentence, or the faults of the file. */
  readonly message: string
}

export interface ConfigStatus {
  readonly file: string
  /** When the configuration in force was loaded. */
  readonly loadedAt: number
  /** `null`: none since the start. */
  readonly lastReload: ReloadStatus | null
  readonly listeners: readonly { readonly host: string, readonly port: number, readonly ui: string }[]
  readonly routes: readonly RouteStatus[]
  /** In the order of the file, then `default`; empty when nothing is mirrored. */
  readonly projects: readonly ProjectTarget[]
}

export interface RouteStatus {
  readonly location: string
  /** `upstream relay`, `folder /var/www`, `internal (404)`. */
  readonly target: string
  readonly mirror: boolean
}

export interface ProjectTarget {
  readonly project: string
  readonly state: 'mirrored' | 'off'
  /** Redacted: enough to tell services apart, not enough to send to one. Empty when off. */
  readonly target: string
}

export const HISTORY_WINDOWS = ['1h', '24h', '14d'] as const
export type HistoryWindow = typeof HISTORY_WINDOWS[number]

/** One value per step, oldest first; `null` where nothing is known: the router was not running, or nothing was measured. */
export type Series = readonly (number | null)[]

/** `/history.json`. The last step is the one now running: its counts still grow. */
export interface History {
  readonly window: HistoryWindow
  /** Milliseconds. */
  readonly step: number
  /** Beginning of the first step; of step i, `from + i * step`. */
  readonly from: number
  readonly series: HistorySeries
}

export interface HistorySeries extends ProjectSeries {
  /** Attempts that failed and were to be made again. */
  readonly retried: Series
  /** Most copies that were pending, and the oldest one's age, within the step. */
  readonly pending: Series
  readonly oldestSeconds: Series
  /** From the moment a copy was taken to its 2xx, in milliseconds. */
  readonly p50: Series
  readonly p90: Series
  readonly p99: Series
  /** By location. */
  readonly requests: Readonly<Record<string, Series>>
  readonly errors: Readonly<Record<string, Series>>
  /** By name of the upstream. */
  readonly upstreamErrors: Readonly<Record<string, Series>>
  readonly projects: Readonly<Record<string, ProjectSeries>>
}

/** Copies. */
export interface ProjectSeries {
  readonly accepted: Series
  readonly delivered: Series
  readonly dead: Series
  readonly dropped: Series
}
