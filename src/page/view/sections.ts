/** The parts of the page that are written anew whenever the status changes, by the id of their element. */
import { renderAnswer } from './answer.ts'
import { renderCompleteness } from './completeness.ts'
import { renderConfiguration } from './configuration.ts'
import { renderDeadLetters } from './dead-letters.ts'
import { html, type Html } from './html.ts'
import { renderOverview } from './overview.ts'
import { renderProjects } from './projects.ts'
import type { PageState } from './state.ts'
import { renderRoutes, renderUpstreams } from './traffic.ts'
import { age, time } from './words.ts'

export const SECTIONS = {
  'top-facts': renderTopFacts,
  answer: renderAnswer,
  overview: renderOverview,
  projects: renderProjects,
  'dead-letters': renderDeadLetters,
  completeness: renderCompleteness,
  upstreams: renderUpstreams,
  routes: renderRoutes,
  configuration: renderConfiguration
} satisfies Readonly<Record<string, (state: PageState) => Html>>

function renderTopFacts ({ status: { version, readiness, startedAt, at }, clock }: PageState): Html {
  return html`<div class="top-facts" id="top-facts"><span>${version}</span><span>${readiness}</span><span>up ${age(startedAt, clock)}</span><span>as of ${time(at, clock)}</span></div>`
}
