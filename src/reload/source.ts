/**
 * The configuration's file, and every file it leads to (includes of an nginx.conf, the
 * certificates of `mirror.ca`): loaded at one moment, and told apart by their content.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { loadConfigFile, readConfigText } from '../config/config-file.ts'
import type { Environment } from '../config/environment.ts'
import type { Loaded } from '../config/load.ts'

export interface Source {
  readonly file: string
  /** Never rejects: what cannot be read is a fault. */
  load (): Promise<{ readonly loaded: Loaded, readonly fingerprint: string }>
  /** Of what the files hold now, missing ones included; the same as long as they hold the same. */
  fingerprint (): Promise<string>
}

/** Files that change all the time are loaded as they are in the end: whoever compares fingerprints will see it. */
const MAX_LOADS = 5

/** @param env - As it was at the start: a running process has no other. */
export function createSource (file: string, env: Environment): Source {
  /** Those of the last load. */
  let paths: readonly string[] = [file]

  async function loadOnce (): Promise<Loaded> {
    const read = new Set([file])
    const loaded = await loadConfigFile(file, env, path => { read.add(path) })
    paths = [...read]
    return isEmpty(file) ? { faults: [{ file, line: 0, column: 0, message: 'the file is empty; write at least a comment to mean the defaults' }] } : loaded
  }

  return {
    file,

    async load () {
      let before = await fingerprintOf(paths)
      for (let loads = 1; ; loads++) {
        const loaded = await loadOnce()
        const after = await fingerprintOf(paths)
        if (after === before || loads === MAX_LOADS) return { loaded, fingerprint: before }
        before = after
      }
    },

    fingerprint: () => fingerprintOf(paths)
  }
}

/** By YAML an empty file means all defaults; in a running router it is one that is being written, or was lost. */
function isEmpty (file: string): boolean {
  const text = readConfigText(file)
  return typeof text === 'string' && text.trim() === ''
}

async function fingerprintOf (paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(async path => `${path}\0${await contentOf(path)}`))).join('\0')
}

/** Names are followed anew every time, so it does not matter by which way a file was replaced. */
async function contentOf (path: string): Promise<string> {
  try {
    // A pipe has its content once only.
    if (!(await stat(path)).isFile()) return 'no file'
    return createHash('sha256').update(await readFile(path)).digest('base64')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
