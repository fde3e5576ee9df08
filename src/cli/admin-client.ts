/**
 * How commands talk to a running router: over the admin listener of the configuration
 * they load, with its token. Whatever goes wrong is a sentence that says what to do.
 */
import type { AdminConfig } from '../config/config.ts'
import { CommandError } from './command.ts'

/** How long the router may take to begin its answer. */
const TIMEOUT_MS = 60_000
const ANY_ADDRESS = ['::', '0.0.0.0', '[::]', '']

export interface AdminRequest extends Omit<RequestInit, 'headers' | 'signal'> {
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds until the answer is complete; a minute when it is not said. `null`: however long it takes. */
  readonly timeoutMs?: number | null
  /** Ends the request, as a time that is over does. */
  readonly signal?: AbortSignal
}

/** Origin of the admin listener; `null` when its port is any free one, and so known to nobody else. */
export function adminOrigin ({ host, port }: Pick<AdminConfig, 'host' | 'port'>): string | null {
  if (port === 0) return null
  // A listener on `::` takes IPv4 too, and machines without IPv6 have no ::1.
  const name = ANY_ADDRESS.includes(host) ? '127.0.0.1' : host
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`
}

/**
 * Asks the running router.
 *
 * @param path - With its query, such as `/dead-letters?limit=1`.
 * @returns Whatever it answers, errors included; except 401, which is thrown.
 * @throws {CommandError} When it cannot be asked, or wants another token.
 */
export async function adminFetch (admin: AdminConfig, path: string, { timeoutMs = TIMEOUT_MS, signal, ...init }: AdminRequest = {}): Promise<Response> {
  const origin = adminOrigin(admin)
  if (origin === null) throw new CommandError('admin.port is 0, so a running router cannot be found; give admin.port a number and start it again.')
  const signals = [...signal === undefined ? [] : [signal], ...timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)]]
  const headers = { ...init.headers, ...admin.token !== null && { authorization: `Bearer ${admin.token}` } }
  const response = await fetch(origin + path, { ...init, headers, signal: AbortSignal.any(signals) })
    .catch((error: unknown) => { throw new CommandError(unreachable(origin, whyFetchFailed(error)), { cause: error }) })
  if (response.status === 401) throw new CommandError(`The router at ${origin} wants ${admin.token === null ? 'a token; give this command the configuration that the router runs with, admin.token included' : 'another token; give this command the admin.token that the router runs with, from the same environment'}.`)
  return response
}

/**
 * As `adminFetch`, for answers in JSON.
 *
 * @throws {CommandError} When the answer is an error: with what it says.
 */
export async function adminJson (admin: AdminConfig, path: string, request: AdminRequest = {}): Promise<unknown> {
  const response = await adminFetch(admin, path, request)
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok && answer !== null) return answer
  throw new CommandError(refusal(admin, response, answer))
}

/** What to say of an answer that is an error. @param answer - Its JSON; `null` when it has none. */
export function refusal (admin: AdminConfig, response: Response, answer: unknown): string {
  const said = typeof answer === 'object' && answer !== null && 'message' in answer && typeof answer.message === 'string' ? `: ${answer.message}` : ''
  const hint = response.status === 404 && said === '' ? '; is it a router of this version? admin.host and admin.port say where its admin listener is' : ''
  return `The router at ${adminOrigin(admin) ?? 'an unknown port'} answered ${response.status}${said}${hint}`
}

/** `fetch` says it in the cause of its error, or in the cause of that. */
export function whyFetchFailed (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'timeout'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? error.message : whyFetchFailed(error.cause)
}

function unreachable (origin: string, why: string): string {
  switch (why) {
    case 'ECONNREFUSED': return `No router listens at ${origin}. Start it, or name the configuration it runs with: --config FILE.`
    case 'timeout': return `The router at ${origin} did not answer in time. Look at its log; it may be stuck, or something else listens there.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN': return `The host of ${origin} has no address here (${why}). Run this command where the router runs, or change admin.host.`
    default: return `The router at ${origin} cannot be reached (${why}). admin.host and admin.port say where its admin listener is.`
  }
}
