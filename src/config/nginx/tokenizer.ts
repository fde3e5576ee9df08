/**
 * Cuts nginx configuration text into words, `;`, `{` and `}`, by the rules of nginx's
 * own reader (ngx_conf_read_token of 1.22), quirks included:
 *
 * - quotes and `#` mean something only where a word starts (`a#b` is one word), and
 *   after a closing quote only white space, `;`, `{` or `)` may follow
 * - the `{` of `${name}` opens no block, and neither does a `{` inside quotes
 * - a `}` ends a block only where a word could start; `a}` is a word
 * - `\"`, `\'` and `\\` lose their backslash, `\t`, `\r` and `\n` become that character,
 *   before anything else the backslash stays (so `\d` needs no doubling)
 *
 * Unlike nginx it has no limit of 4096 bytes for a word.
 */
import type { Fault } from '../fault.ts'

export interface Place {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
}

export interface Token extends Place {
  readonly kind: 'word' | ';' | '{' | '}'
  /** A word without its quotes, escapes resolved; otherwise the character itself. */
  readonly text: string
}

export interface Tokens {
  readonly tokens: readonly Token[]
  /** What stopped the reading, as nginx stops at its first syntax error; `null` at the end of the text. */
  readonly fault: Fault | null
  /** Where the text ends. */
  readonly end: Place
}

/** Never throws. Takes time linear in the length of the text. */
export function tokenize (text: string, file: string): Tokens {
  const tokens: Token[] = []
  let line = 1
  let lineStart = 0
  let at = 0
  let words = 0

  const place = (index: number): Place => ({ line, column: index - lineStart + 1 })
  const stop = (where: Place, message: string): Tokens =>
    ({ tokens, fault: { file, line: where.line, column: where.column, message }, end: place(at) })
  const step = (): void => {
    if (text[at++] === '\n') {
      line++
      lineStart = at
    }
  }

  while (at < text.length) {
    const char = text.charAt(at)
    if (isSpace(char)) {
      step()
      continue
    }
    if (char === '#') {
      while (at < text.length && text[at] !== '\n') at++
      continue
    }

    const start = place(at)
    if (char === ';' || char === '{') {
      if (words === 0) return stop(start, `unexpected "${char}"; a directive starts with its name`)
      tokens.push({ kind: char, text: char, ...start })
      words = 0
      at++
      continue
    }
    if (char === '}') {
      if (words > 0) return stop(start, `unexpected "}"; end the directive before it with ";"`)
      tokens.push({ kind: char, text: char, ...start })
      at++
      continue
    }

    const quote = char === '"' || char === "'" ? char : null
    const from = quote === null ? at : at + 1
    if (quote !== null) at++
    let variable = false
    while (at < text.length) {
      const next = text.charAt(at)
      if (next === '{' && variable) {
        at++
        continue
      }
      variable = next === '$'
      if (next === '\\') {
        at++
        if (at < text.length) step()
        continue
      }
      if (quote === null ? isSpace(next) || next === ';' || next === '{' : next === quote) break
      step()
    }

    if (at >= text.length) {
      if (quote !== null) return stop(start, `unterminated quote; close it with ${quote}`)
      return stop(place(at), 'unexpected end of file; end the last directive with ";"')
    }
    tokens.push({ kind: 'word', text: unescape(text.slice(from, at)), ...start })
    words++
    if (quote === null) continue

    at++
    const after = text.charAt(at)
    if (after !== '' && !isSpace(after) && after !== ';' && after !== '{' && after !== ')') {
      return stop(place(at), `unexpected ${JSON.stringify(after)} after a closing quote; put a space between them, or quote the whole word`)
    }
  }

  if (words > 0) return stop(place(at), 'unexpected end of file; end the last directive with ";"')
  return { tokens, fault: null, end: place(at) }
}

function isSpace (char: string): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\n'
}

const CONTROLS: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' }

function unescape (raw: string): string {
  return raw.replaceAll(/\\(["'\\trn])/g, (_, char: string) => CONTROLS[char] ?? char)
}
