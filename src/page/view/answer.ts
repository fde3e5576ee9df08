/** The first thing read: is everything that Sentry received in RUM, and if not, since when, why, and what is to be done. */
import type { MirrorStatus, SpoolStatus, Status } from '../../status/status.ts'
import { countWords, plural, ratioWords } from '../../status/words.ts'
import { html, type Html } from './html.ts'
import { TONE_OF_LEVEL, type Tone } from './parts.ts'
import type { PageState } from './state.ts'
import { age, type Clock } from './words.ts'

export interface Answer {
  readonly tone: Tone
  /** `Yes.`, `Not yet.` or `No.`; empty when there is nothing to ask. */
  readonly verdict: string
  readonly words: string
}

/** A backlog younger than this is what is on its way, not what is held up: while the endpoint takes copies, and while it does not. */
const ON_ITS_WAY_MS = 15_000
const FAILED_ONCE_MS = 3000

export function renderAnswer ({ status, clock }: PageState): Html {
  const { tone, verdict, words } = answerOf(status, clock)
  return html`<section class="card answer tone-${tone}" id="answer" data-live aria-labelledby="answer-title">
<p class="question">Is everything that Sentry received in RUM?</p>
<h1 id="answer-title"><span class="verdict">${verdict}</span> ${words}</h1>
${lastDay(status.mirror)}
${status.findings.length > 0 && html`<ul class="causes">${status.findings.map(({ level, words, advice }) =>
  html`<li class="cause tone-${TONE_OF_LEVEL[level]}"><p class="cause-what">${words}</p><p class="cause-do">${advice}</p></li>`)}</ul>`}
</section>`
}

/** What the findings then say in detail. */
export function answerOf ({ headline, mirror, spool }: Pick<Status, 'headline' | 'mirror' | 'spool'>, clock: Clock): Answer {
  if (mirror === null || spool === null) return { tone: headline.level === 'ok' ? 'idle' : TONE_OF_LEVEL[headline.level], verdict: '', words: 'Nothing is mirrored: the configuration names no endpoint.' }
  const day = mirror.success.find(({ window }) => window === '24h')
  const dropped = day?.dropped ?? 0
  const lost = [
    ...dropped > 0 ? [`${plural(dropped, 'copy was', 'copies were')} dropped in the last 24 h`] : [],
    ...spool.dead > 0 ? [`${plural(spool.dead, 'copy was', 'copies were')} given up`] : []
  ]
  const held = isHeldUp(mirror, spool, clock) ? waitingWords(spool, clock) : null
  if (lost.length > 0) return { tone: headline.level === 'ok' ? 'wait' : TONE_OF_LEVEL[headline.level], verdict: 'No.', words: sentence([...lost, ...held === null ? [] : [held]]) }
  if (held !== null) return { tone: headline.level === 'trouble' ? 'bad' : 'wait', verdict: 'Not yet.', words: sentence([held]) }

  const delivered = day?.delivered ?? 0
  return {
    tone: TONE_OF_LEVEL[headline.level],
    verdict: 'Yes.',
    words: delivered === 0
      ? 'There was nothing to copy in the last 24 hours.'
      : `All copies of the last 24 hours were delivered${spool.pending === 0 ? '' : ` or are on their way (${countWords(spool.pending)})`}.`
  }
}

function isHeldUp ({ endpoint }: MirrorStatus, { pending, oldestTakenAt }: SpoolStatus, { now }: Clock): boolean {
  return pending > 0 && (endpoint.state === 'down' || (oldestTakenAt !== null && now - oldestTakenAt > (endpoint.state === 'up' ? ON_ITS_WAY_MS : FAILED_ONCE_MS)))
}

function waitingWords ({ pending, oldestTakenAt }: SpoolStatus, clock: Clock): string {
  return `${plural(pending, 'copy waits', 'copies wait')}${oldestTakenAt === null ? '' : `, the oldest for ${age(oldestTakenAt, clock)}`}`
}

function sentence (parts: readonly string[]): string {
  return `${parts.join('; ')}.`
}

function lastDay (mirror: MirrorStatus | null): Html | false {
  const day = mirror?.success.find(({ window }) => window === '24h')
  if (day === undefined) return false
  return html`<p class="summary muted">Last 24 hours: ${plural(day.accepted, 'copy', 'copies')} taken, ${countWords(day.delivered)} delivered, ${countWords(day.dead)} dead, ${countWords(day.dropped)} dropped. Of those settled, ${ratioWords(day.ratio)} were delivered.</p>`
}
