/** Loads configuration text as if it stood in `router.yaml`, with nothing around it but what a test says. */
import type { Config } from '../../src/config/config.ts'
import { formatFault } from '../../src/config/fault.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Loaded, LoadOptions } from '../../src/config/load.ts'

export function load (text: string, options: Partial<LoadOptions> = {}): Loaded {
  return loadConfig(text, { file: 'router.yaml', env: {}, cpus: 4, readFile: noFile, ...options })
}

function noFile (path: string): never {
  throw Object.assign(new Error(path), { code: 'ENOENT' })
}

/** The configuration; a fault in it ends the test. */
export function configOf (text: string, options: Partial<LoadOptions> = {}): Config {
  const { config, faults } = load(text, options)
  if (faults) throw new Error(faults.map(formatFault).join('\n'))
  return config
}

/** Each fault as it is printed, without the name of the file. */
export function faultsOf (text: string, options: Partial<LoadOptions> = {}): string[] {
  return (load(text, options).faults ?? []).map(fault => formatFault(fault).replace(/^router\.yaml: ?/, ''))
}
