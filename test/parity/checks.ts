/** Assertions of a case on single values of what was observed. */
import type { Check, Observation } from './types.ts'

const SHOWN_CHARACTERS = 200

/** The checks that do not hold, each as a sentence. */
export function failedChecks (checks: readonly Check[] | undefined, observation: Observation): string[] {
  return (checks ?? []).flatMap(check => {
    const value = valueAt(observation, check.path)
    if (holds(check, value)) return []
    const key = check.key === undefined ? '' : ` (${check.key})`
    return [`${check.path} ${check.op}${key} ${JSON.stringify(check.value ?? '')}, but is ${JSON.stringify(value)?.slice(0, SHOWN_CHARACTERS)}`]
  })
}

function holds (check: Check, value: unknown): boolean {
  const { op, key = '', value: wanted } = check
  if (op === '<') return Number(value) < Number(wanted)
  if (op === '>') return Number(value) > Number(wanted)
  if (op === 'between') return Array.isArray(wanted) && Number(value) >= Number(wanted[0]) && Number(value) <= Number(wanted[1])
  if (op === 'none') return !Array.isArray(value) || !value.some(item => same(valueAt(item, key), wanted))
  return same(value, wanted)
}

function same (left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function valueAt (root: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => {
    if (key === '#') return Array.isArray(value) ? value.length : undefined
    return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  }, root)
}
