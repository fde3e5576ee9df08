/** `${VAR}`, `${VAR:-default}` and `${VAR:?message}` in a value, with the meaning they have in Compose files. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface Filled {
  readonly text: string
  /** Whether anything was taken from the environment. */
  readonly changed: boolean
  /** What is wrong, each once. */
  readonly problems: readonly string[]
}

/** A word ends before the next reference, so that a text full of beginnings is read once and not once for each. */
const REFERENCE = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([-?])((?:[^}$]|\$(?!\{))*))?\}|\$\{/g

/**
 * Fills in every reference. `$$` is a dollar sign; any other `$` stands for itself, so
 * that a regular expression can end in one. `:-` and `:?` take an empty variable for
 * an unset one.
 */
export function fillEnvironment (text: string, environment: Environment): Filled {
  const problems = new Set<string>()
  let changed = false
  const filled = text.replaceAll(REFERENCE, (whole: string, name: string | undefined, operator: string | undefined, word: string = '') => {
    if (whole === '$$') return '$'
    if (name === undefined) {
      problems.add('a ${ that is no reference; write ${NAME}, ${NAME:-default}, ${NAME:?message}, or $${ for the characters themselves')
      return ''
    }
    changed = true
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (operator === undefined) {
      if (value === undefined) problems.add(`the environment variable ${name} is not set; set it, or write \${${name}:-default}`)
      return value ?? ''
    }
    if (value !== undefined && value !== '') return value
    if (operator === '?') problems.add(`the environment variable ${name} is not set${word === '' ? '; set it' : `: ${word}`}`)
    return operator === '-' ? word : ''
  })
  return { text: filled, changed, problems: [...problems] }
}
