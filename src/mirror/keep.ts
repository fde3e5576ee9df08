/**
 * Is this request copied, and when may the client be answered? Runs on the hot path,
 * once per request on a route with `mirror: true`: nothing here waits, throws, or
 * touches the body.
 */
import type { MirrorConfig } from '../config/config.ts'
import { fieldLines, isNamed, type RequestHead } from '../http1/message.ts'
import { isForwardedFor, isReplaced } from '../proxy/headers.ts'
import type { KeepCopy } from '../proxy/ports.ts'
import type { Spool } from '../spool/types.ts'
import type { MirrorObserver, SkipReason } from './observer.ts'

/** The part of the mirror's configuration that decides whether a request is copied. */
export type CopyRules = Pick<MirrorConfig, 'default' | 'projects' | 'endpoints' | 'methods'>

export type CopyDecision =
  | { readonly kind: 'copy', readonly project: string, readonly mappedPath: string }
  | { readonly kind: 'skip', readonly project: string, readonly reason: SkipReason }

/** Label of every project that is not listed under `mirror.projects`. */
export const DEFAULT_PROJECT = 'default'

const API = '/api/'
/** Copies of one transaction that came within it share a timer. */
const TOGETHER_MS = 2

/**
 * Whether a request is copied, and to which service. Decided by the request alone.
 *
 * @param method - As received; methods are case-sensitive.
 * @param path - The normalised path: `/api/<project>/<endpoint>/…`. One of another
 *   form belongs to no project, and so to the default.
 */
export function decideCopy (rules: CopyRules, method: string, path: string): CopyDecision {
  let id = ''
  let endpoint = ''
  if (path.startsWith(API)) {
    const idEnd = slashOrEnd(path, API.length)
    id = path.substring(API.length, idEnd)
    endpoint = path.substring(idEnd + 1, slashOrEnd(path, idEnd + 1))
  }

  const listed = rules.projects.get(id)
  const project = listed === undefined ? DEFAULT_PROJECT : id
  const mappedPath = listed === undefined ? rules.default : listed
  if (mappedPath === null) return { kind: 'skip', project, reason: 'off' }
  if (rules.methods !== 'all' && !rules.methods.includes(method)) return { kind: 'skip', project, reason: 'method' }
  if (rules.endpoints !== 'all' && !rules.endpoints.includes(endpoint)) return { kind: 'skip', project, reason: 'endpoint' }
  return { kind: 'copy', project, mappedPath }
}

function slashOrEnd (path: string, from: number): number {
  const slash = path.indexOf('/', from)
  return slash === -1 ? path.length : slash
}

export interface CopyFieldOptions {
  /** Lower case. */
  readonly dropHeaders: readonly string[]
  /** After real_ip. */
  readonly clientAddress: string
  readonly requestId: string
}

/**
 * The header lines of a copy, without `Host` and `Content-Length`, which delivery adds:
 * three of ours, then the client's in their order, case and number, less the
 * hop-by-hop ones nginx drops (those *named in* Connection stay, as with nginx).
 *
 * `X-Forwarded-For` is the client's own lines and its address behind them
 * (nginx: $proxy_add_x_forwarded_for).
 */
export function copyFields (head: RequestHead, options: CopyFieldOptions): string {
  const { dropHeaders, clientAddress, requestId } = options
  const { headers } = head
  let forwardedFor = ''
  for (let i = 0; i < headers.length; i += 2) {
    if (isForwardedFor(headers[i] as string)) forwardedFor += headers[i + 1] + ', '
  }
  const theirs = fieldLines(head, name => !isReplaced(name) && !isForwardedFor(name) && !isDropped(name, dropHeaders))

  const id = dropHeaders.includes('x-request-id') ? '' : `X-Request-Id: ${requestId}\r\n`
  const protocol = dropHeaders.includes('x-forwarded-proto') ? '' : 'X-Forwarded-Proto: http\r\n'
  const address = dropHeaders.includes('x-forwarded-for') ? '' : `X-Forwarded-For: ${forwardedFor}${clientAddress}\r\n`
  return id + protocol + address + theirs
}

function isDropped (name: string, dropHeaders: readonly string[]): boolean {
  for (const dropped of dropHeaders) {
    if (isNamed(name, dropped)) return true
  }
  return false
}

export interface KeepCopyOptions {
  readonly mirror: CopyRules & Pick<MirrorConfig, 'dropHeaders'>
  readonly spool: Pick<Spool, 'append'>
  readonly observer: MirrorObserver
  /** Longest the client's answer waits for a copy to be durable. */
  readonly commitTimeoutMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export function createKeepCopy (options: KeepCopyOptions): KeepCopy {
  const { mirror, spool, observer, commitTimeoutMs, now } = options
  const wait = createWait(commitTimeoutMs, observer, now)

  return source => {
    const { head, body } = source
    const decision = decideCopy(mirror, head.method, source.path)
    if (decision.kind === 'skip') {
      observer.skipped(decision.project, decision.reason)
      return null
    }

    observer.accepted(decision.project)
    try {
      const durable = spool.append({
        id: source.requestId,
        project: decision.project,
        takenAt: now(),
        method: head.method,
        target: decision.mappedPath + head.target,
        fields: copyFields(head, { dropHeaders: mirror.dropHeaders, clientAddress: source.clientAddress, requestId: source.requestId }),
        framed: head.framing !== 'none',
        body
      })
      return durable === null ? null : wait(durable)
    } catch {
      // A spool that throws is broken; the client must not notice.
      observer.dropped(decision.project, 'spool_error')
      return null
    }
  }
}

/**
 * Waits for what is durable, but no longer than `timeoutMs`. Copies of one transaction
 * have one promise; those that came close together wait together.
 */
function createWait (timeoutMs: number, observer: MirrorObserver, now: () => number): (durable: Promise<void>) => Promise<void> {
  let last: Promise<void> | null = null
  let since = 0
  let waiting = Promise.resolve()
  let count = { answers: 0 }

  function wait (durable: Promise<void>, waiters: { answers: number }): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        for (; waiters.answers > 0; waiters.answers--) observer.lateCommit()
        resolve()
      }, timeoutMs)
      const settle = (): void => {
        clearTimeout(timer)
        resolve()
      }
      // The spool counts what it could not write; the client is answered all the same.
      durable.then(settle, settle)
    })
  }

  return durable => {
    const time = now()
    if (durable !== last || time - since > Math.min(TOGETHER_MS, timeoutMs / 2)) {
      last = durable
      since = time
      count = { answers: 0 }
      waiting = wait(durable, count)
    }
    count.answers++
    return waiting
  }
}
