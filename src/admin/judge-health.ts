/**
 * How well each part is, in a word and a time: what `/readyz?deep=1` answers. Pure.
 *
 * Ready is a router that can do its first task, and keep what the second one needs:
 * the upstreams in use answer and the spool can be written. An endpoint that is down
 * does not count: copies wait for it, and clients must not.
 */
import type { Config, ServerAddress } from '../config/config.ts'
import type { ProcessStatus } from '../process/process-report.ts'
import type { ServerStatus } from '../proxy/upstreams.ts'
import { endpointWords, mergeDeliveries } from '../status/endpoint.ts'
import { describeUpstreams } from '../status/upstreams.ts'
import { backlogWords, causeWords, durationWords } from '../status/words.ts'
import type { ProbeResult } from './probe.ts'
import type { Readiness } from './server.ts'

/** What was seen this recently needs no probe. */
const RECENT_MS = 10_000

/**
 * `failing`: what was tried last did not work, though somebody listens. `down`: nobody
 * listens; of the endpoint: an outage. `held`: the endpoint asked for a pause.
 */
export type HealthWord = 'ok' | 'failing' | 'down' | 'held' | 'unknown' | 'off'

export interface PartHealth {
  readonly state: HealthWord
  /** ISO date: when it was last seen well or, when it is not, when that was last seen or began; `null`: never looked at. */
  readonly at: string | null
  readonly words: string
}

export interface UpstreamHealth extends PartHealth {
  readonly name: string
  /** Whether a route or a listener leads to it. */
  readonly used: boolean
  readonly servers: readonly ServerHealth[]
}

export interface ServerHealth extends PartHealth {
  readonly address: string
}

export interface DeepHealth {
  readonly ready: boolean
  readonly readiness: Readiness
  /** ISO date. */
  readonly at: string
  readonly upstreams: readonly UpstreamHealth[]
  readonly endpoint: PartHealth
  readonly spool: PartHealth
}

export interface HealthFacts {
  readonly config: Pick<Config, 'upstreams' | 'routes' | 'listeners' | 'mirror'>
  readonly readiness: Readiness
  readonly processes: readonly ProcessStatus[]
  /** By address; of the servers that `serversToProbe` named. */
  readonly probes: ReadonlyMap<string, ProbeResult>
}

export function judgeHealth ({ config, readiness, processes, probes }: HealthFacts, now: number): DeepHealth {
  const used = upstreamsInUse(config)
  const seen = serversSeen(processes, now)
  const upstreams = Object.values(config.upstreams).map(({ name, servers }): UpstreamHealth => {
    const addresses = servers.map(server => addressOf(server))
    const judged = addresses.map(address => judgeServer(address, seen.get(keyOf(name, address)), probes.get(address), now))
    const { state, at, words } = best(judged)
    return { name, used: used.has(name), state, at, words, servers: judged }
  })
  const spool = judgeSpool(config, processes, now)
  return {
    ready: readiness === 'ready' && upstreams.every(({ used, state }) => !used || state === 'ok') && (spool.state === 'ok' || spool.state === 'off'),
    readiness,
    at: iso(now),
    upstreams,
    endpoint: judgeEndpoint(config, processes, now),
    spool
  }
}

/** Those that traffic says nothing good of lately. */
export function serversToProbe ({ config, processes }: Pick<HealthFacts, 'config' | 'processes'>, now: number): ServerAddress[] {
  const seen = serversSeen(processes, now)
  return Object.values(config.upstreams).flatMap(({ name, servers }) => servers.filter(server => !answersLately(seen.get(keyOf(name, addressOf(server))), now)))
}

