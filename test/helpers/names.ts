/**
 * Names of a router's network, as a test says: containers come, go, and come back under
 * another address. The router is told by a module that stands in for its name service
 * (names-preload.ts).
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** One address, several in this order, an error of getaddrinfo, or no answer until it is set to something else. */
export type Resolution = string | readonly string[] | { readonly error: 'ENOTFOUND' | 'EAI_AGAIN' } | { readonly hangs: true }

export type Names = Readonly<Record<string, Resolution>>

export interface NameService {
  /** What a process must have in its environment to use it. */
  readonly env: Readonly<Record<string, string>>
  /** From now on these names have these addresses, and no other name has any. */
  readonly set: (names: Names) => void
}

export function startNameService (t: Test): NameService {
  const folder = mkdtempSync(join(tmpdir(), 'mirror-router-names-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  const file = join(folder, 'names.json')
  // A rename: whoever reads sees the old names or the new ones.
  const set = (names: Names): void => {
    writeFileSync(`${file}.new`, JSON.stringify(names))
    renameSync(`${file}.new`, file)
  }
  set({})
  return { env: { TEST_NAMES: file, NODE_OPTIONS: `--import=${new URL('names-preload.ts', import.meta.url).href}` }, set }
}

/** Runs the work with this environment, which children started meanwhile inherit. */
export async function withEnvironment<T> (env: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  const before = Object.keys(env).map(name => [name, process.env[name]] as const)
  Object.assign(process.env, env)
  try {
    return await work()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  }
}
