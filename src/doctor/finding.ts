/** What the doctor found: one line for each thing it looked at. Pure. */
export type FindingState =
  | 'ok'
  /** Works, and should be looked at. */
  | 'warning'
  /** Requests or copies fail because of it, or will. */
  | 'fault'
  /** Could not be looked at, or there is nothing to look at. */
  | 'skipped'

export interface Finding {
  /** What was looked at, such as `upstream relay`; the same words in every run. */
  readonly check: string
  readonly state: FindingState
  /** What was found, without a full stop. Never a secret. */
  readonly words: string
  /** What to do about it: sentences; `null` where there is nothing to do. */
  readonly advice: string | null
}

export function ok (check: string, words: string): Finding {
  return { check, state: 'ok', words, advice: null }
}

export function warning (check: string, words: string, advice: string): Finding {
  return { check, state: 'warning', words, advice }
}

export function fault (check: string, words: string, advice: string): Finding {
  return { check, state: 'fault', words, advice }
}

/** @param advice - What else to look at, where there is anything. */
export function skipped (check: string, words: string, advice: string | null = null): Finding {
  return { check, state: 'skipped', words, advice }
}
