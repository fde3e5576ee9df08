import type { RouteConfig } from '../../src/config/config.ts'

/** A route that forwards to `web`, unless `options` say otherwise. */
export function route (location: string, options: Partial<RouteConfig> = {}): RouteConfig {
  return {
    location,
    upstream: options.root !== undefined || options.internal === true ? null : 'web',
    rewrite: null,
    mirror: false,
    hideHeaders: [],
    root: null,
    symlinks: 'inside',
    addHeaders: [],
    types: {},
    internal: false,
    ...options
  }
}

/** The routes of the documented nginx.conf, as design.md's defaults have them. */
export const DOCUMENT_ROUTES: readonly RouteConfig[] = [
  route('/api/store/', { upstream: 'relay' }),
  route('~ ^/api/[1-9]\\d*/', { upstream: 'relay', mirror: true }),
  route('= /rum_mirror', { internal: true }),
  route('^~ /api/0/relays/', { upstream: 'relay' }),
  route('^~ /js-sdk/', { root: '/var/www' }),
  route('/', { upstream: 'ui' }),
  route('/_assets/', { upstream: 'ui', rewrite: '/_static/dist/sentry/', hideHeaders: ['content-disposition'] }),
  route('/_static/', { upstream: 'ui', hideHeaders: ['content-disposition'] })
]
