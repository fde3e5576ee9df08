/** Which dead letters a request means: from a query string or a JSON body. Pure; what is wrong is said in a sentence. */
import { didYouMean } from '../config/suggest.ts'
import { parseDuration } from '../config/units.ts'
import type { Query } from './dead-letter-desk.ts'

export interface ListRequest {
  readonly query: Query
  readonly limit: number
  readonly after: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

export class QueryError extends Error {
  override readonly name = 'QueryError'
}

const DEFAULT_LIMIT = 100
const MOST_PER_PAGE = 1000

/** Whether it can be the id of a copy: 32 hex digits. */
export function isId (text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(text)
}

/** @throws {QueryError} */
export function readListRequest (fields: Fields, filters: readonly ('project' | 'reason' | 'older_than')[]): ListRequest {
  refuseOthers(fields, [...filters, 'limit', 'after'])
  return { query: readQuery(fields), limit: readLimit(fields), after: readAfter(fields) }
}

/**
 * What is to be replayed or purged. Everything has to be asked for: a filter that
 * was left empty by mistake does not mean it.
 *
 * @throws {QueryError}
 */
export function readSelection (body: unknown): Query {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new QueryError('The body must be a JSON object: {"ids": […]}, "project", "reason", "older_than", or {"all": true}.')
  const fields = body as Fields
  refuseOthers(fields, ['ids', 'project', 'reason', 'older_than', 'all'])
  const { all, ids } = fields
  if (all !== undefined && all !== true) throw new QueryError('all: can only be true.')
  if (ids !== undefined && !isTexts(ids)) throw new QueryError('ids: expected a list of ids.')

  const query = { ...readQuery(fields), ...ids !== undefined && { ids: ids.map(readId) } }
  const empty = Object.keys(query).length === 0
  if (all === true && !empty) throw new QueryError('all: means every dead letter; leave it out, or the rest of the filter.')
  if (all === undefined && empty) throw new QueryError('The filter is empty; say {"all": true} to mean every dead letter.')
  return query
}

/** @throws {QueryError} */
export function readId (text: string): string {
  if (!isId(text)) throw new QueryError(`${JSON.stringify(text.slice(0, 100))} is no id: an id has 32 hexadecimal digits.`)
  return text.toLowerCase()
}

function readQuery (fields: Fields): Query {
  const [project, reason, age] = [textOf(fields, 'project'), textOf(fields, 'reason'), textOf(fields, 'older_than')]
  const olderThanMs = age === undefined ? undefined : parseDuration(age)
  if (olderThanMs === null) throw new QueryError(`older_than: expected a time such as 1h, got ${JSON.stringify(age)}.`)
  return { ...project !== undefined && { project }, ...reason !== undefined && { reason }, ...olderThanMs !== undefined && { olderThanMs } }
}

/** The `next` of a page: an id, or a place in the backlog. */
function readAfter (fields: Fields): string | undefined {
  const after = textOf(fields, 'after')
  if (after !== undefined && !/^[0-9a-z]{1,100}$/i.test(after)) throw new QueryError('after: expected the "next" of a page.')
  return after
}

function readLimit (fields: Fields): number {
  const text = textOf(fields, 'limit')
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > MOST_PER_PAGE) throw new QueryError(`limit: expected a number from 1 to ${MOST_PER_PAGE}, got ${JSON.stringify(text)}.`)
  return limit
}

function textOf (fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || typeof value === 'string') return value
  throw new QueryError(`${name}: expected one text.`)
}

function refuseOthers (fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).find(name => !known.includes(name))
  if (unknown !== undefined) throw new QueryError(`${unknown}: unknown${didYouMean(unknown, known) || `; there is ${known.join(', ')}`}.`)
}

function isTexts (value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(text => typeof text === 'string')
}
