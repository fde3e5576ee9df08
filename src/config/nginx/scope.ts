/**
 * Walks the tree of directives, asks the table about each, and builds the scopes that
 * directives are inherited through: http, server, location, and upstream beside them.
 */
import { didYouMean } from '../suggest.ts'
import { describe, type Account } from './account.ts'
import { FAMILIES, RULES, type Context, type Rule } from './directives.ts'
import type { Directive } from './parser.ts'

export interface Scope {
  readonly context: Context
  /** The block's own directive; `null` for the file itself. */
  readonly node: Directive | null
  readonly parent: Scope | null
  /** Directives of this block, by name, in order. Only those the table lets in. */
  readonly own: ReadonlyMap<string, readonly Directive[]>
  readonly children: readonly Scope[]
}

const KNOWN = [...new Set(RULES.map(rule => rule.name))]
/** In a file that is no nginx.conf every word is unknown, and looking for each takes its time. */
const MOST_SUGGESTIONS = 200
const SCOPES: ReadonlySet<string> = new Set(['events', 'http', 'server', 'location', 'upstream'])

/** Settles what the table alone can settle; the rest is left to the mapping. */
export function buildScope (directives: readonly Directive[], context: Context, node: Directive | null, parent: Scope | null, account: Account): Scope {
  const own = new Map<string, Directive[]>()
  const children: Scope[] = []
  const scope: Scope = { context, node, parent, own, children }
  for (const directive of directives) {
    if (account.outcome(directive) !== undefined) continue
    const rule = judge(directive, context, own, account)
    if (rule === null) continue
    const same = own.get(directive.name)
    if (same === undefined) own.set(directive.name, [directive])
    else same.push(directive)
    if (directive.block !== null && SCOPES.has(directive.name)) {
      children.push(buildScope(directive.block, directive.name as Context, directive, scope, account))
    }
  }
  return scope
}

/** @returns `null` when the directive is settled: refused, or without effect. */
function judge (directive: Directive, context: Context, own: ReadonlyMap<string, readonly Directive[]>, account: Account): Rule | null {
  const { name, args } = directive
  const rules = RULES.filter(rule => rule.name === name)
  const rule = rules.find(({ where }) => where.includes(context))
  if (rule === undefined) {
    account.fault(directive, rules.length > 0 ? misplaced(name, rules, context) : unknown(name, account.faults.length < MOST_SUGGESTIONS))
    return null
  }

  if (rule.fate.kind === 'refused') {
    account.fault(directive, `"${name}" is not carried over; ${rule.fate.instead}`)
    return null
  }
  if (rule.block !== (directive.block !== null)) {
    account.fault(directive, rule.block ? `"${name}" has no block; open it with "{"` : `"${name}" takes no block; end it with ";"`)
    return null
  }
  const swallowed = directive.places.findIndex((place, i) => i > 0 && place.line > (directive.places[i - 1]?.line ?? 0) && KNOWN.includes(args[i] ?? ''))
  if (swallowed > 0 && name !== 'log_format') {
    account.fault(directive, `"${name}" goes on to the next line; end it with ";" before "${args[swallowed] ?? ''}"`, directive.places[swallowed - 1])
    return null
  }
  if (args.length < rule.min || args.length > rule.max) {
    const expected = rule.min === rule.max ? `${rule.min}` : `${rule.min} to ${rule.max}`
    account.fault(directive, `"${name}" has ${args.length} argument${args.length === 1 ? '' : 's'}; it takes ${expected}`)
    return null
  }
  const before = own.get(name)?.[0]
  if (before !== undefined && !rule.many) {
    account.fault(directive, `"${name}" stands here twice; keep one (the other is in line ${before.line})`)
    return null
  }
  if (rule.fate.kind === 'mapped') return rule

  const problem = rule.fate.accepts?.(args) ?? null
  if (problem !== null) {
    account.fault(directive, `"${describe(directive)}" is not carried over: ${problem}`)
    return null
  }
  account.none(directive, rule.fate.why)
  // Kept in the scope: a second one is still a mistake, and some say who they inherit from.
  return rule
}

function misplaced (name: string, rules: readonly Rule[], context: Context): string {
  const where = [...new Set(rules.flatMap(rule => rule.where))].map(place => place === 'main' ? 'the top of the file' : place)
  const here = context === 'main' ? 'at the top of the file' : `in ${context}`
  return `"${name}" is not allowed ${here}; it belongs in ${where.join(', ')}`
}

/** @param suggest - Whether to look for the directive that was meant. */
function unknown (name: string, suggest: boolean): string {
  const family = FAMILIES.find(({ prefix }) => name.startsWith(prefix))
  if (family !== undefined) return `"${name}" is not carried over; ${family.instead}`
  return `"${name}" is not a directive this import knows${(suggest ? didYouMean(name, KNOWN) : '') || '; take it out, or do its work in front of the router'}`
}

/** The directives of that name that hold in a scope: its own, or those of the nearest scope around it that has any. */
export function effective (scope: Scope, name: string): readonly Directive[] {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const found = at.own.get(name)
    if (found !== undefined) return found
  }
  return []
}

/** The directives of that name in this very block. */
export function owned (scope: Scope, name: string): readonly Directive[] {
  return scope.own.get(name) ?? []
}
