/** Judges a value of nginx.conf by what router.yaml takes, so that what is imported also loads. */
import type { ScalarType } from '../schema/types.ts'
import { describe, type Account } from './account.ts'
import type { Directive } from './parser.ts'

/** A placeholder of the document, such as `<endpoint>`; the loader refuses it with words of its own. */
export const PLACEHOLDER = /(?<!\(\?)<\p{L}[\p{L}\p{N}_. -]*>/u

/** A fault of the directive unless `text` is right for `type`, or still holds a placeholder. */
export function checkValue (directive: Directive, type: ScalarType<unknown>, text: string, account: Account): void {
  if (PLACEHOLDER.test(text)) return
  const reading = type.read({ text, plain: false })
  if ('value' in reading) return
  const what = type.secret === true ? `"${directive.name}"` : `"${describe(directive)}"`
  account.fault(directive, `${what} is not carried over; router.yaml takes ${type.expects}${reading.hint === null ? '' : `: ${reading.hint}`}`)
}
