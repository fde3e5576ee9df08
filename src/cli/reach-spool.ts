/**
 * Where a command finds the spool: with the running router that the configuration
 * belongs to or, when none runs, on disk.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AdminConfig, Config } from '../config/config.ts'
import { adminFetch, adminOrigin, whyFetchFailed } from './admin-client.ts'
import { CommandError } from './command.ts'

export type Reached<Source> =
  /** A router runs. */
  | { readonly running: true, readonly source: null }
  /** None runs; the spool is open. */
  | { readonly running: false, readonly source: Source }

const PROBE_TIMEOUT_MS = 5_000

/**
 * @param open - Opens the spool in a folder that holds one.
 * @throws {CommandError}
 */
export async function reachSpool<Source> ({ admin, spool: { path } }: Config, open: (path: string) => Promise<Source>): Promise<Reached<Source>> {
  const origin = adminOrigin(admin)
  if (origin !== null && await isRouterAt(admin, origin)) return { running: true, source: null }

  const nobody = origin === null ? 'admin.port is 0, so that a running router cannot be found' : `No router listens at ${origin}`
  // Opening it would make one: a misspelled path must not look like an empty spool.
  if (!existsSync(join(path, 'data.mdb'))) throw new CommandError(`${nobody}, and there is no spool in ${path}. Is this the configuration that the router runs with? --config FILE names another.`)
  try {
    return { running: false, source: await open(path) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const hint = /EACCES|permission denied/i.test(why) ? ' Run this as the user that the router runs as.' : ''
    throw new CommandError(`${nobody}, and the spool in ${path} cannot be opened (${why}).${hint}`, { cause: error })
  }
}

/**
 * Whether a router answers there.
 *
 * @returns `false` when nobody listens at all.
 * @throws {CommandError} When somebody does who is not ready for us, or is no router.
 */
async function isRouterAt (admin: AdminConfig, origin: string): Promise<boolean> {
  try {
    const response = await adminFetch(admin, '/healthz', { timeoutMs: PROBE_TIMEOUT_MS })
    if (response.ok && await response.text() === 'ok\n') return true
  } catch (error) {
    if (error instanceof CommandError && whyFetchFailed(error.cause) === 'ECONNREFUSED') return false
    throw error
  }
  throw new CommandError(`What answers at ${origin} is not a router; admin.host and admin.port say where its admin listener is.`)
}
