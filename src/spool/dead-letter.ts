/** What is true of dead letters however they are stored. Pure. */
import type { DeadLetterFilter, DeadLetterSummary } from './types.ts'

/** First bytes of the endpoint's last answer that a dead letter keeps. */
export const ANSWER_BYTES = 512

/** Attempts behind a dead letter: one buried for a status was attempted once more than it failed. */
export function attemptsMade (failures: number, reason: string): number {
  return /^\d/.test(reason) ? failures + 1 : failures
}

export function matches (filter: DeadLetterFilter, letter: DeadLetterSummary): boolean {
  return (filter.ids === undefined || filter.ids.includes(letter.id)) &&
    (filter.project === undefined || filter.project === letter.project) &&
    (filter.reason === undefined || filter.reason === letter.reason) &&
    (filter.buriedBefore === undefined || letter.buriedAt < filter.buriedBefore)
}
