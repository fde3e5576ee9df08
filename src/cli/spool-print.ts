/** Dead letters as text for people. Pure. */
import type { DeadLetterDetails, DeadLetterView, EnvelopeView, PendingView } from '../admin/dead-letter-view.ts'
import { formatDuration } from '../config/units.ts'
import { printable } from '../printable.ts'
import { renderTable, type Column } from './table.ts'

/** One line for the headings and one per dead letter. @param now - Milliseconds since the epoch. */
export function renderDeadLetters (letters: readonly DeadLetterView[], now: number): string[] {
  const columns: readonly Column<DeadLetterView>[] = [
    { heading: 'id', cell: letter => letter.id },
    { heading: 'project', cell: letter => printable(letter.project) },
    { heading: 'reason', cell: letter => printable(letter.reason) },
    { heading: 'attempts', cell: letter => String(letter.attempts), right: true },
    { heading: 'age', cell: letter => ageOf(letter.buried_at, now), right: true },
    { heading: 'bytes', cell: letter => String(letter.body_bytes), right: true }
  ]
  return renderTable(columns, letters)
}

export function renderBacklog (pending: readonly PendingView[], now: number): string[] {
  const columns: readonly Column<PendingView>[] = [
    { heading: 'id', cell: copy => copy.id },
    { heading: 'project', cell: copy => printable(copy.project) },
    { heading: 'attempts', cell: copy => String(copy.attempts), right: true },
    { heading: 'age', cell: copy => ageOf(copy.taken_at, now), right: true },
    { heading: 'next attempt', cell: copy => copy.due_at === null ? 'now' : untilOf(copy.due_at, now), right: true },
    { heading: 'bytes', cell: copy => String(copy.body_bytes), right: true }
  ]
  return renderTable(columns, pending)
}

/** Everything that is known of one dead letter, a line each. */
export function renderDetails (letter: DeadLetterDetails, now: number): string[] {
  const rows: (readonly [name: string, value: string])[] = [
    ['project', letter.project],
    ['reason', `${letter.reason}, after ${counted(letter.attempts, 'attempt')}`],
    ['taken', `${letter.taken_at} (${ageOf(letter.taken_at, now)} ago)`],
    ...letter.first_attempt_at === null || letter.last_attempt_at === null ? [] : [['attempts', letter.first_attempt_at === letter.last_attempt_at ? letter.last_attempt_at : `${letter.first_attempt_at} to ${letter.last_attempt_at}`] as const],
    ['given up', `${letter.buried_at} (${ageOf(letter.buried_at, now)} ago)`],
    ['request', `${letter.method} ${letter.target}`],
    ['body', [counted(letter.body_bytes, 'byte'), letter.content_encoding, letter.content_type].filter(Boolean).join(', ')],
    ...letter.envelope === null ? [] : envelopeRows(letter.envelope),
    ...letter.user_agent === null ? [] : [['user agent', letter.user_agent] as const],
    ...letter.faults.map(fault => ['note', fault] as const),
    ...answerLines(letter.answer).map((line, index) => [index === 0 ? 'answer' : '', line] as const)
  ]
  return [letter.id, ...rows.map(([name, value]) => `  ${name.padEnd(12)}${printable(value)}`.trimEnd())]
}

function envelopeRows ({ event_id: eventId, dsn, sdk, sent_at: sentAt, items }: EnvelopeView): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [['event', eventId ?? 'none']]
  if (sdk !== null) rows.push(['sdk', sdk.version === null ? sdk.name : `${sdk.name} ${sdk.version}`])
  if (dsn !== null) rows.push(['dsn', dsn])
  if (sentAt !== null) rows.push(['sent at', sentAt])
  rows.push(['items', items.length === 0 ? 'none' : String(items.length)])
  for (const item of items) {
    const parts = [item.type, item.count === 1 ? null : `${item.count} of them`, counted(item.length, 'byte'), item.filename, item.content_type]
    rows.push(['', parts.filter(part => part !== null).join(', ')])
  }
  return rows
}

function answerLines (answer: string): string[] {
  const lines = answer.trim().split(/\r?\n/)
  return answer.trim() === '' ? [] : lines
}

/** `1 dead letter`, `1,200 dead letters`. */
export function counted (count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function ageOf (date: string, now: number): string {
  return roughly(now - Date.parse(date))
}

function untilOf (date: string, now: number): string {
  return Date.parse(date) <= now ? 'now' : `in ${roughly(Date.parse(date) - now)}`
}

/** Two units at most: nobody wants the seconds of a day. */
function roughly (ms: number): string {
  const grain = ms >= 86_400_000 ? 3_600_000 : ms >= 3_600_000 ? 60_000 : 1000
  return formatDuration(Math.max(0, Math.floor(ms / grain) * grain))
}
