/** Builds the tree of directives from the words of one file; it knows no directive by name. */
import type { Fault } from '../fault.ts'
import { tokenize, type Place, type Token } from './tokenizer.ts'

/** One directive, or one line of a `map` or `types` block. */
export interface Directive extends Place {
  readonly name: string
  readonly args: readonly string[]
  /** Where each of `args` starts. */
  readonly places: readonly Place[]
  /** What is between its braces; `null` where it ends with `;`. */
  readonly block: Directive[] | null
  readonly file: string
}

export interface Parsed {
  readonly directives: Directive[]
  /** The syntax error that stopped the reading, if any. */
  readonly fault: Fault | null
}

/** Deeper than any real file; keeps what walks the tree from running out of stack. */
const MAX_DEPTH = 50

/** Never throws. After a fault, `directives` holds what was complete before it. */
export function parseNginx (text: string, file: string): Parsed {
  const { tokens, fault, end } = tokenize(text, file)
  const directives: Directive[] = []
  const open: Directive[] = []
  let into = directives
  let words: Token[] = []

  const at = (place: Place, message: string): Parsed =>
    ({ directives, fault: { file, line: place.line, column: place.column, message } })

  for (const token of tokens) {
    if (token.kind === 'word') {
      words.push(token)
      continue
    }
    if (token.kind === '}') {
      if (open.pop() === undefined) return at(token, 'unexpected "}"; no block is open here')
      into = open.at(-1)?.block ?? directives
      continue
    }
    const [name, ...args] = words
    words = []
    // The tokenizer has refused a ";" or "{" without a word before it.
    if (name === undefined) continue
    const directive: Directive = {
      name: name.text,
      args: args.map(arg => arg.text),
      places: args.map(({ line, column }) => ({ line, column })),
      block: token.kind === '{' ? [] : null,
      file,
      line: name.line,
      column: name.column
    }
    into.push(directive)
    if (directive.block === null) continue
    if (open.length === MAX_DEPTH) return at(directive, `blocks are nested more than ${MAX_DEPTH} deep; take some out`)
    open.push(directive)
    into = directive.block
  }

  if (fault !== null) return { directives, fault }
  const unclosed = open.at(-1)
  if (unclosed !== undefined) {
    return at(end, `unexpected end of file; close the "${unclosed.name}" block of line ${unclosed.line} with "}"`)
  }
  return { directives, fault: null }
}

/** All directives in it and below, itself first. */
export function withDescendants (directive: Directive): Directive[] {
  return [directive, ...(directive.block ?? []).flatMap(withDescendants)]
}
