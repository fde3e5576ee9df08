/** One location becomes one route. */
import { parseLocation as compileLocation } from '../../routing/location.ts'
import { filePath, headerName, headerValue, location as locationType, rewritePath, sentHeaderName } from '../schema/http.ts'
import { describe, type Account } from './account.ts'
import { checkValue } from './check-value.ts'
import { mapContentTypes } from './content-types.ts'
import { plainVariables } from './map-mirror.ts'
import type { FindUpstream, UpstreamBlock } from './map-upstreams.ts'
import type { Directive } from './parser.ts'
import { effective, owned, type Scope } from './scope.ts'
import { formatLocation, parseLocation, type Location } from './values.ts'

export interface RouteDraft {
  readonly scope: Scope
  /** As router.yaml writes it. */
  readonly location: string
  readonly upstream: UpstreamBlock | null
  readonly rewrite: string | null
  readonly hideHeaders: readonly string[]
  readonly root: string | null
  readonly symlinks: 'inside' | 'any'
  readonly addHeaders: readonly (readonly [name: string, value: string])[]
  readonly types: Readonly<Record<string, string>>
  readonly internal: boolean
  /** The location that takes the copies. */
  readonly mirror: Scope | null
}

const NOTHING = { upstream: null, rewrite: null, hideHeaders: [], root: null, symlinks: 'inside', addHeaders: [], types: {}, internal: false, mirror: null } as const

export interface Copying {
  /** The location that takes the copies of this one's requests. */
  readonly mirror: Scope | null
  /** Whether this location is such a one itself. */
  readonly takesCopies: boolean
}

/** @returns `null` after a fault. */
export function mapRoute (scope: Scope, { mirror, takesCopies }: Copying, find: FindUpstream, account: Account): RouteDraft | null {
  const { node } = scope
  if (node === null) return null
  account.mapped(node, 'routes')
  const location = readLocation(scope, node, account)
  if (location === null) return null
  const base = { ...NOTHING, scope, location: formatLocation(location) }

  const [internal] = owned(scope, 'internal')
  if (internal !== undefined) account.mapped(internal, 'routes[].internal')
  if (internal !== undefined || takesCopies) return { ...base, internal: true }

  const [pass] = owned(scope, 'proxy_pass')
  if (pass !== undefined) {
    const target = readPass(pass, location, find, account)
    checkSentHeaders(scope, account)
    for (const directive of effective(scope, 'add_header')) {
      account.fault(directive, `"${describe(directive)}" is not carried over; the router adds headers to files it serves, and passes on those of upstreams as they are`)
    }
    return { ...base, ...target, hideHeaders: readNames(effective(scope, 'proxy_hide_header'), account), mirror }
  }

  const [root] = effective(scope, 'root')
  if (root === undefined) {
    if (!account.isFaulty(node)) account.fault(node, 'the location has neither proxy_pass nor root; write one of them')
    return null
  }
  if (mirror !== null) account.fault(effective(scope, 'mirror')[0] ?? node, 'requests for files are not copied; write "mirror off;" in this location')
  return { ...base, ...readFiles(scope, root, account) }
}

/** The route of a server that has a root and no `location /`: nginx serves files for every other path. */
export function mapServerRoot (server: Scope, account: Account): RouteDraft | null {
  const [root] = effective(server, 'root')
  if (root === undefined) {
    account.note('A path no location matches is answered 404; nginx would look for it in the folder it was compiled with.')
    return null
  }
  return { ...NOTHING, scope: server, location: '/', ...readFiles(server, root, account) }
}

function readFiles (scope: Scope, root: Directive, account: Account): Pick<RouteDraft, 'root' | 'symlinks' | 'addHeaders' | 'types'> {
  return { root: readRoot(root, account), symlinks: readSymlinks(scope, account), addHeaders: readAddHeaders(scope, account), types: mapContentTypes(scope, account) }
}

function readLocation (scope: Scope, node: Directive, account: Account): Location | null {
  const location = parseLocation(node.args)
  if (location === null) {
    account.fault(node, `"${node.args[0] ?? ''}" is no location modifier; write =, ^~, ~ or ~*`)
    return null
  }
  if (scope.parent?.context === 'location') {
    account.fault(node, 'a location inside a location is not carried over; write it beside the other one')
    return null
  }
  if (location.pattern.startsWith('@') && location.modifier === '') {
    account.fault(node, 'a named location is not carried over; nothing in the router goes to one')
    return null
  }
  checkValue(node, locationType, formatLocation(location), account)
  const problem = location.modifier.startsWith('~') ? compileProblem(formatLocation(location)) : null
  if (problem !== null) account.fault(node, `location ${describe(node).slice('location '.length)} is not carried over: ${problem}; write it otherwise`)
  return location
}

