/**
 * nginx's location syntax:
 *
 *   /a/       prefix
 *   ^~ /a/    prefix that keeps regular expressions from being tried
 *   = /a      this path only
 *   ~ re      regular expression
 *   ~* re     the same, ignoring case
 *
 * Locations are compared with the normalised path, so a name is written decoded.
 */
import { compilePcre } from './pcre.ts'

export type Location =
  | { readonly kind: 'exact', readonly path: string }
  /** `stops`: `^~`, regular expressions are not tried. */
  | { readonly kind: 'prefix', readonly path: string, readonly stops: boolean }
  | { readonly kind: 'regex', readonly regex: RegExp }

/**
 * A location as a matcher. Paths in it are bytes, one character each.
 *
 * @throws SyntaxError with a sentence for the author of the configuration.
 */
export function parseLocation (text: string): Location {
  const modifier = /^(?:=|\^~|~\*|~)/.exec(text)?.[0] ?? ''
  const name = toBytes(text.slice(modifier.length).trimStart())
  switch (modifier) {
    case '~':
    case '~*':
      if (name === '') throw new SyntaxError(`the location "${text}" has no regular expression`)
      return { kind: 'regex', regex: compilePcre(name, modifier === '~*') }
    case '=':
      return { kind: 'exact', path: checkedPath(name, text) }
    default:
      return { kind: 'prefix', path: checkedPath(name, text), stops: modifier === '^~' }
  }
}

function checkedPath (path: string, text: string): string {
  if (path.startsWith('/')) return path
  throw new SyntaxError(`the location "${text}" must start with "/" (or "= /", "^~ /", "~ ", "~* ")`)
}

/** UTF-8 bytes, one character each. */
function toBytes (text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
