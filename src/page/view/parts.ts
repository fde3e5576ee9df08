/** Small pieces that several sections are made of. */
import type { Level } from '../../status/status.ts'
import { countWords } from '../../status/words.ts'
import { html, type Html, type HtmlValue } from './html.ts'

/** How a state looks; it is always said in words, too. */
export type Tone = 'ok' | 'wait' | 'bad' | 'idle'

export const TONE_OF_LEVEL: Readonly<Record<Level, Tone>> = { ok: 'ok', warning: 'wait', trouble: 'bad' }

export function badge (tone: Tone, word: string): Html {
  return html`<span class="badge tone-${tone}">${word}</span>`
}

export interface SectionOptions {
  readonly id: string
  readonly title: string
  /** At the right of the title. */
  readonly aside?: HtmlValue
}

/** The browser writes it anew with every change; the focus can be put on its title. */
export function section ({ id, title, aside = null }: SectionOptions, content: HtmlValue): Html {
  return html`<section class="card" id="${id}" data-live aria-labelledby="${id}-title">
<div class="card-head"><h2 id="${id}-title" tabindex="-1">${title}</h2><div class="aside">${aside}</div></div>
${content}
</section>`
}

export interface Column {
  readonly heading: string
  /** Right-aligned. */
  readonly number?: boolean
  /** On a phone, a line of its own. */
  readonly wide?: boolean
  /** Heading for the ear only. */
  readonly hidden?: boolean
}

export interface Row {
  /** Unlike that of every other row. */
  readonly key: string
  readonly cells: readonly HtmlValue[]
}

/** The first column names the row. */
export function table (caption: string, columns: readonly Column[], rows: readonly Row[], footer: Row | null = null): Html {
  const headings = columns.map(({ heading, number = false, hidden = false }) =>
    html`<th role="columnheader" scope="col"${number && html` class="number"`}>${hidden ? html`<span class="hidden-text">${heading}</span>` : heading}</th>`)
  // The roles are those they have anyway, until a phone's style sheet makes blocks of them.
  return html`<div class="scroll"><table class="stack" role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${headings}</tr></thead>
<tbody role="rowgroup">${rows.map(row => printRow(columns, row))}</tbody>
${footer !== null && html`<tfoot role="rowgroup">${printRow(columns, footer)}</tfoot>`}
</table></div>`
}

function printRow (columns: readonly Column[], { key, cells }: Row): Html {
  return html`<tr role="row" data-key="${key}">${columns.map(({ heading, number = false, wide = false, hidden = false }, at) => {
    const content = cells[at] ?? ''
    if (at === 0) return html`<th role="rowheader" scope="row" data-label="${heading}">${content}</th>`
    return html`<td role="cell" class="${number ? 'number' : ''}${wide ? ' wide' : ''}"${!hidden && html` data-label="${heading}"`}>${content}</td>`
  })}</tr>`
}

/** Quiet when there is none, loud when there should be none. */
export function lossCount (number: number): Html {
  return number === 0 ? html`<span class="zero">0</span>` : html`<span class="loss">${countWords(number)}</span>`
}

/** A bar, from empty to full; the number stands beside it. */
export function meter (ratio: number): Html {
  const width = Math.max(0, Math.min(100, ratio * 100)).toFixed(1)
  return html`<svg class="meter${ratio > 0.9 ? ' full' : ''}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="fill" width="${width}" height="6"/></svg>`
}
