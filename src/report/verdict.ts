/** The report's sentences. Pure. */
import type { Counts, Numbers } from './report.ts'

/** `complete`, or `3 of 120,331 missing: 2 dead (400), 1 dropped (spool_full)`. */
export function verdictOf ({ received, accepted, missing, pending, dead, dropped, skipped }: Numbers): string {
  if (accepted === 0 && missing === 0) {
    const why = byReason(skipped).join(', ')
    return received === 0 ? 'nothing was received' : `nothing was copied${why === '' ? '' : ` (skipped: ${why})`}`
  }
  if (missing === 0) return 'complete'
  return `${grouped(missing)} of ${grouped(accepted)} missing: ${causes({ pending, dead, dropped }).join(', ')}`
}

/** Why copies are missing, most final first. */
function causes ({ pending, dead, dropped }: Pick<Numbers, 'pending' | 'dead' | 'dropped'>): string[] {
  return [
    ...Object.entries(dropped).map(([reason, count]) => `${grouped(count)} dropped (${reason})`),
    ...Object.entries(dead).map(([reason, count]) => `${grouped(count)} dead (${reason})`),
    ...pending === 0 ? [] : [`${grouped(pending)} still waiting`]
  ]
}

/** What the upstream took and the endpoint lacks, in words; empty when there is nothing. */
export function lackingOf ({ skippedThoughTaken, answeredOther, missing }: Numbers): string {
  // A copy is sent whatever the upstream answers: some of the missing may be those it refused.
  const bound = Object.keys(answeredOther).length === 0 ? '' : 'up to '
  return [
    ...missing === 0 ? [] : [`${bound}${grouped(missing)} copied and not delivered`],
    ...Object.entries(skippedThoughTaken).map(([reason, count]) => `${grouped(count)} never copied (${reason})`)
  ].join(', ')
}

/** `100 %` is said only when nothing is missing: the third decimal is cut off, not rounded. */
export function percentOf (completeness: number | null): string {
  return completeness === null ? '–' : `${Math.floor(completeness * 100_000) / 1000} %`
}

/** `120,331`. */
export function grouped (number: number): string {
  return number.toLocaleString('en-US')
}

function byReason (counts: Counts): string[] {
  return Object.entries(counts).map(([reason, count]) => `${grouped(count)} ${reason}`)
}
