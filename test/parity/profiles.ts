/** The configurations the cases run under: the document's nginx.conf, and what differs from it. */

export interface Profile {
  /** Added to `set_real_ip_from`. */
  readonly trusted?: readonly string[]
  /** Lines of the map from request to forward path. */
  readonly map?: readonly (readonly [pattern: string, path: string])[]
  readonly relays?: 2
  /** The time limits towards upstreams, as nginx writes them. */
  readonly timeouts?: { readonly read: string, readonly connect: string, readonly send?: string }
  /** Every time limit of clients and of the mirror. */
  readonly clientAndMirrorTimeouts?: string
}

const ONE_SECOND = { read: '1s', connect: '1s' } as const

export const PROFILES: Readonly<Record<string, Profile>> = {
  base: {},
  trust: { trusted: ['127.0.0.0/8'] },
  map: {
    map: [
      ['~^/api/1/envelope/', '/rum/sentry/ws-one/svc-one'],
      ['~^/api/2/envelope/', '/rum/sentry/ws-two/svc-two']
    ]
  },
  short: { timeouts: { ...ONE_SECOND, send: '1s' }, clientAndMirrorTimeouts: '1s' },
  // Two of the same, each a fresh process: nginx skips a server that failed for 10 s, so the two cases must not share it.
  multi: { relays: 2, timeouts: ONE_SECOND },
  multi2: { relays: 2, timeouts: ONE_SECOND }
}

/** Where the forwarded copies go; the address is a backend's, the name is this. */
export const ENDPOINT_HOST = 'rum-endpoint.example.test'
export const DEFAULT_PATH = '/rum/sentry/ws-default/svc-default'
