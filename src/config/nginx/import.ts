/**
 * nginx.conf in, router.yaml out. Read top to bottom: parse, put included files in place,
 * ask the table about each directive, map what is left, write the result. Every directive
 * ends as mapped, listed as without effect, or a fault; with a fault there is no result.
 */
import { fewer, type Fault } from '../fault.ts'
import { describe, openAccount, type Account, type Outcome } from './account.ts'
import { PLACEHOLDER } from './check-value.ts'
import { emitYaml, type Imported } from './emit.ts'
import { expandIncludes, type ReadInclude } from './include.ts'
import { mapMirror, type MirrorSettings } from './map-mirror.ts'
import { mapRoute, mapServerRoot, type RouteDraft } from './map-routes.ts'
import { checkPorts, findMirror, mapListeners, mergeRoutes } from './map-servers.ts'
import { mapClient, mapLog, mapRealIp, mapWorkers } from './map-settings.ts'
import { mapUpstream, readUpstreams, type FindUpstream, type UpstreamSettings } from './map-upstreams.ts'
import { parseNginx, withDescendants, type Directive } from './parser.ts'
import { buildScope, owned, type Scope } from './scope.ts'

export interface ImportOptions {
  /** Name of the file, for messages. */
  readonly file: string
  readonly readInclude: ReadInclude
}

export interface ImportResult {
  /** router.yaml, holding secrets; empty when there are faults. */
  readonly yaml: string
  /** What the reader should know about the result; none repeats a mapped path. */
  readonly notes: readonly string[]
  readonly faults: readonly Fault[]
  /** What became of each directive, in the order of the file. */
  readonly outcomes: readonly Outcome[]
}

/** Never throws, whatever the text. */
export function importNginx (text: string, { file, readInclude }: ImportOptions): ImportResult {
  const account = openAccount()
  const { directives, fault } = parseNginx(text, file)
  if (fault !== null) account.syntax(fault)
  const all = expandIncludes(directives, file, readInclude, account)
  // What is missing from a tree that could not be read whole is no fault of its own.
  const whole = account.faults.length === 0
  const top = buildScope(all, 'main', null, null, account)

  const imported = whole ? mapTop(top, file, account) : null
  const outcomes = settle(all, account)
  if (imported !== null && PLACEHOLDER.test(emitYaml(imported, []))) {
    account.note('Placeholders such as <endpoint> are still in the file; the router refuses to start until they are filled in.')
  }
  const faults = account.faults.toSorted((a, b) => byFile(a, b, file) || a.line - b.line || a.column - b.column)
  const yaml = imported === null || faults.length > 0 ? '' : emitYaml(imported, comments(file, outcomes, imported, account))
  return { yaml, notes: account.notes, faults: fewer(faults), outcomes }
}

/** The main file first, then the included ones by name. */
function byFile (a: Fault, b: Fault, main: string): number {
  if (a.file === b.file) return 0
  if (a.file === main || b.file === main) return a.file === main ? -1 : 1
  return a.file < b.file ? -1 : 1
}

function mapTop (top: Scope, file: string, account: Account): Imported | null {
  const missing = (what: string): null => {
    if (account.faults.length === 0) account.syntax({ file, line: 0, column: 0, message: what })
    return null
  }
  for (const scope of top.children) if (scope.node !== null) account.mapped(scope.node, 'its directives')
  const http = top.children.find(({ context }) => context === 'http')
  if (http === undefined) return missing('there is no http block; write one with a server in it')
  const servers = http.children.filter(({ context }) => context === 'server')
  if (servers.length === 0) return missing('there is no server block; write one in http')

  const find = readUpstreams(http, account)
  const drafts = servers.map(server => mapServer(server, find, account))
  const listeners = servers.map(server => mapListeners(server, account))
  checkPorts(listeners.flat(), account)
  const mirror = mapMirrors(drafts.flat(), find, account)
  const reached = drafts.flat().filter(({ internal }) => !internal).map(({ scope }) => scope)
  const scopes = reached.length === 0 ? servers : reached
  const settings = {
    client: mapClient(scopes, account),
    realIp: mapRealIp(scopes, account),
    log: mapLog(scopes, account),
    workers: mapWorkers(top, account)
  }
  const upstreams = mapUpstreams(drafts.flat(), account)
  if (account.faults.length > 0) return null
  if (upstreams.length === 0) return missing('no location has a proxy_pass; write one')

  const merged = mergeRoutes(drafts, account)
  if (merged === null) return null
  noteListeners(listeners.flat().map(({ host }) => host), account)
  return {
    ...settings,
    listeners: listeners.flatMap((list, i) => list.map(listener => ({ ...listener, ui: merged.ui[i] ?? '' }))),
    upstreams,
    routes: merged.routes,
    mirror
  }
}

