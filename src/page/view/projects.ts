/** Mirror success by project. */
import type { Outcomes, ProjectStatus } from '../../status/status.ts'
import { countWords, ratioWords } from '../../status/words.ts'
import { html, type Html, type HtmlValue } from './html.ts'
import { badge, lossCount, section, table, type Column, type Tone } from './parts.ts'
import type { PageState } from './state.ts'

const COLUMNS: readonly Column[] = [
  { heading: 'Project' },
  { heading: 'State', wide: true },
  { heading: 'Last minute', number: true },
  { heading: 'Last hour', number: true },
  { heading: '24 hours', number: true },
  { heading: 'Delivered in 24 h', number: true },
  { heading: 'Dead', number: true },
  { heading: 'Dropped', number: true }
]

const TONES: Readonly<Record<ProjectStatus['state'], Tone>> = { ok: 'ok', failing: 'wait', down: 'bad' }

export function renderProjects ({ status: { mirror } }: PageState): Html {
  const projects = mirror?.projects ?? []
  return section({ id: 'projects', title: 'Projects' }, projects.length === 0
    ? html`<p class="empty">No project is mirrored.</p>`
    : table('Mirror success: delivered, of all copies that were settled', COLUMNS, projects.map(project => ({ key: project.project, cells: cellsOf(project) }))))
}

function cellsOf ({ project, state, words, windows }: ProjectStatus): readonly HtmlValue[] {
  const [minute, hour, day] = (['now', '1h', '24h'] as const).map(name => windows.find(({ window }) => window === name))
  return [
    project,
    html`${badge(TONES[state], state)} ${words !== state && html`<span class="muted">${words}</span>`}`,
    ratio(minute),
    ratio(hour),
    ratio(day),
    countWords(day?.delivered ?? 0),
    lossCount(day?.dead ?? 0),
    lossCount(day?.dropped ?? 0)
  ]
}

function ratio (outcomes: Outcomes | undefined): Html {
  const value = outcomes?.ratio ?? null
  return html`<span class="${value === null ? 'zero' : value < 1 ? 'loss' : ''}">${ratioWords(value)}</span>`
}
