/**
 * What is read when it is scraped: the state of a process that serves, as it reports it
 * (process/process-report.ts), and what any process uses of the machine.
 */
import { readdirSync, statSync } from 'node:fs'
import { readOpenFilesLimit } from '../process/open-files.ts'
import type { ProcessStatus } from '../process/process-report.ts'
import { VERSION } from '../version.ts'
import { sampled, sampledBy, type SnapshotMetric } from './families.ts'
import { METRICS } from './metrics-table.ts'

/**
 * @param mirrored - Label values of the projects that have a service at the endpoint.
 * @param now - Milliseconds since the epoch.
 */
export function statusGauges ({ delivery, spool, listeners, upstreams, capacity }: ProcessStatus, mirrored: readonly string[], now: number): SnapshotMetric[] {
  return [
    ...spool === null ? [] : spoolGauges(spool, now),
    ...delivery === null ? [] : deliveryGauges(delivery, mirrored),
    sampledBy(METRICS.openConnections, listeners.map(({ port, connections }) => [[String(port)], connections])),
    sampled(METRICS.maxConnections, capacity.maxConnections),
    sampledBy(METRICS.bodyBytes, [[['memory'], capacity.memoryBytes], [['disk'], capacity.diskBytes]]),
    sampled(METRICS.bodySpace, capacity.maxDiskBytes),
    sampledBy(METRICS.upstreamConnections, upstreams.flatMap(({ name, servers }) => byState([name], {
      open: sum(servers.map(({ connections }) => connections.open)),
      idle: sum(servers.map(({ connections }) => connections.idle))
    })))
  ]
}

function spoolGauges ({ pending, pendingBytes, oldestTakenAt, dead, deadBytes, maxBytes, works }: NonNullable<ProcessStatus['spool']>, now: number): SnapshotMetric[] {
  return [
    sampled(METRICS.pending, pending),
    sampled(METRICS.pendingBytes, pendingBytes),
    sampled(METRICS.oldestPending, oldestTakenAt === null ? 0 : Math.max(now - oldestTakenAt, 0) / 1000),
    sampled(METRICS.deadLetters, dead),
    sampled(METRICS.spoolBytes, pendingBytes + deadBytes),
    sampled(METRICS.spoolMaxBytes, maxBytes),
    sampled(METRICS.spoolWorks, Number(works))
  ]
}

function deliveryGauges ({ downSince, projectsDown, width, underWay, connections }: NonNullable<ProcessStatus['delivery']>, mirrored: readonly string[]): SnapshotMetric[] {
  const down = new Set(projectsDown.map(({ project }) => project))
  return [
    sampled(METRICS.endpointUp, Number(downSince === null)),
    sampledBy(METRICS.projectUp, mirrored.map(project => [[project], Number(!down.has(project))])),
    sampled(METRICS.width, width),
    sampled(METRICS.underWay, underWay),
    sampledBy(METRICS.endpointConnections, byState([], connections))
  ]
}

/** Open connections are busy or idle; so the two can be added up. */
function byState (labels: readonly string[], { open, idle }: { open: number, idle: number }): [string[], number][] {
  return [[[...labels, 'busy'], open - idle], [[...labels, 'idle'], idle]]
}

/** Of this process, whatever it does. Names as in other programs, so that other people's dashboards show them. */
export function processGauges (): SnapshotMetric[] {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  return [
    sampledBy(METRICS.build, [[[VERSION, process.version], 1]]),
    sampled(METRICS.startTime, performance.timeOrigin / 1000),
    sampled(METRICS.cpu, (user + system) / 1e6),
    sampled(METRICS.memory, rss),
    sampled(METRICS.heapUsed, heapUsed),
    sampled(METRICS.heapTotal, heapTotal),
    sampled(METRICS.external, external),
    ...fileDescriptors()
  ]
}

/** Linux, proc(5). Elsewhere: nothing. */
function fileDescriptors (): SnapshotMetric[] {
  try {
    // Since Linux 6.2 the size is their number; before, they have to be listed.
    const open = statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length
    const most = readOpenFilesLimit()
    return [sampled(METRICS.openFds, open), ...most === Infinity ? [] : [sampled(METRICS.maxFds, most)]]
  } catch {
    // No such files, or no descriptor left to read them with.
    return []
  }
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
