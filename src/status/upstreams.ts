/** Upstreams and their servers as all processes together see them. Pure. */
import type { ServerStatus, UpstreamStatus } from '../proxy/upstreams.ts'
import type { UpstreamTraffic } from './status.ts'
import { nameOf } from './totals.ts'
import { causeWords, clockWords, durationWords } from './words.ts'

/** @param lastMinute - What was counted then. */
export function describeUpstreams (processes: readonly (readonly UpstreamStatus[])[], lastMinute: ReadonlyMap<string, number>, now: number): UpstreamTraffic[] {
  const names = [...new Set(processes.flatMap(upstreams => upstreams.map(({ name }) => name)))]
  return names.map(name => {
    const servers = mergeServers(processes.flatMap(upstreams => upstreams.filter(upstream => upstream.name === name).flatMap(upstream => upstream.servers)))
    const { state, words } = describeServers(servers, now)
    return { name, state, words, errors: lastMinute.get(nameOf('upstream', name)) ?? 0, servers }
  })
}

function mergeServers (servers: readonly ServerStatus[]): ServerStatus[] {
  const merged = new Map<string, ServerStatus>()
  for (const server of servers) {
    const known = merged.get(server.address)
    merged.set(server.address, known === undefined ? server : merge(known, server))
  }
  return [...merged.values()]
}

function merge (a: ServerStatus, b: ServerStatus): ServerStatus {
  const failed = (b.failedAt ?? 0) > (a.failedAt ?? 0) ? b : a
  return {
    address: a.address,
    answeredAt: a.answeredAt === null || b.answeredAt === null ? a.answeredAt ?? b.answeredAt : Math.max(a.answeredAt, b.answeredAt),
    failedAt: failed.failedAt,
    failure: failed.failure,
    connections: { open: a.connections.open + b.connections.open, idle: a.connections.idle + b.connections.idle }
  }
}

function describeServers (servers: readonly ServerStatus[], now: number): Pick<UpstreamTraffic, 'state' | 'words'> {
  const failing = servers.filter(isFailing)
  const worst = failing.sort((a, b) => (b.failedAt ?? 0) - (a.failedAt ?? 0))[0]
  if (worst !== undefined && worst.failedAt !== null) {
    const words = `${worst.address} failed at ${clockWords(worst.failedAt, now)}: ${causeWords(worst.failure ?? '')}`
    return { state: 'failing', words: failing.length < servers.length ? `${words}; ${servers.length - failing.length} of ${servers.length} servers answer` : words }
  }
  const answeredAt = Math.max(...servers.map(server => server.answeredAt ?? 0))
  return answeredAt > 0 ? { state: 'ok', words: `last answer ${durationWords(now - answeredAt)} ago` } : { state: 'unknown', words: 'nobody asked it yet' }
}

function isFailing ({ answeredAt, failedAt }: ServerStatus): boolean {
  return failedAt !== null && failedAt > (answeredAt ?? 0)
}
