/** Times as people read them, beside the words that the terminal has, too. Runs in the router and in the browser. */
import { durationWords } from '../../status/words.ts'
import { html, type Html } from './html.ts'

/** Milliseconds since the epoch, of the router's clock: a browser's may be wrong. */
export interface Clock {
  readonly now: number
}

/** `12 s`: how long ago. */
export function age (since: number, { now }: Clock): string {
  return durationWords(now - since)
}

/** The time of day where it is read, and the date when it is not today's; the whole in its title. */
export function time (ms: number, clock: Clock): Html {
  const iso = new Date(ms).toISOString()
  return html`<time datetime="${iso}" title="${iso}">${timeText(ms, clock)}</time>`
}

export function timeText (ms: number, { now }: Clock): string {
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
  const text = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(ms)
  return day.format(ms) === day.format(now) ? text : `${day.format(ms)}, ${text.slice(0, 5)}`
}

/** With no line break between a number and its unit. */
export function unbroken (words: string): string {
  return words.replace(/(\d) (?=(?:ms|s|min|h|d|%|B|[KMGT]iB)\b)/g, '$1\u00a0')
}
