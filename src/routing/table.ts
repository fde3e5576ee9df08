/**
 * Which route a path takes: nginx's precedence, decided once per configuration.
 *
 *   1. `= /a`, exactly
 *   2. the 301 of nginx's auto_redirect: `/a` where only a forwarding `/a/` exists
 *   3. the longest prefix, if it is `^~`
 *   4. the first regular expression of the file that matches
 *   5. the longest prefix
 *
 * A table is immutable; a reload makes a new one. `match` allocates nothing.
 */
import type { RouteConfig } from '../config/config.ts'
import { escapePath } from './escape.ts'
import { parseLocation, type Location } from './location.ts'

export interface Route extends RouteConfig {
  readonly kind: Location['kind']
  /** Bytes of the path that `rewrite` takes the place of; 0 for a regular expression. */
  readonly prefixLength: number
  /** `rewrite` as bytes, one character each. */
  readonly rewriteBytes: string | null
}

export type RouteMatch =
  | { readonly kind: 'route', readonly route: Route }
  /** nginx's auto_redirect. `location`: the path to redirect to, escaped, without query. */
  | { readonly kind: 'redirect', readonly route: Route, readonly location: string }
  | { readonly kind: 'none' }

export interface RouteTable {
  /** In the order of the file. */
  readonly routes: readonly Route[]
  /** @param path - Normalised: see `normalise.ts`. */
  match (path: string): RouteMatch
}

interface Prefix {
  readonly path: string
  readonly stops: boolean
  readonly match: RouteMatch
}

interface Regex {
  readonly regex: RegExp
  readonly match: RouteMatch
}

const NONE: RouteMatch = { kind: 'none' }

/**
 * A table of `routes`.
 *
 * @throws SyntaxError for routes that nginx would refuse, too: a location that is none,
 *   is listed twice, or cannot have a `rewrite`. `config/` reports these with their place.
 */
export function createRouteTable (routes: readonly RouteConfig[]): RouteTable {
  const compiled = routes.map(config => {
    const location = parseLocation(config.location)
    if (location.kind === 'regex' && config.rewrite !== null) throw new SyntaxError(`"${config.location}" cannot have rewrite: a regular expression has no prefix to replace`)
    return { location, route: toRoute(config, location) }
  })
  checkUnique(compiled)
  const whole = new Map<string, RouteMatch>()
  const prefixes: Prefix[] = []
  const regexes: Regex[] = []
  for (const { location, route } of compiled) {
    const match: RouteMatch = { kind: 'route', route }
    if (location.kind === 'exact') whole.set(location.path, match)
    else if (location.kind === 'prefix') prefixes.push({ path: location.path, stops: location.stops, match })
    else regexes.push({ regex: location.regex, match })
  }
  prefixes.sort((a, b) => b.path.length - a.path.length)

  const names = new Set(prefixes.map(prefix => prefix.path))
  for (const { location, route } of compiled) {
    if (location.kind === 'regex' || route.upstream === null || !location.path.endsWith('/')) continue
    const short = location.path.slice(0, -1)
    if (short !== '' && !whole.has(short) && !names.has(short)) {
      whole.set(short, { kind: 'redirect', route, location: escapePath(location.path) })
    }
  }

  /** Looked at first: V8 enters every string that a Map is asked for into a table of its own. */
  const wholeLengths = new Set([...whole.keys()].map(path => path.length))
  return { routes: compiled.map(({ route }) => route), match }

  function match (path: string): RouteMatch {
    const exact = wholeLengths.has(path.length) ? whole.get(path) : undefined
    if (exact !== undefined) return exact

    const prefix = longestPrefix(path)
    if (prefix?.stops !== true) {
      for (const candidate of regexes) {
        if (candidate.regex.test(path)) return candidate.match
      }
    }
    return prefix === undefined ? NONE : prefix.match
  }

  function longestPrefix (path: string): Prefix | undefined {
    for (const candidate of prefixes) {
      if (path.startsWith(candidate.path)) return candidate
    }
    return undefined
  }
}

/** `/a` and `^~ /a` are the same location to nginx, `= /a` is another. */
function checkUnique (compiled: readonly { location: Location, route: Route }[]): void {
  const seen = new Set<string>()
  for (const { location, route } of compiled) {
    if (location.kind === 'regex') continue
    const name = `${location.kind} ${location.path}`
    if (seen.has(name)) throw new SyntaxError(`the location "${route.location}" is listed twice`)
    seen.add(name)
  }
}

function toRoute (config: RouteConfig, location: Location): Route {
  return {
    ...config,
    kind: location.kind,
    prefixLength: location.kind === 'regex' ? 0 : location.path.length,
    rewriteBytes: config.rewrite === null ? null : Buffer.from(config.rewrite, 'utf8').toString('latin1')
  }
}
