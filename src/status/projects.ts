/** What became of each project's copies, and whether its copies get through. Pure. */
import type { MirrorConfig } from '../config/config.ts'
import type { ProjectOutage } from '../mirror/health.ts'
import type { EndpointStatus, Outcomes, ProjectStatus, StatusWindow } from './status.ts'
import { nameOf, partsOf } from './totals.ts'
import { clockWords, countWords, ratioWords } from './words.ts'

/** What was counted, by window. */
export type Sums = Readonly<Record<StatusWindow, ReadonlyMap<string, number>>>

const WINDOWS: readonly StatusWindow[] = ['now', '1h', '24h']

/** @param project - Its label, or `null` for all together. */
export function outcomesOf (sums: Sums, project: string | null): Outcomes[] {
  return WINDOWS.map(window => {
    const count = (kind: string): number => project === null ? sumOfKind(sums[window], kind) : sums[window].get(nameOf(kind, project)) ?? 0
    const [accepted, delivered, dead, dropped] = [count('accepted'), count('delivered'), count('dead'), count('dropped')]
    const settled = delivered + dead + dropped
    return { window, accepted, delivered, dead, dropped, ratio: settled === 0 ? null : delivered / settled }
  })
}

export function sumOfKind (counts: ReadonlyMap<string, number>, kind: string): number {
  let sum = 0
  for (const [name, count] of counts) if (partsOf(name).kind === kind) sum += count
  return sum
}

/** Those that are mirrored, in the order of the configuration, `default` last; then what else had copies. */
export function projectsOf (mirror: MirrorConfig, sums: Sums): string[] {
  const projects = [...mirror.projects].filter(([, path]) => path !== null).map(([id]) => id)
  if (mirror.default !== null) projects.push('default')
  const others = new Set<string>()
  for (const name of sums['24h'].keys()) {
    const { kind, label } = partsOf(name)
    if (kind === 'accepted' || kind === 'delivered') others.add(label)
  }
  return [...projects, ...[...others].filter(label => !projects.includes(label)).sort()]
}

/** @param outages - As all processes tell of them. */
export function describeProject (project: string, sums: Sums, endpoint: EndpointStatus, outages: readonly ProjectOutage[], now: number): ProjectStatus {
  const windows = outcomesOf(sums, project)
  const own = outages.filter(outage => outage.project === project).map(({ since }) => since)
  if (endpoint.state === 'down') {
    return { project, state: 'down', since: endpoint.since, words: 'waits: the endpoint is down', windows }
  }
  if (own.length > 0) {
    const since = Math.min(...own)
    return { project, state: 'down', since, words: `down since ${clockWords(since, now)}: the endpoint takes none of its copies, others get through`, windows }
  }
  const [, hour, day] = windows
  const lost = [
    ...hour === undefined || hour.dead === 0 ? [] : [`${countWords(hour.dead)} dead`],
    ...hour === undefined || hour.dropped === 0 ? [] : [`${countWords(hour.dropped)} dropped`]
  ]
  if (lost.length > 0) return { project, state: 'failing', since: null, words: `${lost.join(', ')} in the last hour`, windows }
  return { project, state: 'ok', since: null, words: dayWords(day), windows }
}

function dayWords (day: Outcomes | undefined): string {
  if (day === undefined || (day.accepted === 0 && day.ratio === null)) return 'no copies in the last 24 h'
  if (day.ratio === null) return `${countWords(day.accepted)} taken, none delivered yet`
  return `${countWords(day.delivered)} delivered in the last 24 h (${ratioWords(day.ratio)})`
}
