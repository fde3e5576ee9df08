/** Scalars that are the same in every configuration file: times, sizes, numbers, words. */
import { DURATION_PATTERN, SIZE_PATTERN, formatDuration, formatSize, parseDuration, parseSize, suggestDuration, suggestSize } from '../units.ts'
import { nearest } from '../suggest.ts'
import type { Reading, ScalarType, WrittenScalar } from './types.ts'

/** The longest time a timer can count: a longer one would fire at once. */
const MAX_TIMER_MS = 24 * 86_400_000

/** Milliseconds, `min` to `max` inclusive. */
export function duration ({ min = 1, max = MAX_TIMER_MS } = {}): ScalarType<number> {
  return {
    kind: 'scalar',
    name: 'time',
    expects: 'a time such as 5s',
    json: [{ type: 'string', pattern: DURATION_PATTERN }],
    read: ({ text }) => {
      const ms = parseDuration(text)
      if (ms === null) return { hint: suggestDuration(text) }
      return within(ms, min, max, formatDuration)
    }
  }
}

/** Bytes, at least `min`. */
export function size ({ min = 1 } = {}): ScalarType<number> {
  return {
    kind: 'scalar',
    name: 'size',
    expects: 'a size such as 100MiB',
    json: [{ type: 'string', pattern: SIZE_PATTERN }],
    read: ({ text }) => {
      const bytes = parseSize(text)
      if (bytes === null) return { hint: suggestSize(text) }
      return within(bytes, min, Number.MAX_SAFE_INTEGER, formatSize)
    }
  }
}

function within (value: number, min: number, max: number, format: (value: number) => string): Reading<number> {
  if (value < min) return { hint: `the least is ${format(min)}` }
  return value > max ? { hint: `the most is ${format(max)}` } : { value }
}

export function integer (min: number, max: number): ScalarType<number> {
  return {
    kind: 'scalar',
    name: `${min} … ${max}`,
    expects: `a number from ${min} to ${max}`,
    json: [{ type: 'integer', minimum: min, maximum: max }],
    read: ({ text, plain }) => {
      if (!/^-?[0-9]{1,15}$/.test(text)) return { hint: null }
      if (!plain) return { hint: 'remove the quotes' }
      const value = Number(text)
      return value < min || value > max ? { hint: null } : { value }
    }
  }
}

export const boolean: ScalarType<boolean> = {
  kind: 'scalar',
  name: 'true, false',
  expects: 'true or false',
  json: [{ enum: [true, false, 'on', 'off'] }],
  read: scalar => {
    if (isOff(scalar)) return { value: false }
    if (scalar.text === 'on' || (scalar.plain && /^(?:true|True|TRUE)$/.test(scalar.text))) return { value: true }
    if (scalar.text === 'yes') return { hint: 'write true' }
    return { hint: scalar.text === 'no' ? 'write false' : null }
  }
}

/** `off`, or YAML's `false`. */
export function isOff ({ text, plain }: WrittenScalar): boolean {
  return text === 'off' || (plain && /^(?:false|False|FALSE)$/.test(text))
}

/** One of a few words; where `off` is one of them, `false` means it too. */
export function choice<const W extends string> (...words: readonly W[]): ScalarType<W> {
  const json: readonly (string | boolean)[] = words.some(word => word === 'off') ? [...words, false] : words
  return {
    kind: 'scalar',
    name: words.join(', '),
    expects: `one of ${words.join(', ')}`,
    json: [{ enum: json }],
    read: scalar => {
      const written = isOff(scalar) ? 'off' : scalar.text
      const value = words.find(word => word === written)
      if (value !== undefined) return { value }
      const meant = nearest(written, words)
      return { hint: meant === null ? null : `write ${meant}` }
    }
  }
}

/** A scalar, or a word with a value of its own in its place; `off` may be written `false`. */
export function or<T, V> (word: string, wordValue: V, type: ScalarType<T>): ScalarType<T | V> {
  return {
    ...type,
    name: `${type.name}, ${word}`,
    expects: `${type.expects}, or ${word}`,
    json: [...type.json, { enum: word === 'off' ? [word, false] : [word] }],
    read: scalar => {
      const isWord = word === 'off' ? isOff(scalar) : scalar.text === word
      return isWord ? { value: wordValue } : type.read(scalar)
    }
  }
}

interface TextRules {
  readonly name: string
  readonly expects: string
  /** Decides, and goes into the JSON Schema: plain ECMAScript, no flags. */
  readonly pattern: string
  /** What to write for a text that does not match. */
  readonly hint?: (text: string) => string | null
  readonly lowerCase?: boolean
  readonly secret?: boolean
  readonly refersTo?: 'upstream' | 'upstream or ui'
}

/** Text of one form. A bare number is text too: header values and project ids may be written without quotes. */
export function text ({ pattern, hint, lowerCase = false, ...rest }: TextRules): ScalarType<string> {
  const form = new RegExp(pattern)
  return {
    kind: 'scalar',
    ...rest,
    json: [{ type: 'string', pattern }],
    read: ({ text }) => form.test(text) ? { value: lowerCase ? text.toLowerCase() : text } : { hint: hint?.(text) ?? null }
  }
}

/** Characters of a bearer token (RFC 6750, 2.1), so many that nobody guesses it. */
export const token = text({
  name: 'text of 16 characters or more',
  expects: 'a token of 16 characters or more: letters, digits and - . _ ~ + / =',
  pattern: '^[A-Za-z0-9._~+/-]{16,}=*$',
  secret: true,
  hint: written => written.length < 16 ? 'it is too short; `openssl rand -hex 32` makes one' : null
})
