/**
 * What a YAML tree holds, seen through aliases, merge keys and the environment: the
 * ground that `read.ts` walks on.
 */
import { Scalar, isAlias, isMap, isNode, isScalar, isSeq } from 'yaml'
import type { Alias, Document, Node, YAMLMap } from 'yaml'
import { fillEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'
import type { FileValue, Options, ScalarType, WrittenScalar } from './schema/types.ts'

/** Stands for a value that a reported fault made unreadable. */
export const BROKEN = Symbol('broken')

export interface Reader {
  readonly document: Document
  /** What each alias stands for. */
  readonly aliases: ReadonlyMap<Alias, Node>
  readonly environment: Environment
  /** The whole schema: where an option that is written in a wrong place belongs. */
  readonly root: Options
  /** Offset in the file by path of everything that was written. */
  readonly places: Map<string, number>
  /** Names of upstreams met on the way. */
  readonly references: { readonly path: string, readonly name: string }[]
  /** Names of upstreams there are. */
  readonly declared: Set<string>
  readonly report: (path: string, offset: number, message: string) => void
  /** Counts the values that are read. @returns Whether there are too many. */
  readonly tooMany: () => boolean
}

/** A value of the file: what it is, what it is called, and where it stands. */
export interface Place {
  readonly node: Node
  readonly path: string
  readonly offset: number
}

interface Entry {
  readonly key: string
  readonly keyOffset: number
  readonly place: Place
}

/** Entries of a mapping in the order of the file, merge keys resolved; `null` when it is none, which is reported. */
export function entriesOf (reader: Reader, at: Place, alternative = ''): Entry[] | null {
  if (isMap(at.node)) return [...collect(reader, at, at.node, new Map()).values()]
  unexpected(reader, { expects: `options, each as "name: value"${alternative}` }, at)
  return null
}

/** @param known - What was collected already, so that merging costs no more than there is to merge; `null` while it is being collected. */
function collect (reader: Reader, at: Place, map: YAMLMap, known: Map<YAMLMap, Map<string, Entry> | null>): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  const merged = new Set<Map<string, Entry>>()
  known.set(map, null)
  for (const pair of map.items) {
    const keyNode = isNode(pair.key) ? pair.key : new Scalar(pair.key)
    const keyOffset = keyNode.range?.[0] ?? at.offset
    const valueNode = isNode(pair.value) ? pair.value : new Scalar(pair.value)
    const place = (path: string): Place => ({ node: valueNode, path, offset: valueNode.range?.[0] ?? keyOffset })
    if (isScalar(keyNode) && keyNode.source === '<<' && keyNode.type === Scalar.PLAIN) {
      const sources = isSeq(valueNode) ? valueNode.items.filter(item => isNode(item)) : [valueNode]
      for (const source of sources) {
        const node = resolveAlias(reader, { ...place(at.path), node: source })
        const before = isMap(node) ? known.get(node) : null
        if (isMap(node) && before !== null) merged.add(before ?? collect(reader, at, node, known))
        else if (node !== null) reader.report(at.path, keyOffset, '<< expects an alias of other options, such as *common')
      }
      continue
    }
    const scalar = written(reader, { node: keyNode, path: at.path, offset: keyOffset })
    if (scalar === BROKEN) continue
    if (scalar === null) {
      reader.report(at.path, keyOffset, 'expected the name of an option, got something with parts')
      continue
    }
    const path = join(at.path, scalar.text)
    const first = entries.get(scalar.text)
    if (first === undefined) entries.set(scalar.text, { key: scalar.text, keyOffset, place: place(path) })
    else reader.report(path, keyOffset, 'written twice; keep one of them')
  }
  for (const source of merged) {
    for (const [key, entry] of source) if (!entries.has(key)) entries.set(key, entry)
  }
  known.set(map, entries)
  return entries
}

/** A scalar with the environment filled in; `null` for anything else. */
export function written (reader: Reader, { node, path, offset }: Place): WrittenScalar | null | typeof BROKEN {
  if (!isScalar(node)) return null
  const source = node.source ?? (node.value === null ? '' : `${node.value as string | number | boolean}`)
  const { text, changed, problems } = fillEnvironment(source, reader.environment)
  for (const problem of problems) reader.report(path, offset, problem)
  if (problems.length > 0) return BROKEN
  // `(?<name>`, `(?P<name>` and `\k<name>` are parts of a regular expression.
  const placeholder = /(?<!\(\?P?|\\k)<\p{L}[\p{L}\p{N}_. -]*>/u.exec(text)
  if (placeholder !== null) {
    reader.report(path, offset, `the placeholder ${placeholder[0]} is left; write your own value in its place`)
    return BROKEN
  }
  return { text, plain: changed || node.type === undefined || node.type === Scalar.PLAIN }
}

export function isNull ({ text, plain }: WrittenScalar): boolean {
  return plain && /^(?:|~|null|Null|NULL)$/.test(text)
}

export function resolveAlias (reader: Reader, { node, path, offset }: Place): Node | null {
  if (!isAlias(node)) return node
  const target = reader.aliases.get(node)
  if (target === undefined) reader.report(path, offset, `no anchor &${node.source} stands above this alias`)
  return target ?? null
}

/** A value that stands for one nobody wrote, at the place where it would be. */
export function unwritten (reader: Reader, value: FileValue, path: string, offset: number): Place {
  return { node: reader.document.createNode(value), path, offset }
}

export function unexpected (reader: Reader, { expects }: Pick<ScalarType<unknown>, 'expects'>, { node, path, offset }: Place, hint = ''): typeof BROKEN {
  // A single value is not repeated: it may be a mapped path that lost its project.
  const got = isMap(node) ? 'options' : isSeq(node) ? 'a list' : isScalar(node) && node.source !== '' ? 'a single value' : 'nothing'
  reader.report(path, offset, `expected ${expects}, got ${got}${hint}`)
  return BROKEN
}

export function join (path: string, name: string): string {
  if (name === '') return path
  return path === '' ? name : `${path}.${name}`
}

export function show (text: string): string {
  if (text === '') return 'an empty text'
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return /^[!-~]+$/.test(text) ? short : JSON.stringify(short)
}
