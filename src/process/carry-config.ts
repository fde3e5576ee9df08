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

export function unpackConfig ({ upstreams, routes, mirror, ...rest }: CarriedConfig): Config {
  return freeze({
    ...rest,
    upstreams: bare(upstreams),
    routes: routes.map(route => ({ ...route, types: bare(route.types) })),
    mirror: mirror === null ? null : { ...mirror, endpoint: new URL(mirror.endpoint) }
  })
}

/** Without a prototype, as `load.ts` makes them and cloning does not: a client may ask for a file called `x.constructor`. */
function bare<Value> (record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.assign(Object.create(null) as Record<string, Value>, record)
}
