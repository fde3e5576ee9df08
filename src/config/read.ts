/**
 * Reads a YAML tree by a schema. It goes on after every fault, so that a file tells
 * all its faults at once; what a fault makes unreadable becomes BROKEN, and whatever
 * holds it is BROKEN too.
 */
import { Scalar, isNode, isScalar, isSeq } from 'yaml'
import { BROKEN, entriesOf, isNull, join, resolveAlias, show, unexpected, unwritten, written } from './nodes.ts'
import type { Place, Reader } from './nodes.ts'
import { isOff } from './schema/scalars.ts'
import type { FileValue, Option, ValueType } from './schema/types.ts'
import { didYouMean } from './suggest.ts'

type Read<T extends ValueType['kind']> = (reader: Reader, type: Extract<ValueType, { kind: T }>, at: Place) => unknown

export function readValue (reader: Reader, type: ValueType, at: Place): unknown {
  if (reader.tooMany()) return BROKEN
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

function suggestOption (reader: Reader, key: string, known: readonly string[]): string {
  const near = didYouMean(key, known)
  if (near !== '') return near
  const home = Object.entries(reader.root).find(([, { type }]) => type.kind === 'section' && Object.hasOwn(type.options, key))
  if (home !== undefined) return `; it belongs under ${home[0]}:`
  return `; known here: ${known.join(', ')}`
}
