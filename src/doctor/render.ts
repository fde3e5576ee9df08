/** Findings as lines for a person: a mark, what was looked at, what was found, what to do. Pure. */
import { printable } from '../printable.ts'
import type { StatusLine } from '../status/text.ts'
import { plural } from '../status/words.ts'
import type { Finding, FindingState } from './finding.ts'

const MARKS: Readonly<Record<FindingState, string>> = { ok: '✓', warning: '!', fault: '✗', skipped: '–' }
const KINDS: Readonly<Record<FindingState, StatusLine['kind']>> = { ok: 'ok', warning: 'warning', fault: 'trouble', skipped: 'quiet' }

/** One line for each finding, and one for all of them. */
export function findingLines (findings: readonly Finding[]): StatusLine[] {
  return [
    ...findings.map(({ check, state, words, advice }): StatusLine => ({
      text: printable(`${MARKS[state]} ${check}: ${words}${advice === null ? '' : `. ${advice}`}`),
      kind: KINDS[state]
    })),
    { text: '', kind: 'plain' },
    verdict(findings)
  ]
}

/** Exit code 1. */
export function isFaulty (findings: readonly Finding[]): boolean {
  return findings.some(({ state }) => state === 'fault')
}

function verdict (findings: readonly Finding[]): StatusLine {
  const count = (state: FindingState): number => findings.filter(finding => finding.state === state).length
  const [faults, warnings, skipped] = [count('fault'), count('warning'), count('skipped')]
  const looked = `${plural(findings.length - skipped, 'check', 'checks')}${skipped === 0 ? '' : `, ${skipped} skipped`}`
  const words = [...faults === 0 ? [] : [plural(faults, 'fault', 'faults')], ...warnings === 0 ? [] : [plural(warnings, 'warning', 'warnings')]].join(', ')
  return { text: words === '' ? `All is well: ${looked}.` : `${words}: ${looked}.`, kind: faults > 0 ? 'trouble' : warnings > 0 ? 'warning' : 'ok' }
}
