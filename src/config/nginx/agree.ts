/** Where nginx allows a value for each location and the router has one: do they agree? */
import { describe, type Account } from './account.ts'
import type { Directive } from './parser.ts'
import { effective, type Scope } from './scope.ts'

export interface Setting<T> {
  readonly name: string
  /** Our option. */
  readonly to: string
  /** What nginx takes where the directive is absent. */
  readonly fallback: T
  /** Its value, and the fault where it has none. Gets every directive of that name of one block. */
  readonly read: (directives: readonly Directive[], account: Account) => T
}

/**
 * The value that holds in all these scopes. Where two differ, that is a fault of the
 * directive that makes the difference.
 *
 * @param owner what has only one value: `the router`, `upstream relay`.
 */
export function agreed<T> (scopes: readonly Scope[], setting: Setting<T>, owner: string, account: Account): T {
  const { name, to, fallback, read } = setting
  const first = scopes[0]
  if (first === undefined) return fallback

  const values = new Map<Directive | undefined, T>()
  const valueIn = (scope: Scope): { value: T, by: readonly Directive[] } => {
    const by = effective(scope, name)
    if (!values.has(by[0])) {
      values.set(by[0], by.length === 0 ? fallback : read(by, account))
      for (const directive of by) account.mapped(directive, to)
    }
    return { value: values.get(by[0]) ?? fallback, by }
  }

  const expected = valueIn(first)
  for (const scope of scopes.slice(1)) {
    const found = valueIn(scope)
    if (JSON.stringify(found.value) === JSON.stringify(expected.value)) continue
    const odd = found.by[0] ?? expected.by[0]
    const other = odd === found.by[0] ? expected.by[0] : found.by[0]
    if (odd === undefined) continue
    const there = other === undefined ? `nginx's default elsewhere` : `"${describe(other)}" in line ${other.line}`
    account.fault(odd, `"${describe(odd)}" differs from ${there}; ${owner} has one value, so make them equal`)
  }
  return expected.value
}
