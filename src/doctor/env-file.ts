/**
 * A `.env` file as Docker Compose reads it: `NAME=value`, `export` in front, quotes,
 * comments. What compose would make of `$` in a value is told, not done. Pure.
 */
export interface Variable {
  readonly name: string
  readonly value: string
  /** From 1. */
  readonly line: number
  /** Compose puts another variable in the place of a `$NAME` that stands in it. */
  readonly interpolates: boolean
}

export interface EnvFile {
  /** By name; of one that stands there twice the last, which is the one that counts. */
  readonly variables: ReadonlyMap<string, Variable>
  /** Names that stand there twice with different values. */
  readonly repeated: readonly string[]
  /** Numbers of lines that are neither a variable nor a comment. */
  readonly unread: readonly number[]
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*$/
const SINGLE_QUOTED = /^'([^']*)'\s*(?:#.*)?$/
const DOUBLE_QUOTED = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/
const REFERENCE = /(?<!\$)\$[A-Za-z_{]/

export function readEnvFile (text: string): EnvFile {
  const variables = new Map<string, Variable>()
  const repeated = new Set<string>()
  const unread: number[] = []
  for (const [i, line] of text.replace(/^\uFEFF/, '').split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue
    const [, name, written = ''] = ASSIGNMENT.exec(line) ?? []
    if (name === undefined) {
      unread.push(i + 1)
      continue
    }
    const variable = { name, line: i + 1, ...readValue(written) }
    const before = variables.get(name)
    if (before !== undefined && before.value !== variable.value) repeated.add(name)
    variables.set(name, variable)
  }
  return { variables, repeated: [...repeated], unread }
}

function readValue (written: string): { value: string, interpolates: boolean } {
  const single = SINGLE_QUOTED.exec(written)?.[1]
  if (single !== undefined) return { value: single, interpolates: false }
  const double = DOUBLE_QUOTED.exec(written)?.[1]
  const value = double?.replaceAll(/\\(.)/g, '$1') ?? written.replace(/(?:^|\s)#.*$/, '').trimEnd()
  return { value, interpolates: REFERENCE.test(value) }
}
