/**
 * Reads a YAML tree by a schema. It goes on after every fault, so that a file tells
 * all its faults at once; what a fault makes unreadable becomes BROKEN, and whatever
 * holds it is BROKEN too.
 */
import { Scalar, isAlias, isMap, isNode, isScalar, isSeq } from 'yaml'
import type { Document, Node, YAMLMap } from 'yaml'
import { fillEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'
import { isOff } from './schema/scalars.ts'
import type { FileValue, Option, Options, ScalarType, ValueType, WrittenScalar } from './schema/types.ts'
import { didYouMean } from './suggest.ts'

/** Stands for a value that a reported fault made unreadable. */
export const BROKEN = Symbol('broken')

export interface Reader {
  readonly document: Document
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
}

type Read<T extends ValueType['kind']> = (reader: Reader, type: Extract<ValueType, { kind: T }>, at: Place) => unknown

/** A value of the file: what it is, what it is called, and where it stands. */
interface Place {
  readonly node: Node
  readonly path: string
  readonly offset: number
}

export function readValue (reader: Reader, type: ValueType, at: Place): unknown {
  reader.places.set(at.path, at.offset)
  const node = resolveAlias(reader, at)
  if (node === null) return BROKEN
  const place = { ...at, node }
  if (type.kind === 'scalar') return readScalar(reader, type, place)
  if (type.kind === 'list') return readList(reader, type, place)
  if (type.kind === 'map') return readMap(reader, type, place)
  return readSection(reader, type, place)
}

const readScalar: Read<'scalar'> = (reader, type, at) => {
  const scalar = written(reader, at)
  if (scalar === BROKEN) return BROKEN
  if (scalar === null) return unexpected(reader, type, at)
  const reading = type.read(scalar)
  if (!('value' in reading)) {
    const got = type.secret === true ? '' : `, got ${isNull(scalar) ? 'nothing' : show(scalar.text)}`
    reader.report(at.path, at.offset, `expected ${type.expects}${got}${reading.hint === null ? '' : `; ${reading.hint}`}`)
    return BROKEN
  }
  if (type.refersTo !== undefined && !(type.refersTo === 'upstream or ui' && scalar.text === 'ui')) {
    reader.references.push({ path: at.path, name: scalar.text })
  }
  return reading.value
}

const readList: Read<'list'> = (reader, type, at) => {
  if (!isSeq(at.node)) {
    const scalar = written(reader, at)
    if (scalar === BROKEN) return BROKEN
    if (scalar !== null && type.word !== null && (scalar.text === type.word || (type.word === 'off' && isOff(scalar)))) return type.word
    const what = `a list${type.word === null ? '' : `, or ${type.word}`}`
    return unexpected(reader, { expects: what }, at, scalar !== null && !isNull(scalar) ? `; write [${scalar.text}]` : '')
  }
  if (at.node.items.length < type.minItems) {
    reader.report(at.path, at.offset, `the list is empty; write at least one entry${type.word === null ? '' : `, or ${type.word}`}`)
    return BROKEN
  }

  const seen = new Map<string, number>()
  const values = at.node.items.map((item, i) => {
    const node = isNode(item) ? item : new Scalar(item)
    const place = { node, path: `${at.path}[${i}]`, offset: node.range?.[0] ?? at.offset }
    const value = readValue(reader, type.items, place)
    const key = value === BROKEN ? null : type.unique?.(value as never) ?? null
    const first = key === null ? undefined : seen.get(key)
    if (key === null) return value
    if (first === undefined) seen.set(key, i)
    else reader.report(place.path, place.offset, `the same as ${at.path}[${first}] (${key}); remove one of them`)
    return value
  })
  return values.includes(BROKEN) ? BROKEN : values
}

const readMap: Read<'map'> = (reader, type, at) => {
  const entries = entriesOf(reader, at)
  if (entries === null) return BROKEN

  const values = new Map<string, unknown>()
  for (const { key, keyOffset, place } of entries) {
    const reading = type.keys.read({ text: key, plain: true })
    const base = type.base !== undefined && Object.hasOwn(type.base, key) ? type.base[key] : undefined
    const value = type.values.kind === 'section'
      ? readSection(reader, type.values, { ...place, node: resolveAlias(reader, place) ?? place.node }, base)
      : readValue(reader, type.values, place)
    if ('value' in reading) values.set(reading.value, value)
    else {
      reader.report(place.path, keyOffset, `expected ${type.keys.expects}, got ${show(key)}${reading.hint === null ? '' : `; ${reading.hint}`}`)
      values.set(key, BROKEN)
    }
  }
  for (const [key, base] of Object.entries(type.base ?? {})) {
    if (!values.has(key)) values.set(key, readValue(reader, type.values, unwritten(reader, base, at.path, at.offset)))
  }
  if (type.declares === 'upstream') for (const key of values.keys()) reader.declared.add(key)
  return [...values.values()].includes(BROKEN) ? BROKEN : values
}

function readSection (reader: Reader, type: Extract<ValueType, { kind: 'section' }>, at: Place, base: Readonly<Record<string, FileValue>> = {}): unknown {
  reader.places.set(at.path, at.offset)
  const scalar = isScalar(at.node) ? written(reader, at) : null
  if (scalar === BROKEN) return BROKEN
  if (scalar !== null && type.off && isOff(scalar)) return null
  const entries = scalar !== null && isNull(scalar) ? [] : entriesOf(reader, at, type.off ? ', or off' : '')
  if (entries === null) return BROKEN

  const found = new Map<string, Place>()
  for (const { key, keyOffset, place } of entries) {
    if (Object.hasOwn(type.options, key)) found.set(key, place)
    else reader.report(place.path, keyOffset, `unknown option${suggestOption(reader, key, Object.keys(type.options))}`)
  }

  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(type.options)) {
    values[name] = readOption(reader, option, found.get(name), Object.hasOwn(base, name) ? base[name] : option.default, { ...at, path: join(at.path, name) })
  }
  if (Object.values(values).includes(BROKEN)) return BROKEN
  type.check?.(values as never, (option, message) => {
    reader.report(join(at.path, option), found.get(option)?.offset ?? at.offset, message)
  })
  return values
}

