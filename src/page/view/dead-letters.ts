/** Copies given up: how many and why, a look inside, and the way back. */
import type { DeadLetterDetails, DeadLetterView } from '../../admin/dead-letter-view.ts'
import type { DeadLetterCount } from '../../status/status.ts'
import { bytesWords, countWords, fateWords, plural } from '../../status/words.ts'
import { html, type Html, type HtmlValue } from './html.ts'
import { lossCount, section, table, type Column } from './parts.ts'
import type { PageState } from './state.ts'
import { time, type Clock } from './words.ts'

const COLUMNS: readonly Column[] = [
  { heading: 'Project' },
  { heading: 'Reason', wide: true },
  { heading: 'Copies', number: true },
  { heading: 'Actions', hidden: true, wide: true }
]

export function renderDeadLetters ({ status: { deadLetters, spool } }: PageState): Html {
  const kept = spool?.dead ?? 0
  if (deadLetters.length === 0) {
    return section({ id: 'dead-letters', title: 'Dead letters' }, html`<p class="empty">None. A copy that the endpoint refuses for good, or that grows too old, is kept here.</p>`)
  }
  const aside = html`<button type="button" class="scripted" data-action="replay" data-count="${kept}">Replay all ${countWords(kept)}…</button>`
  return section({ id: 'dead-letters', title: 'Dead letters', aside }, html`
${table('Copies given up and kept, by project and reason', COLUMNS, deadLetters.map(letter => ({ key: `${letter.project} ${letter.reason}`, cells: cellsOf(letter) })))}
<p class="unscripted muted">Replay them with <code>mirror-router spool replay --project ID --reason REASON</code>.</p>`)
}

function cellsOf ({ project, reason, count: copies }: DeadLetterCount): readonly HtmlValue[] {
  const which = `project ${project}, reason ${reason}`
  return [
    project,
    /^\d+$/.test(reason) ? fateWords(reason) : html`<code>${reason}</code> <span class="muted">${fateWords(reason)}</span>`,
    lossCount(copies),
    html`<div class="actions">
<a class="button" href="/dead-letters?${query(project, reason)}" data-action="look" data-project="${project}" data-reason="${reason}">Look inside<span class="hidden-text">: ${which}</span></a>
<button type="button" class="scripted" data-action="replay" data-project="${project}" data-reason="${reason}" data-count="${copies}">Replay…<span class="hidden-text"> ${which}</span></button>
</div>`
  ]
}

function query (project: string, reason: string): string {
  return String(new URLSearchParams({ project, reason }))
}

/** A page of them, to be opened one by one. */
export function renderLetterList (letters: readonly DeadLetterView[], more: boolean, clock: Clock): Html {
  if (letters.length === 0) return html`<p class="empty">None are left: they were replayed or purged.</p>`
  return html`${letters.map(({ id, taken_at: takenAt, buried_at: buriedAt, attempts, body_bytes: bodyBytes }) => html`<details class="letter" data-letter="${id}">
<summary><code>${id}</code> <span class="muted">taken ${time(Date.parse(takenAt), clock)}, given up ${time(Date.parse(buriedAt), clock)} after ${plural(attempts, 'attempt', 'attempts')}, ${bytesWords(bodyBytes)}</span></summary>
<div class="dialog-body" data-inside>Reading…</div>
</details>`)}${more && html`<p class="muted">These are the oldest ${countWords(letters.length)}; <code>mirror-router spool ls</code> lists all.</p>`}`
}

/** What one holds, decoded. */
export function renderLetter (letter: DeadLetterDetails, clock: Clock): Html {
  const { envelope } = letter
  return html`<dl class="facts">
${fact('Request', html`<code>${letter.method} ${letter.target}</code>`)}
${fact('Event', envelope?.event_id ?? null)}
${fact('DSN', envelope?.dsn ?? null)}
${fact('SDK', envelope?.sdk ? `${envelope.sdk.name} ${envelope.sdk.version ?? ''}` : null)}
${fact('Client', letter.user_agent)}
${fact('Body', `${bytesWords(letter.body_bytes)}${letter.content_encoding === null ? '' : `, ${letter.content_encoding}`}`)}
${fact('First attempt', letter.first_attempt_at && time(Date.parse(letter.first_attempt_at), clock))}
${fact('Last attempt', letter.last_attempt_at && time(Date.parse(letter.last_attempt_at), clock))}
</dl>
${letter.answer !== '' && html`<div><h3>The endpoint's last answer</h3><pre>${letter.answer}</pre></div>`}
${envelope !== null && envelope.items.length > 0 && html`<div><h3>Items</h3><ul>${envelope.items.map(({ type, length, filename }) =>
  html`<li><code>${type}</code>${filename !== null && html` ${filename}`} <span class="muted">${bytesWords(length)}</span></li>`)}</ul></div>`}
${letter.faults.map(fault => html`<p class="fault">${fault}</p>`)}`
}

function fact (name: string, value: HtmlValue): HtmlValue {
  return value === null || value === '' ? null : html`<dt>${name}</dt><dd>${value}</dd>`
}
