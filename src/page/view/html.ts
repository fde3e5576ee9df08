/**
 * Markup that escapes by default: what is put into the template is text, unless it
 * was made by the same template. Runs in the router and in the browser.
 */

/** Not a string: what comes out of JSON can never pass for markup. */
const MARKUP = Symbol('markup')

export interface Html {
  readonly [MARKUP]: string
}

/** `null` and `false` print nothing, for `condition && html`. */
export type HtmlValue = Html | string | number | null | false | readonly HtmlValue[]

/** Values may stand between tags and inside quoted attributes; nowhere else. */
export function html (texts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = texts[0] ?? ''
  for (const [at, value] of values.entries()) markup += print(value) + (texts[at + 1] ?? '')
  return { [MARKUP]: markup }
}

export function markupOf (piece: Html): string {
  return piece[MARKUP]
}

function print (value: HtmlValue): string {
  if (value === null || value === false) return ''
  if (typeof value === 'string') return escape(value)
  if (typeof value === 'number') return String(value)
  return isList(value) ? value.map(print).join('') : value[MARKUP]
}

function isList (value: Html | readonly HtmlValue[]): value is readonly HtmlValue[] {
  return Array.isArray(value)
}

function escape (text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