function readOption (reader: Reader, option: Option, place: Place | undefined, fallback: FileValue | undefined, at: Place): unknown {
  if (place !== undefined) {
    const node = resolveAlias(reader, place)
    if (node === null) return BROKEN
    const scalar = isScalar(node) ? written(reader, { ...place, node }) : null
    if (scalar === BROKEN) return BROKEN
    // A key with nothing behind it, as when every line below it is a comment, is not written.
    if (scalar === null || !isNull(scalar)) return readValue(reader, option.type, place)
  }
  if (fallback !== undefined) return readValue(reader, option.type, unwritten(reader, fallback, at.path, place?.offset ?? at.offset))
  if (option.required !== true) return null
  const expects = option.type.kind === 'scalar' ? option.type.expects : `a ${option.type.kind}`
  reader.report(at.path, place?.offset ?? at.offset, `missing; write ${expects}`)
  return BROKEN
}

interface Entry {
  readonly key: string
  readonly keyOffset: number
  readonly place: Place
}

/** Entries of a mapping in the order of the file, merge keys resolved; `null` when it is none, which is reported. */
function entriesOf (reader: Reader, at: Place, alternative = ''): Entry[] | null {
  if (isMap(at.node)) return [...collect(reader, at, at.node, new Set()).values()]
  unexpected(reader, { expects: `options, each as "name: value"${alternative}` }, at)
  return null
}

function collect (reader: Reader, at: Place, map: YAMLMap, within: Set<YAMLMap>): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  const merged: Map<string, Entry>[] = []
  within.add(map)
  for (const pair of map.items) {
    const keyNode = isNode(pair.key) ? pair.key : new Scalar(pair.key)
    const keyOffset = keyNode.range?.[0] ?? at.offset
    const valueNode = isNode(pair.value) ? pair.value : new Scalar(pair.value)
    const place = (path: string): Place => ({ node: valueNode, path, offset: valueNode.range?.[0] ?? keyOffset })
    if (isScalar(keyNode) && keyNode.source === '<<' && keyNode.type === Scalar.PLAIN) {
      const sources = isSeq(valueNode) ? valueNode.items.filter(item => isNode(item)) : [valueNode]
      for (const source of sources) {
        const node = resolveAlias(reader, { ...place(at.path), node: source })
        if (isMap(node) && !within.has(node)) merged.push(collect(reader, at, node, within))
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
  within.delete(map)
  for (const source of merged) {
    for (const [key, entry] of source) if (!entries.has(key)) entries.set(key, entry)
  }
  return entries
}

/** A scalar with the environment filled in; `null` for anything else. */
function written (reader: Reader, { node, path, offset }: Place): WrittenScalar | null | typeof BROKEN {
  if (!isScalar(node)) return null
  const source = node.source ?? (node.value === null ? '' : `${node.value as string | number | boolean}`)
  const { text, changed, problems } = fillEnvironment(source, reader.environment)
  for (const problem of problems) reader.report(path, offset, problem)
  if (problems.length > 0) return BROKEN
  // `(?<name>` is a group of a regular expression.
  const placeholder = /(?<!\(\?)<\p{L}[\p{L}\p{N}_. -]*>/u.exec(text)
  if (placeholder !== null) {
    reader.report(path, offset, `the placeholder ${placeholder[0]} is left; write your own value in its place`)
    return BROKEN
  }
  return { text, plain: changed || node.type === undefined || node.type === Scalar.PLAIN }
}

function isNull ({ text, plain }: WrittenScalar): boolean {
  return plain && /^(?:|~|null|Null|NULL)$/.test(text)
}

function resolveAlias (reader: Reader, { node, path, offset }: Place): Node | null {
  if (!isAlias(node)) return node
  const target = node.resolve(reader.document)
  if (target === undefined) reader.report(path, offset, `no anchor &${node.source} stands above this alias`)
  return target ?? null
}

/** A value that stands for one nobody wrote, at the place where it would be. */
function unwritten (reader: Reader, value: FileValue, path: string, offset: number): Place {
  return { node: reader.document.createNode(value), path, offset }
}

function unexpected (reader: Reader, { expects }: Pick<ScalarType<unknown>, 'expects'>, { node, path, offset }: Place, hint = ''): typeof BROKEN {
  // A single value is not repeated: it may be a mapped path that lost its project.
  const got = isMap(node) ? 'options' : isSeq(node) ? 'a list' : isScalar(node) && node.source !== '' ? 'a single value' : 'nothing'
  reader.report(path, offset, `expected ${expects}, got ${got}${hint}`)
  return BROKEN
}

function suggestOption (reader: Reader, key: string, known: readonly string[]): string {
  const near = didYouMean(key, known)
  if (near !== '') return near
  const home = Object.entries(reader.root).find(([, { type }]) => type.kind === 'section' && Object.hasOwn(type.options, key))
  if (home !== undefined) return `; it belongs under ${home[0]}:`
  return `; known here: ${known.join(', ')}`
}

function join (path: string, name: string): string {
  if (name === '') return path
  return path === '' ? name : `${path}.${name}`
}

function show (text: string): string {
  if (text === '') return 'an empty text'
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return /^[!-~]+$/.test(text) ? short : JSON.stringify(short)
}