export function addressOf ({ host, port }: ServerAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function upstreamsInUse ({ routes, listeners }: HealthFacts['config']): ReadonlySet<string | null> {
  return new Set([...routes.map(({ upstream }) => upstream), ...listeners.map(({ ui }) => ui)])
}

function serversSeen (processes: readonly ProcessStatus[], now: number): ReadonlyMap<string, ServerStatus> {
  const upstreams = describeUpstreams(processes.map(process => process.upstreams), new Map(), now)
  return new Map(upstreams.flatMap(({ name, servers }) => servers.map(server => [keyOf(name, server.address), server])))
}

function keyOf (upstream: string, address: string): string {
  return `${upstream} ${address}`
}

function answersLately (seen: ServerStatus | undefined, now: number): boolean {
  return seen !== undefined && seen.answeredAt !== null && seen.answeredAt >= (seen.failedAt ?? 0) && now - seen.answeredAt < RECENT_MS
}

function judgeServer (address: string, seen: ServerStatus | undefined, probe: ProbeResult | undefined, now: number): ServerHealth {
  const answered = seen?.answeredAt ?? null
  const failed = seen?.failedAt ?? null
  if (answered !== null && answersLately(seen, now)) return { address, state: 'ok', at: iso(answered), words: `last answer ${durationWords(now - answered)} ago` }
  if (probe === undefined) return { address, state: 'unknown', at: null, words: 'not looked at' }
  if (probe.failure !== null) return { address, state: 'down', at: iso(probe.at), words: causeWords(probe.failure) }
  if (failed !== null && failed > (answered ?? 0) && now - failed < RECENT_MS) {
    return { address, state: 'failing', at: iso(failed), words: `accepts connections, but a request failed ${durationWords(now - failed)} ago: ${causeWords(seen?.failure ?? '')}` }
  }
  return { address, state: 'ok', at: iso(probe.at), words: 'accepts connections' }
}

/** An upstream is as well as its best server: requests go to that one. */
function best (servers: readonly PartHealth[]): PartHealth {
  const order: readonly HealthWord[] = ['ok', 'failing', 'unknown', 'down']
  const [first] = servers.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  const others = servers.filter(({ state }) => state !== 'ok').length
  if (first === undefined) return { state: 'unknown', at: null, words: 'has no servers' }
  return { state: first.state, at: first.at, words: first.state === 'ok' && others > 0 ? `${first.words}; ${servers.length - others} of ${servers.length} servers` : first.words }
}

function judgeEndpoint ({ mirror }: HealthFacts['config'], processes: readonly ProcessStatus[], now: number): PartHealth {
  if (mirror === null) return { state: 'off', at: null, words: 'nothing is mirrored' }
  const facts = mergeDeliveries(mirror.endpoint.host, processes.map(({ delivery }) => delivery).filter(delivery => delivery !== null))
  const at = facts.state === 'up' ? facts.lastSuccessAt : facts.since ?? facts.lastFailure?.at ?? null
  return { state: facts.state === 'up' ? 'ok' : facts.state, at: at === null ? null : iso(at), words: endpointWords(facts, backlogOf(processes), now) }
}

function judgeSpool ({ mirror }: HealthFacts['config'], processes: readonly ProcessStatus[], now: number): PartHealth {
  if (mirror === null) return { state: 'off', at: null, words: 'nothing is mirrored' }
  const spools = processes.map(({ spool }) => spool).filter(spool => spool !== null)
  if (spools.length === 0) return { state: 'unknown', at: null, words: 'no process has looked at it yet' }
  if (!spools.every(({ works }) => works)) return { state: 'failing', at: iso(now), words: 'cannot be written; copies are kept in memory, and lost if the router stops: is the disk at spool.path full, read-only, or gone?' }
  const { pending, oldestTakenAt } = backlogOf(processes)
  return { state: 'ok', at: iso(now), words: backlogWords(pending, oldestTakenAt, now) || 'nothing waits' }
}

function backlogOf (processes: readonly ProcessStatus[]): { pending: number, oldestTakenAt: number | null } {
  const spools = processes.map(({ spool }) => spool).filter(spool => spool !== null)
  const oldest = spools.map(({ oldestTakenAt }) => oldestTakenAt).filter(takenAt => takenAt !== null)
  return { pending: spools.reduce((sum, { pending }) => sum + pending, 0), oldestTakenAt: oldest.length === 0 ? null : Math.min(...oldest) }
}

function iso (at: number): string {
  return new Date(at).toISOString()
}