/** What keeps the router from compiling it; `null`: nothing. */
function compileProblem (location: string): string | null {
  try {
    compileLocation(location)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const PASS = /^(https?):\/\/([^/$?#]+)(\/[^$?#]*)?$/i

function readPass (pass: Directive, location: Location, find: FindUpstream, account: Account): { upstream: UpstreamBlock | null, rewrite: string | null } {
  const [, scheme = '', authority = '', rewrite] = PASS.exec(pass.args[0] ?? '') ?? []
  account.mapped(pass, rewrite === undefined ? 'routes[].upstream' : 'routes[].upstream and routes[].rewrite')
  const upstream = authority === '' ? null : find(authority)
  if (scheme.toLowerCase() === 'https') account.fault(pass, 'upstreams are reached over http; write proxy_pass http://…')
  else if (upstream === null) account.fault(pass, `"${describe(pass)}" is not carried over; write http://UPSTREAM, or http://UPSTREAM/PATH/, without variables (only the location of a mirror has them)`)
  else if (rewrite !== undefined) checkValue(pass, rewritePath, rewrite, account)
  if (rewrite !== undefined && location.modifier.startsWith('~')) account.fault(pass, 'proxy_pass has no path where the location is a regular expression; take the path out')
  return { upstream, rewrite: rewrite ?? null }
}

// The document's headers, which the router sends to every upstream.
const SENT: Readonly<Record<string, string>> = {
  connection: '', host: '$host', 'x-forwarded-for': '$remote_addr', 'x-forwarded-proto': '$scheme', 'x-request-id': '$request_id'
}

function checkSentHeaders (scope: Scope, account: Account): void {
  const missing = new Set(Object.keys(SENT))
  for (const directive of effective(scope, 'proxy_set_header')) {
    const [name = '', value = ''] = directive.args
    const sent = Object.hasOwn(SENT, name.toLowerCase()) ? SENT[name.toLowerCase()] : undefined
    missing.delete(name.toLowerCase())
    account.mapped(directive, 'what the router always sends')
    if (sent === undefined) account.fault(directive, `"${name}" is not carried over; the router sets Host, X-Forwarded-For, X-Forwarded-Proto and X-Request-Id: take it out, or set it in front of the router`)
    else if (sent !== plainVariables(value)) account.fault(directive, `"${describe(directive)}" is not carried over; the router sends ${name} as ${sent === '' ? '""' : sent}: write that`)
  }
  if (missing.size > 0) account.note(`Where proxy_set_header does not set ${[...missing].join(', ')}, nginx sends values of its own; the router always sends those of the document.`)
}

function readNames (directives: readonly Directive[], account: Account): string[] {
  return directives.map(directive => {
    const name = directive.args[0] ?? ''
    account.mapped(directive, 'routes[].hide_headers')
    checkValue(directive, headerName, name, account)
    return name
  })
}

/** nginx follows every link where the directive is absent, and nobody decided that: only who wrote it meant it. */
function readSymlinks (scope: Scope, account: Account): 'inside' | 'any' {
  const [directive] = effective(scope, 'disable_symlinks')
  if (directive === undefined) return 'inside'
  account.mapped(directive, 'routes[].symlinks')
  if (directive.args.join(' ') === 'off') return 'any'
  account.fault(directive, `"${describe(directive)}" is not carried over; the router follows links that stay in the root, so take it out, or write "off" for those that leave it`)
  return 'inside'
}

function readRoot (root: Directive, account: Account): string {
  const path = root.args[0] ?? ''
  account.mapped(root, 'routes[].root')
  if (!path.startsWith('/') || path.includes('$')) account.fault(root, `"${describe(root)}" is not carried over; write the whole path of the folder, without variables`)
  else checkValue(root, filePath, path, account)
  return path.replace(/(?<=.)\/+$/, '')
}

function readAddHeaders (scope: Scope, account: Account): (readonly [string, string])[] {
  const seen = new Set<string>()
  return effective(scope, 'add_header').flatMap(directive => {
    const [name = '', value = '', always] = directive.args
    account.mapped(directive, 'routes[].add_headers')
    checkValue(directive, sentHeaderName, name, account)
    if (seen.has(name.toLowerCase())) account.fault(directive, `"${describe(directive)}" is not carried over; a header is added once: take one of them out`)
    seen.add(name.toLowerCase())
    if (always !== undefined) account.fault(directive, `"${describe(directive)}" is not carried over; headers are added to 200, 206, 301, 304 and 416 only: take "${always}" out`)
    else if (value.includes('$')) account.fault(directive, `"${describe(directive)}" is not carried over; write a value without variables`)
    else if (value !== '') checkValue(directive, headerValue, value, account)
    // nginx adds nothing where the value is empty.
    return value === '' ? [] : [[name, value] as const]
  })
}
