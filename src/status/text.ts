/**
 * A Status as lines for a terminal of 80 columns or more; findings may be longer, and
 * wrap. No colour codes: each line says what it is, for those who want to colour it. Pure.
 */
import { printable } from '../printable.ts'
import { renderTable } from '../cli/table.ts'
import type { Level, Outcomes, ProjectStatus, Status } from './status.ts'
import { backlogWords, bytesWords, clockWords, countWords, durationWords, fateWords, latencyWords, plural, ratioWords } from './words.ts'

export interface StatusLine {
  readonly text: string
  /** `heading`: over a table or a group. `quiet`: advice, details. */
  readonly kind: Level | 'heading' | 'plain' | 'quiet'
}

const MAX_ROWS = 12

export function statusLines (status: Status): StatusLine[] {
  return [
    ...head(status),
    ...mirrorLines(status),
    ...projectLines(status),
    ...deadLetterLines(status),
    ...trafficLines(status),
    ...configLines(status)
  ].map(({ text, kind }) => ({ text: printable(text), kind }))
}

const plain = (text: string): StatusLine => ({ text, kind: 'plain' })
const EMPTY = plain('')

function head ({ version, readiness, at, startedAt, processes, headline, findings }: Status): StatusLine[] {
  return [
    { text: `mirror-router ${version}: ${readiness}, running for ${durationWords(at - startedAt)}, ${plural(processes.length, 'process', 'processes')}`, kind: 'heading' },
    ...findings.length === 0 ? [{ text: headline.words, kind: headline.level }] : findings.flatMap(({ level, words, advice }): StatusLine[] => [
      { text: `! ${words}`, kind: level },
      { text: `  ${advice}`, kind: 'quiet' }
    ])
  ]
}

function mirrorLines ({ mirror, spool, at }: Status): StatusLine[] {
  if (mirror === null) return []
  const { endpoint, latency } = mirror
  const lines = [
    EMPTY,
    plain(`endpoint  ${endpoint.host}: ${endpoint.words}`),
    plain(`latency   ${latency.p50 === null ? 'nothing delivered' : `p50 ${latencyWords(latency.p50)}, p90 ${latencyWords(latency.p90)}, p99 ${latencyWords(latency.p99)}`} in the last 5 minutes; ${countWords(endpoint.underWay)} of ${countWords(endpoint.width)} under way`)
  ]
  if (spool !== null) {
    const waiting = backlogWords(spool.pending, spool.oldestTakenAt, at) || 'nothing waits'
    lines.push(plain(`spool     ${spool.works ? '' : 'NOT WRITABLE; '}${waiting}; ${bytesWords(spool.pendingBytes)} of ${bytesWords(spool.maxBytes)}; ${plural(spool.dead, 'dead letter', 'dead letters')}`))
  }
  return lines
}

interface ProjectRow {
  readonly name: string
  readonly windows: readonly Outcomes[]
  readonly words: string
}

function projectLines ({ mirror }: Status): StatusLine[] {
  if (mirror === null) return []
  const of = ({ windows }: ProjectRow, at: number): Outcomes | undefined => windows[at]
  const rows: ProjectRow[] = [{ name: 'all', windows: mirror.success, words: '' }, ...inOrderOfTrouble(mirror.projects).slice(0, MAX_ROWS).map(({ project, windows, words }) => ({ name: project, windows, words }))]
  const [headings = '', ...lines] = renderTable<ProjectRow>([
    { heading: 'PROJECT', cell: ({ name }) => name },
    { heading: '1 MIN', right: true, cell: row => countWords(of(row, 0)?.delivered ?? 0) },
    { heading: '1 H', right: true, cell: row => countWords(of(row, 1)?.delivered ?? 0) },
    { heading: '24 H', right: true, cell: row => countWords(of(row, 2)?.delivered ?? 0) },
    { heading: 'DEAD', right: true, cell: row => countWords(of(row, 2)?.dead ?? 0) },
    { heading: 'DROPPED', right: true, cell: row => countWords(of(row, 2)?.dropped ?? 0) },
    { heading: 'SUCCESS', right: true, cell: row => ratioWords(of(row, 2)?.ratio ?? null) },
    { heading: '', cell: ({ words }) => words }
  ], rows)
  return [EMPTY, { text: headings, kind: 'heading' }, ...lines.map((text, i): StatusLine => ({ text, kind: levelOf(mirror.projects, rows[i]?.name) })), ...more(mirror.projects.length, 'project', 'projects')]
}

function inOrderOfTrouble (projects: readonly ProjectStatus[]): ProjectStatus[] {
  return [...projects.filter(({ state }) => state !== 'ok'), ...projects.filter(({ state }) => state === 'ok')]
}

function levelOf (projects: readonly ProjectStatus[], name: string | undefined): StatusLine['kind'] {
  const state = projects.find(({ project }) => project === name)?.state ?? 'ok'
  return state === 'ok' ? 'plain' : 'trouble'
}

function more (count: number, one: string, many: string): StatusLine[] {
  return count > MAX_ROWS ? [{ text: `and ${plural(count - MAX_ROWS, one, many)} more`, kind: 'quiet' }] : []
}

function deadLetterLines ({ deadLetters }: Status): StatusLine[] {
  if (deadLetters.length === 0) return []
  const [headings = '', ...lines] = renderTable([
    { heading: 'DEAD LETTERS', right: true, cell: ({ count }) => countWords(count) },
    { heading: 'PROJECT', cell: ({ project }) => project },
    { heading: 'REASON', cell: ({ reason }) => reason },
    { heading: '', cell: ({ reason }) => fateWords(reason) }
  ], deadLetters.slice(0, MAX_ROWS))
  return [EMPTY, { text: headings, kind: 'heading' }, ...lines.map(plain), ...more(deadLetters.length, 'row', 'rows')]
}

function trafficLines ({ traffic: { routes, upstreams } }: Status): StatusLine[] {
  const [routeHeadings = '', ...routeLines] = renderTable([
    { heading: 'ROUTE', cell: ({ route }) => route },
    { heading: 'REQUESTS (1 MIN)', right: true, cell: ({ requests }) => countWords(requests) },
    { heading: 'ERRORS', right: true, cell: ({ errors }) => countWords(errors) }
  ], routes.slice(0, MAX_ROWS))
  const [upstreamHeadings = '', ...upstreamLines] = renderTable([
    { heading: 'UPSTREAM', cell: ({ name }) => name },
    { heading: 'ERRORS (1 MIN)', right: true, cell: ({ errors }) => countWords(errors) },
    { heading: '', cell: ({ words }) => words }
  ], upstreams)
  return [
    EMPTY,
    { text: routeHeadings, kind: 'heading' },
    ...routeLines.map((text, i): StatusLine => ({ text, kind: (routes[i]?.errors ?? 0) > 0 ? 'warning' : 'plain' })),
    ...more(routes.length, 'route', 'routes'),
    EMPTY,
    { text: upstreamHeadings, kind: 'heading' },
    ...upstreamLines.map((text, i): StatusLine => ({ text, kind: upstreams[i]?.state === 'failing' ? 'trouble' : 'plain' }))
  ]
}

function configLines ({ config, at }: Status): StatusLine[] {
  const { file, loadedAt, lastReload } = config
  const reload = lastReload === null ? 'no reload since the start' : `last reload ${clockWords(lastReload.at, at)}: ${lastReload.result}`
  return [EMPTY, { text: `configuration ${file}, loaded ${clockWords(loadedAt, at)}; ${reload}`, kind: 'quiet' }]
}
