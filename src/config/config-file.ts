/** Finds the configuration file and loads it, from router.yaml or straight from an nginx.conf. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MAX_CONFIG_BYTES } from './document.ts'
import type { Environment } from './environment.ts'
import type { Fault } from './fault.ts'
import { loadConfig } from './load.ts'
import type { Loaded } from './load.ts'

const INSTALLED = ['/etc/mirror-router/router.yaml', '/etc/nginx/nginx.conf']
const SHIPPED = fileURLToPath(new URL('../../config/router.yaml', import.meta.url))

export interface FindOptions {
  /** Value of `--config`. */
  readonly given: string | undefined
  readonly env: Environment
  readonly cwd: string
  readonly exists?: (path: string) => boolean
}

/** Absolute path of the configuration to use. A file that was named is not looked for elsewhere when it is missing. */
export function findConfigFile ({ given, env, cwd, exists = existsSync }: FindOptions): string {
  const named = given ?? env['MIRROR_ROUTER_CONFIG']
  if (named !== undefined && named !== '') return resolve(cwd, named)
  return INSTALLED.find(path => exists(path)) ?? SHIPPED
}

/**
 * Never throws: what cannot be read is a fault too. A path ending in `.conf` is read as nginx.conf.
 *
 * @param onRead - Told of every other file that this one leads to, also of one that cannot be read.
 */
export async function loadConfigFile (file: string, env: Environment, onRead: (path: string) => void = () => {}): Promise<Loaded> {
  const text = readConfigText(file)
  if (typeof text !== 'string') return { faults: [text] }

  const options = {
    file,
    env,
    cpus: availableParallelism(),
    readFile: (path: string) => {
      onRead(path)
      if (!statSync(path).isFile()) throw new Error('it is no file')
      return readFileSync(path, 'utf8')
    }
  }
  if (!file.endsWith('.conf')) return loadConfig(text, options)

  const [{ importNginx }, { includesFrom }] = await Promise.all([import('./nginx/import.ts'), import('./nginx/include-files.ts')])
  const { yaml, faults } = importNginx(text, { file, readInclude: includesFrom(dirname(file), onRead) })
  if (faults.length > 0) return { faults }
  const loaded = loadConfig(yaml, options)
  return loaded.faults ? { faults: loaded.faults.map(fault => placeInNginxConf(fault, text)) } : loaded
}

/** The lines of an imported file are not those of its nginx.conf: only a placeholder can be found again. */
function placeInNginxConf ({ file, message }: Fault, text: string): Fault {
  const placeholder = /the placeholder (<[^>]*>)/.exec(message)?.[1]
  const lines = text.split('\n')
  const index = placeholder === undefined ? -1 : lines.findIndex(line => !line.trimStart().startsWith('#') && line.includes(placeholder))
  const column = index === -1 ? 0 : (lines[index] ?? '').indexOf(placeholder ?? '') + 1
  return { file, line: index + 1, column, message: `imported as ${message}` }
}

/** Text of a configuration file, or why it cannot be one. */
export function readConfigText (file: string): string | Fault {
  const fault = (message: string, line = 0): Fault => ({ file, line, column: line === 0 ? 0 : 1, message })
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return fault(whyUnreadable(code))
  }
  if (bytes.length > MAX_CONFIG_BYTES) return fault('larger than 1 MiB; this is no configuration file')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // Latin-1 keeps every byte, and with it the lines.
    const lines = bytes.toString('latin1').split('\n')
    const line = lines.findIndex(line => Buffer.from(line, 'latin1').toString().includes('\uFFFD')) + 1
    return fault('not UTF-8 text; save the file as UTF-8', line)
  }
}

function whyUnreadable (code: string): string {
  switch (code) {
    case 'ENOENT': return 'there is no such file; write its path after --config'
    // nginx reads its file as root, before it becomes another user; here the file is read again at every reload.
    case 'EACCES': return `the user of the router (uid ${process.getuid?.() ?? 'unknown'}) may not read the file; make that user its owner, or chmod a+r it`
    default: return `the file cannot be read (${code})`
  }
}
