/** YAML text to a tree of nodes that know their places, or everything that is wrong with it as YAML. */
import { LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import type { Fault } from './fault.ts'

/** Above this a file is not a configuration but a mistake. */
export const MAX_CONFIG_BYTES = 1024 * 1024

export interface ParsedDocument {
  readonly document: Document
  readonly lines: LineCounter
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

export function parseYaml (text: string, file: string): ParsedDocument | { readonly faults: readonly Fault[] } {
  const lines = new LineCounter()
  // Duplicate keys are found while reading, with the name of the option.
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: false })
  const problems = [...document.errors, ...document.warnings]
  if (problems.length === 0) return { document, lines }

  const faults = problems.map(({ code, message, pos }) => {
    const { line, col } = placeOf(lines, pos[0])
    const words = code === 'MULTIPLE_DOCS' ? 'a second document starts here' : lowerFirst(message)
    return { file, line, column: col, message: `not YAML: ${words}${HINTS[code] === undefined ? '' : `; ${HINTS[code]}`}` }
  })
  return { faults }
}

/** Line and column, both from 1. */
export function placeOf (lines: LineCounter, offset: number): { line: number, col: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), col: Math.max(col, 1) }
}

function lowerFirst (sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1)
}
