/** What `spool` is asked to do. Everything that makes no sense is refused before anything is read or removed. */
import type { Query } from '../admin/dead-letter-desk.ts'
import { isId } from '../admin/dead-letter-query.ts'
import { didYouMean } from '../config/suggest.ts'
import { parseDuration } from '../config/units.ts'
import { CONFIG_OPTION, readArguments, UsageError, type Arguments } from './command.ts'

export const SPOOL_VERBS = ['ls', 'show', 'replay', 'purge'] as const
const DEFAULT_LIMIT = 100

export const SPOOL_OPTIONS = {
  project: { type: 'string', value: 'ID', description: 'Those of this project: an id listed under mirror.projects, or default.' },
  reason: { type: 'string', value: 'R', description: 'Those given up for this: a status such as 400, expired, body_lost or corrupt.' },
  'older-than': { type: 'string', value: 'AGE', description: 'Those given up longer ago than this, such as 1h; with --pending, those taken longer ago.' },
  all: { type: 'boolean', description: 'Replay or purge every dead letter.' },
  pending: { type: 'boolean', description: 'List the backlog: copies that wait for an attempt.' },
  limit: { type: 'string', value: 'N', description: `List at most so many. Default: ${DEFAULT_LIMIT}.` },
  json: { type: 'boolean', description: 'Print JSON.' },
  ...CONFIG_OPTION
} as const

export interface SpoolArguments {
  readonly verb: typeof SPOOL_VERBS[number]
  /** Without repetitions. */
  readonly ids: readonly string[]
  readonly query: Query
  readonly limit: number
  readonly pending: boolean
  readonly json: boolean
  readonly config: string | undefined
}

type Values = Arguments<typeof SPOOL_OPTIONS>['values']

/** @throws {UsageError} */
export function readSpoolArguments (args: readonly string[]): SpoolArguments {
  const { values, positionals: [word = '', ...ids] } = readArguments(args, SPOOL_OPTIONS, ['ls|show|replay|purge', 'ID…'])
  const verb = SPOOL_VERBS.find(name => name === word)
  if (verb === undefined) throw new UsageError(`${word}: there is ls, show, replay and purge${didYouMean(word, SPOOL_VERBS)}`)
  const wrong = ids.find(id => !isId(id))
  if (wrong !== undefined) throw new UsageError(`${wrong}: not an id; an id has 32 hexadecimal digits, as spool ls prints it`)
  const query = readQuery(values)
  refuseNonsense(verb, ids, values, Object.keys(query).length > 0)
  return {
    verb,
    ids: [...new Set(ids.map(id => id.toLowerCase()))],
    query,
    limit: readLimit(values),
    pending: values.pending === true,
    json: values.json === true,
    config: values.config
  }
}

function refuseNonsense (verb: SpoolArguments['verb'], ids: readonly string[], values: Values, filtered: boolean): void {
  if (verb === 'ls' && ids.length > 0) throw new UsageError('ls takes no ids; show tells about them')
  if (verb === 'show' && ids.length === 0) throw new UsageError('ID is missing')
  if (verb === 'show' && filtered) throw new UsageError('show takes ids; ls lists those that match')
  if (verb !== 'ls' && (values.pending !== undefined || values.limit !== undefined)) throw new UsageError(`${values.pending === undefined ? '--limit' : '--pending'}: only with ls`)
  if ((verb === 'ls' || verb === 'show') && values.all !== undefined) throw new UsageError('--all: only with replay and purge')
  if (values.pending === true && values.reason !== undefined) throw new UsageError('--reason: a copy that waits has none')
  if (verb === 'replay' || verb === 'purge') {
    const ways = [ids.length > 0, filtered, values.all === true].filter(Boolean).length
    if (ways === 0) throw new UsageError(`say what to ${verb}: ids, --project, --reason, --older-than or --all`)
    if (ways > 1) throw new UsageError(`say what to ${verb} in one way: ids, or --project, --reason and --older-than, or --all`)
  }
}

function readQuery ({ project, reason, 'older-than': age }: Values): Query {
  const olderThanMs = age === undefined ? undefined : parseDuration(age)
  if (olderThanMs === null) throw new UsageError(`--older-than ${age}: expected a time such as 1h`)
  return { ...project !== undefined && { project }, ...reason !== undefined && { reason }, ...olderThanMs !== undefined && { olderThanMs } }
}

function readLimit ({ limit: text }: Values): number {
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit === 0) throw new UsageError(`--limit ${text}: expected a number above 0`)
  return limit
}
