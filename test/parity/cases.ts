/** Reads the cases, one file per group, and makes sure that they say what the suite understands. */
import { readdirSync, readFileSync } from 'node:fs'
import { FIELDS } from './fields.ts'
import { PROFILES } from './profiles.ts'
import type { ParityCase } from './types.ts'

const FOLDER = new URL('cases/', import.meta.url)

export interface CaseFilter {
  readonly only?: RegExp
  readonly groups?: readonly string[]
  readonly tier?: string
}

export function loadCases (filter: CaseFilter = {}): ParityCase[] {
  const cases = readdirSync(FOLDER).toSorted().flatMap(name => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as ParityCase[])
  const ids = new Set<string>()
  for (const parityCase of cases) {
    validate(parityCase)
    if (ids.has(parityCase.id)) throw new Error(`${parityCase.id}: two cases have this id`)
    ids.add(parityCase.id)
  }
  return cases.filter(({ id, group, tier }) =>
    (filter.only?.test(id) ?? true) && (filter.groups?.includes(group) ?? true) && (filter.tier ?? tier) === tier)
}

function validate ({ id, profile, fields = [], soft = [], flaw }: ParityCase): void {
  if (PROFILES[profile] === undefined) throw new Error(`${id}: unknown profile ${profile}`)
  const unknown = [...fields, ...soft, ...flaw?.fields ?? []].find(name => !FIELDS.has(name))
  if (unknown !== undefined) throw new Error(`${id}: unknown field ${unknown}`)
}
