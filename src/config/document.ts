/** YAML text to a tree of nodes that know their places, or everything that is wrong with it as YAML. */
import { isAlias, isCollection, isNode, isPair, parseDocument } from 'yaml'
import type { Alias, Document, Node } from 'yaml'
import type { Fault } from './fault.ts'

/** Above this a file is not a configuration but a mistake. */
export const MAX_CONFIG_BYTES = 1024 * 1024

/** Deeper than any option stands; keeps what walks the tree from running out of stack. */
const MAX_DEPTH = 50

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

const NESTED_TOO_DEEP = `nested more than ${MAX_DEPTH} deep; no option stands so deep`

export interface ParsedYaml {
  readonly document: Document
  /** What each alias stands for. One without an anchor above it is missing. */
  readonly aliases: ReadonlyMap<Alias, Node>
}

export function parseYaml (text: string, file: string): ParsedYaml | { readonly faults: readonly Fault[] } {
  // Duplicate keys are found while reading, with the name of the option.
  const document = parseDocument(text, { merge: true, prettyErrors: false, uniqueKeys: false })
  const problems = [...document.errors, ...document.warnings]
  const position = positionsIn(text)
  if (problems.length === 0) {
    const { aliases, tooDeep } = walk(document)
    if (tooDeep === null) return { document, aliases }
    return { faults: [{ file, ...position(tooDeep.range?.[0] ?? 0), message: NESTED_TOO_DEEP }] }
  }

  const faults = problems.map(({ code, message, pos }): Fault => {
    const { line, column } = position(pos[0])
    if (message.startsWith('Maximum call stack')) return { file, line, column, message: NESTED_TOO_DEEP }
    const words = code === 'MULTIPLE_DOCS' ? 'a second document starts here' : lowerFirst(withoutSource(message))
    return { file, line, column, message: `not YAML: ${words}${HINTS[code] === undefined ? '' : `; ${HINTS[code]}`}` }
  })
  return { faults }
}

/**
 * Goes through the document once, in its order: an alias stands for the last anchor of its name above it. The library
 * looks for each alias from the beginning, which takes minutes where there are some thousands.
 */
function walk (document: Document): { readonly aliases: Map<Alias, Node>, readonly tooDeep: Node | null } {
  const aliases = new Map<Alias, Node>()
  const anchors = new Map<string, Node>()
  const waiting: { readonly node: unknown, readonly depth: number }[] = [{ node: document.contents, depth: 0 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, depth } = next
    if (isPair(node)) {
      waiting.push({ node: node.value, depth }, { node: node.key, depth })
      continue
    }
    if (!isNode(node)) continue
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target !== undefined) aliases.set(node, target)
      continue
    }
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
    if (!isCollection(node)) continue
    if (depth === MAX_DEPTH) return { aliases, tooDeep: node }
    for (const item of node.items.toReversed()) waiting.push({ node: item, depth: depth + 1 })
  }
  return { aliases, tooDeep: null }
}

/**
 * Line and column of an offset into a text, both from 1; a million of them take no longer than the text is worth.
 * The library's own counter loses lines in text it cannot parse.
 */
export function positionsIn (text: string): (offset: number) => Position {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return offset => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: Math.min(offset, text.length) - (starts[low] ?? 0) + 1 }
  }
}

/** After a colon most messages repeat a piece of the file, which may be a mapped path. */
function withoutSource (message: string): string {
  return message.startsWith('Unresolved tag') ? message : message.replace(/(?<=\S): .*$/s, '')
}

function lowerFirst (sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1)
}
