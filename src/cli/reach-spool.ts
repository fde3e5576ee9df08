/**
 * Where a command finds the spool: with the running router that the configuration
 * belongs to or, when none runs, on disk.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AdminConfig, Config } from '../config/config.ts'

/** What keeps a command from its work, in words for who typed it; exit code 1. */
export class SpoolCommandError extends Error {
  override readonly name = 'SpoolCommandError'
}

export type Reached<Source> =
  /** A router runs; this is the origin of its admin listener. */
  | { readonly origin: string, readonly source: null }
  /** None runs; the spool is open. */
  | { readonly origin: null, readonly source: Source }

const PROBE_TIMEOUT_MS = 5_000
const ANY_ADDRESS = ['::', '0.0.0.0', '[::]', '']

/**
 * @param open - Opens the spool in a folder that holds one.
 * @throws {SpoolCommandError}
 */
export async function reachSpool<Source> ({ admin, spool: { path } }: Config, open: (path: string) => Promise<Source>): Promise<Reached<Source>> {
  const origin = adminOrigin(admin)
  if (origin !== null && await isRouterAt(origin)) return { origin, source: null }

  const nobody = origin === null ? 'admin.port is 0, so that a running router cannot be found' : `No router listens at ${origin}`
  // Opening it would make one: a misspelled path must not look like an empty spool.
  if (!existsSync(join(path, 'data.mdb'))) throw new SpoolCommandError(`${nobody}, and there is no spool in ${path}.`)
  try {
    return { origin: null, source: await open(path) }
  } catch (error) {
    throw new SpoolCommandError(`${nobody}, and the spool in ${path} cannot be opened (${error instanceof Error ? error.message : String(error)}).`, { cause: error })
  }
}

/** Origin of the admin listener; `null` when its port is any free one, and so known to nobody else. */
export function adminOrigin ({ host, port }: AdminConfig): string | null {
  if (port === 0) return null
  // A listener on `::` takes IPv4 too, and machines without IPv6 have no ::1.
  const name = ANY_ADDRESS.includes(host) ? '127.0.0.1' : host
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${port}`
}

/**
 * Whether a router answers there.
 *
 * @returns `false` when nobody listens at all.
 * @throws {SpoolCommandError} When somebody does who is not ready for us, or is no router.
 */
async function isRouterAt (origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    if (response.ok && await response.text() === 'ok\n') return true
  } catch (error) {
    if (whyFetchFailed(error) === 'ECONNREFUSED') return false
    throw new SpoolCommandError(`The admin listener at ${origin} cannot be reached (${whyFetchFailed(error)}).`, { cause: error })
  }
  throw new SpoolCommandError(`What answers at ${origin} is not a router; admin.host and admin.port say where its admin listener is.`)
}

/** `fetch` says it in the cause of its error, or in the cause of that. */
export function whyFetchFailed (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'timeout'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? error.message : whyFetchFailed(error.cause)
}
