/** The first thing read: is everything that Sentry received in RUM, and if not, why, and what is to be done. */
import { countWords, ratioWords } from '../../status/words.ts'
import { html, type Html } from './html.ts'
import { TONE_OF_LEVEL } from './parts.ts'
import type { PageState } from './state.ts'

const VERDICTS = { ok: 'Yes.', warning: 'Look at this.', trouble: 'No.' } as const

export function renderAnswer ({ status }: PageState): Html {
  const { headline, findings, mirror } = status
  const verdict = mirror === null ? '' : VERDICTS[headline.level]
  return html`<section class="card answer tone-${mirror === null ? 'idle' : TONE_OF_LEVEL[headline.level]}" id="answer" data-live aria-labelledby="answer-title">
<p class="question">Is everything that Sentry received in RUM?</p>
<h1 id="answer-title"><span class="verdict">${verdict}</span> ${headline.words}</h1>
${lastDay(status.mirror)}
${findings.length > 0 && html`<ul class="causes">${findings.map(({ level, words, advice }) =>
  html`<li class="cause tone-${TONE_OF_LEVEL[level]}"><p class="cause-what">${words}</p><p class="cause-do">${advice}</p></li>`)}</ul>`}
</section>`
}

function lastDay (mirror: PageState['status']['mirror']): Html | false {
  const day = mirror?.success.find(({ window }) => window === '24h')
  if (day === undefined) return false
  return html`<p class="summary muted">Last 24 hours: ${countWords(day.accepted)} copies taken, ${countWords(day.delivered)} delivered, ${countWords(day.dead)} dead, ${countWords(day.dropped)} dropped (${ratioWords(day.ratio)} of those settled were delivered).</p>`
}
