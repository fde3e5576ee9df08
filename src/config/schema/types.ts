/**
 * The vocabulary `schema.ts` is written in. From a table in these words come the
 * reading of a file (`read.ts`), its JSON Schema (`json-schema.ts`), the manual
 * (`manual.ts`), and the TypeScript type of what was read (`ValueOf`).
 */

/** A scalar of the file as its author wrote it, the environment filled in. */
export interface WrittenScalar {
  readonly text: string
  /** Not quoted, so that YAML would take `80` for a number and `off` for a word. */
  readonly plain: boolean
}

/** `hint` completes the fault: what to write instead. */
export type Reading<T> = { readonly value: T } | { readonly hint: string | null }

export type JsonSchema = Readonly<Record<string, unknown>>

export interface ScalarType<T> {
  readonly kind: 'scalar'
  /** In a word or two, for the manual: `time`. */
  readonly name: string
  /** Completes "expected …": `a time such as 5s`. */
  readonly expects: string
  /** Alternatives a valid file may use; each is a JSON Schema. */
  readonly json: readonly JsonSchema[]
  /** The value is never repeated in a message. */
  readonly secret?: boolean
  /** The value names an entry of `upstreams`; `ui` is allowed where the listener decides. */
  readonly refersTo?: 'upstream' | 'upstream or ui'
  readonly read: (scalar: WrittenScalar) => Reading<T>
}

export interface ListType<I extends ValueType, W extends string> {
  readonly kind: 'list'
  readonly items: I
  /** A word that may stand in place of the list; it is then the value. `off` may be written `false`. */
  readonly word: W | null
  readonly minItems: number
  /** Two items with one key are a fault; `null` is never a duplicate. */
  readonly unique?: (item: ValueOf<I>) => string | null
}

export interface MapType<V extends ValueType> {
  readonly kind: 'map'
  /** What a key stands for, in the manual: `<project>`. */
  readonly keyName: string
  readonly keys: ScalarType<string>
  readonly values: V
  /** Entries that exist without being written. A written one is laid over its base. */
  readonly base?: Readonly<Record<string, Readonly<Record<string, FileValue>>>>
  /** The keys are names that `refersTo` may name. */
  readonly declares?: 'upstream'
}

export interface SectionType<O extends Options> {
  readonly kind: 'section'
  readonly options: O
  /** May be written `off` (or `false`), and is then `null`. */
  readonly off: boolean
  /** What the options must be together. Called when each of them is right. */
  readonly check?: (value: ValuesOf<O>, report: (option: string, message: string) => void) => void
}

export type ValueType = ScalarType<unknown> | AnyList | AnyMap | AnySection

interface AnyList {
  readonly kind: 'list'
  readonly items: ValueType
  readonly word: string | null
  readonly minItems: number
  readonly unique?: (item: never) => string | null
}

interface AnyMap {
  readonly kind: 'map'
  readonly keyName: string
  readonly keys: ScalarType<string>
  readonly values: ValueType
  readonly base?: Readonly<Record<string, Readonly<Record<string, FileValue>>>>
  /** The keys are names that `refersTo` may name. */
  readonly declares?: 'upstream'
}

export interface AnySection {
  readonly kind: 'section'
  readonly options: Options
  readonly off: boolean
  readonly check?: (value: never, report: (option: string, message: string) => void) => void
}

/** One option. The compiler asks for its description. */
export interface Option {
  /** What the option does to traffic, and what happens at its edge. */
  readonly description: string
  readonly type: ValueType
  /** As it would be written in the file. An option without one is `null` when it is not written. */
  readonly default?: FileValue
  readonly required?: true
  /** What stands in for a default that depends on others, for the manual. */
  readonly otherwise?: string
}

export type Options = Readonly<Record<string, Option>>

export type FileValue = string | number | boolean | readonly FileValue[] | { readonly [key: string]: FileValue }

export type ValueOf<T> =
  T extends ScalarType<infer V> ? V
    : T extends { kind: 'list', items: infer I, word: infer W } ? readonly ValueOf<I>[] | (W extends string ? W : never)
      : T extends { kind: 'map', values: infer V } ? ReadonlyMap<string, ValueOf<V>>
        : T extends { kind: 'section', options: infer O extends Options } ? ValuesOf<O>
          : never

export type ValuesOf<O extends Options> = {
  readonly [K in keyof O]: O[K] extends { default: unknown } | { required: true } ? ValueOf<O[K]['type']> : ValueOf<O[K]['type']> | null
}

export function section<const O extends Options> (options: O, extra: Partial<Pick<SectionType<O>, 'off' | 'check'>> = {}): SectionType<O> {
  return { kind: 'section', options, off: false, ...extra }
}

export function list<I extends ValueType> (items: I, extra: { minItems?: number, unique?: (item: ValueOf<I>) => string | null } = {}): ListType<I, never> {
  return { kind: 'list', items, word: null, minItems: 0, ...extra }
}

/** A list, or one word in its place. */
export function listOr<I extends ValueType, W extends string> (word: W, items: I, minItems: number): ListType<I, W> {
  return { kind: 'list', items, word, minItems }
}

export function map<V extends ValueType> (keyName: string, keys: ScalarType<string>, values: V, extra: Pick<MapType<V>, 'base' | 'declares'> = {}): MapType<V> {
  return { kind: 'map', keyName, keys, values, ...extra }
}