function mapServer (server: Scope, find: FindUpstream, account: Account): RouteDraft[] {
  if (server.node !== null) account.mapped(server.node, 'listeners and routes')
  const locations = server.children.filter(({ context }) => context === 'location')
  // nginx copies no request twice: what takes copies is not mirrored itself.
  const mirrors = new Map(locations.map(scope => [scope, owned(scope, 'internal').length > 0 ? null : findMirror(scope, server, account)]))
  const takers = new Set(mirrors.values())
  const drafts = locations.flatMap(scope => {
    for (const nested of scope.children) mapRoute(nested, { mirror: null, takesCopies: false }, find, account)
    return mapRoute(scope, { mirror: mirrors.get(scope) ?? null, takesCopies: takers.has(scope) }, find, account) ?? []
  })
  const lines = new Map<string, number>()
  for (const { location, scope } of drafts) {
    // nginx holds both kinds of prefix in one tree.
    const key = location.replace(/^\^~ /, '')
    const other = lines.get(key)
    if (other === undefined) lines.set(key, scope.node?.line ?? 0)
    else if (scope.node !== null) account.fault(scope.node, `location ${location} stands here twice; keep one (the other is in line ${other})`)
  }
  const root = locations.some(({ node }) => node?.args[0] === '/' || node?.args.join(' ') === '^~ /') ? null : mapServerRoot(server, account)
  return root === null ? drafts : [...drafts, root]
}

/** All copies go to one endpoint; every server's mirror must be the same. */
function mapMirrors (drafts: readonly RouteDraft[], find: FindUpstream, account: Account): MirrorSettings | null {
  let first: MirrorSettings | null = null
  for (const scope of new Set(drafts.flatMap(({ mirror }) => mirror ?? []))) {
    const settings = mapMirror(scope, find, account)
    if (settings === null) continue
    first ??= settings
    if (asText(settings) !== asText(first) && scope.node !== null) account.fault(scope.node, 'this mirror is not the same as the one before it; there is one endpoint, so make them equal')
  }
  return first
}

function asText (settings: MirrorSettings): string {
  return JSON.stringify({ ...settings, projects: [...settings.projects] })
}

function mapUpstreams (drafts: readonly RouteDraft[], account: Account): UpstreamSettings[] {
  const used = new Set(drafts.flatMap(({ upstream }) => upstream ?? []))
  return [...used].map(block => mapUpstream(block, drafts.filter(({ upstream }) => upstream === block).map(({ scope }) => scope), account))
}

function noteListeners (hosts: readonly string[], account: Account): void {
  if (hosts.includes('::')) account.note('host "::" answers IPv4 as well as IPv6.')
}

/** Whatever nobody has spoken for has no effect, and is listed. */
function settle (directives: readonly Directive[], account: Account): Outcome[] {
  return directives.flatMap(withDescendants).flatMap(directive => {
    if (account.outcome(directive) === undefined) account.none(directive, 'nothing that is carried over uses it')
    return account.outcome(directive) ?? []
  })
}

function comments (file: string, outcomes: readonly Outcome[], imported: Imported, account: Account): string[] {
  const lines = [`Imported from ${printable(file)} by mirror-router import-nginx.`]
  if (imported.mirror !== null) {
    lines.push('', 'The paths under mirror are secrets: whoever knows one can write to that service. Keep this file private.')
    if (imported.mirror.projects.size > 0) lines.push('Lines of the map have become projects: every path of /api/<project>/ goes to the service of its project.')
  }
  for (const note of account.notes) lines.push('', printable(note))
  const none = outcomes.filter(({ kind }) => kind === 'none')
  // A block that is listed says enough for what stands in it.
  const inside = new Set(none.flatMap(({ directive }) => withDescendants(directive).slice(1)))
  const idle = none.filter(({ directive }) => !inside.has(directive))
  if (idle.length > 0) lines.push('', 'Directives without effect here:')
  for (const { directive, detail } of idle) {
    const place = directive.file === file ? `line ${directive.line}` : `${printable(directive.file)}:${directive.line}`
    lines.push(`  ${place}: ${describe(directive)} (${detail})`)
  }
  lines.push('')
  return lines
}

function printable (text: string): string {
  return text.replaceAll(/[^\x20-\x7e\xa1-\u02ff\u0370-\u1fff\u3000-\ud7ff]/g, '?')
}
