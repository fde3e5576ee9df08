/** A map of `$request_uri` by project: becomes mirror.default and mirror.projects. */
import { mappedPath, projectId } from '../schema/http.ts'
import type { Account } from './account.ts'
import { checkValue } from './check-value.ts'
import type { Directive } from './parser.ts'
import { owned, type Scope } from './scope.ts'

/** Secrets; `null`: nothing is copied. */
export interface MirrorPaths {
  readonly default: string | null
  readonly projects: ReadonlyMap<string, string | null>
}

const NO_PATHS: MirrorPaths = { default: null, projects: new Map() }

// `~^/api/7/`, `~^/api/7/envelope/`, and `~^/api/(1|2)/…` for several.
const PROJECT_KEY = /^~\*?\^\/api\/(?:([1-9]\d*)|\((?:\?:)?([1-9]\d*(?:\|[1-9]\d*)*)\))\/(?:envelope\/?)?$/

/**
 * @param variable without its `$`.
 * @param pass the proxy_pass that uses it.
 */
export function readProjects (variable: string, pass: Directive, scope: Scope, account: Account): MirrorPaths {
  const maps = mapsAround(scope)
  const map = maps.find(({ args }) => args[1] === `$${variable}`)
  if (map === undefined) {
    account.fault(pass, `no map sets $${variable}; write "map $request_uri $${variable} { … }" in http`)
    return NO_PATHS
  }
  if (maps.filter(({ args }) => args[1] === `$${variable}`).length > 1) account.fault(map, `more than one map sets $${variable}; keep one`)
  account.mapped(map, 'mirror.default and mirror.projects')
  if (map.args[0] !== '$request_uri' && map.args[0] !== '${request_uri}') {
    account.fault(map, `copies are mapped by project only; map $request_uri instead of ${map.args[0] ?? ''}`)
    return NO_PATHS
  }

  let fallback: string | null = null
  let defaults = 0
  const projects = new Map<string, string | null>()
  for (const entry of map.block ?? []) {
    if (entry.name === 'include') continue
    if (entry.name === 'volatile' && entry.args.length === 0) {
      account.none(entry, 'every copy is mapped anew')
      continue
    }
    const path = readPath(entry, account)
    if (path === undefined) continue
    if (entry.name === 'default') {
      if (defaults++ > 0) account.fault(entry, 'the map has two defaults; keep one')
      account.mapped(entry, 'mirror.default')
      fallback = path
      continue
    }
    const match = PROJECT_KEY.exec(entry.name.replaceAll('\\/', '/'))
    if (match === null) {
      account.fault(entry, 'copies are mapped by project only; write a key such as "~^/api/1/envelope/"')
      continue
    }
    account.mapped(entry, 'mirror.projects')
    for (const id of (match[1] ?? match[2] ?? '').split('|')) {
      checkValue(entry, projectId, id, account)
      // nginx tries the regular expressions in order; the first that matches wins.
      if (projects.has(id) && projects.get(id) !== path) account.fault(entry, `project ${id} is mapped twice, and differently; keep one line`)
      else projects.set(id, path)
    }
  }
  if (fallback === null) account.note('The map has no default path: copies of projects it does not list would reach the endpoint without one. mirror.default is off, so they are not made.')
  return { default: fallback, projects }
}

/** @returns `null` for an empty path, `undefined` after a fault. */
function readPath (entry: Directive, account: Account): string | null | undefined {
  const [path] = entry.args
  if (path === undefined || entry.args.length > 1 || entry.block !== null) {
    account.fault(entry, entry.name === 'hostnames' ? '"hostnames" is not carried over; copies are mapped by project only' : 'a line of the map is a key and a path; write them, and ";" after them')
    return undefined
  }
  if (path === '') return null
  if (path.startsWith('/') && !path.includes('$')) {
    checkValue(entry, mappedPath, path, account)
    return path
  }
  account.fault(entry, 'the path a project is mapped to begins with "/" and holds no variables; write one such as /rum/sentry/WORKSPACE/SERVICE')
  return undefined
}

function mapsAround (scope: Scope): readonly Directive[] {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (at.context === 'http') return owned(at, 'map')
  }
  return []
}
