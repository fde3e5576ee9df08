/** YAML text to a tree of nodes that know their places, or everything that is wrong with it as YAML. */
import { parseDocument } from 'yaml'
import type { Document } from 'yaml'
import type { Fault } from './fault.ts'

/** Above this a file is not a configuration but a mistake. */
export const MAX_CONFIG_BYTES = 1024 * 1024

export interface Position {
  readonly line: number
  readonly column: number
}

/** The library's words, where they can be followed by what to do about it. */
const HINTS: Readonly<Record<string, string>> = {
  BAD_INDENT: 'indent entries of one list or section alike',
  BLOCK_AS_IMPLICIT_KEY: 'a value with ": " in it needs quotes; a nested section starts on a line of its own',
  DUPLICATE_KEY: 'keep one of them',
  MISSING_CHAR: 'close what was opened, or add the space YAML wants',
  MULTIPLE_DOCS: 'remove the line with ---',
  TAB_AS_INDENT: 'write spaces'
}

export function parseYaml (text: string, file: string): { readonly document: Document } | { readonly faults: readonly Fault[] } {
  // Duplicate keys are found while reading, with the name of the option.
  const document = parseDocument(text, { merge: true, prettyErrors: false, uniqueKeys: false })
  const problems = [...document.errors, ...document.warnings]
  if (problems.length === 0) return { document }

  const faults = problems.map(({ code, message, pos }): Fault => {
    const { line, column } = positionOf(text, pos[0])
    const words = code === 'MULTIPLE_DOCS' ? 'a second document starts here' : lowerFirst(withoutSource(message))
    return { file, line, column, message: `not YAML: ${words}${HINTS[code] === undefined ? '' : `; ${HINTS[code]}`}` }
  })
  return { faults }
}

/** Line and column of an offset, both from 1. The library's own counter loses lines in text it cannot parse. */
export function positionOf (text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const start = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: before.length - start + 1 }
}

/** After a colon most messages repeat a piece of the file, which may be a mapped path. */
function withoutSource (message: string): string {
  return message.startsWith('Unresolved tag') ? message : message.replace(/(?<=\S): .*$/s, '')
}

function lowerFirst (sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1)
}
