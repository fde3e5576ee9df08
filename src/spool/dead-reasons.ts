/** Dead letters as a count needs them: whose, and why. Their bodies are not looked at, nor checked. */
import { decodeUnchecked } from './copy.ts'
import { splitHistory } from './history.ts'
import { after } from './keys.ts'
import type { Environment } from './store.ts'

export interface DeadReason {
  /** Its key in `dead`: they come in this order, oldest burial first. */
  readonly key: Buffer
  readonly project: string
  readonly reason: string
}

/** @param start - Key of the last one that is known; `null` begins with the oldest. */
export function * readDeadReasons (environment: Environment, start: Buffer | null): Generator<DeadReason> {
  for (const { key, value } of environment.entries('dead', start === null ? {} : { start: after(start) })) {
    const split = splitHistory(value)
    const copy = split === null ? null : decodeUnchecked(split.record)
    yield { key, project: copy?.project ?? 'default', reason: split?.history.reason ?? 'corrupt' }
  }
}
