/**
 * The configuration on its way between processes. Workers are handed the very one that
 * the main process loaded, and never read the file: it may have changed since.
 */
import type { Config, MirrorConfig } from '../config/config.ts'
import { freeze } from '../config/freeze.ts'

/** Structured-cloneable; a URL is not. */
export type CarriedConfig = Omit<Config, 'mirror'> & {
  readonly mirror: Omit<MirrorConfig, 'endpoint'> & { readonly endpoint: string } | null
}

export function packConfig (config: Config): CarriedConfig {
  const { mirror } = config
  return { ...config, mirror: mirror === null ? null : { ...mirror, endpoint: mirror.endpoint.href } }
}

export function unpackConfig (carried: CarriedConfig): Config {
  const { mirror } = carried
  return freeze({ ...carried, mirror: mirror === null ? null : { ...mirror, endpoint: new URL(mirror.endpoint) } })
}
