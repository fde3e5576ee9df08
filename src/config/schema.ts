/**
 * Every option of router.yaml: what it does, its type, its default. The only place
 * where an option is declared. `load.ts` reads files by this table, `config.ts` is
 * what becomes of them; config/router.schema.json and docs/configuration.md are
 * printed from it (`npm run docs`).
 */
import { hostName, listenHost, upstreamName } from './schema/addresses.ts'
import { mirror, spool } from './schema/copies.ts'
import { choice, integer, or, token } from './schema/scalars.ts'
import { DEFAULT_ROUTES, DEFAULT_UPSTREAMS, client, listener, realIp, route, upstream } from './schema/traffic.ts'
import { splitLocation } from './schema/http.ts'
import { list, map, section } from './schema/types.ts'

const admin = section({
  host: {
    description: 'Address to listen on. Whoever reaches it can read the metrics, replay dead letters and reload: keep it off public networks. The container image sets the variable to `::`.',
    type: listenHost,
    default: '${MIRROR_ROUTER_ADMIN_HOST:-127.0.0.1}'
  },
  port: {
    description: 'Port to listen on; it is never reachable through the listeners. 0 takes any free port, which the log names at the start.',
    type: integer(0, 65_535),
    default: 9145
  },
  token: {
    description: 'Secret that `Authorization: Bearer` must hold for whatever changes state (replay, purge, reload) or shows bodies; 16 characters or more. With `off` nobody is asked. Fill it from the environment: `${MIRROR_ROUTER_ADMIN_TOKEN:-off}`.',
    type: or('off', null, token),
    default: '${MIRROR_ROUTER_ADMIN_TOKEN:-off}'
  },
  hosts: {
    description: 'Names under which browsers reach the listener, such as that of a proxy in front of it. IP addresses, names without a dot, `localhost` and `host` above are known. Under another name nothing but metrics and health is shown, so that no page can point a name of its own at this address.',
    type: list(hostName),
    default: []
  }
})

const log = section({
  level: {
    description: 'Least severe event that is logged. `silent` logs none; the access log is not affected.',
    type: choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    default: 'info'
  },
  access: {
    description: 'One line for each request of a client, on stdout: `main` is the line of the document\'s nginx.conf, `json` has the same and the route, duration and request id, `off` writes none.',
    type: choice('main', 'json', 'off'),
    default: 'main'
  }
})

/** nginx holds both kinds of prefix in one tree: `^~ /a/` and `/a/` are the same location twice. */
function locationKey (location: string): string {
  const { modifier, rest } = splitLocation(location)
  return modifier === '^~' ? rest : location
}

export const router = section({
  listeners: {
    description: 'Ports that clients reach. A list given here takes the place of the default one.',
    type: list(listener, { minItems: 1, unique: ({ host, port }) => port === 0 ? null : `${host} port ${port}` }),
    default: [{ port: 80, host: '::', ui: 'web' }, { port: 81, host: '::', ui: 'web-rum' }]
  },
  upstreams: {
    description: 'Named origins that routes forward to. Entries given here are laid over the default ones by name: `web: { read_timeout: 90s }` changes that time alone. A default one that no route and no listener leads to is left out.',
    type: map('<name>', upstreamName, upstream, { base: DEFAULT_UPSTREAMS, declares: 'upstream' }),
    default: {}
  },
  routes: {
    description: 'What is done with a request, by its path. A list given here takes the place of the default one.',
    type: list(route, { minItems: 1, unique: ({ location }) => locationKey(location) }),
    default: DEFAULT_ROUTES
  },
  client: {
    description: 'Limits for clients.',
    type: client,
    default: {}
  },
  real_ip: {
    description: 'Where the client\'s address comes from when a proxy stands in front. The address goes to upstreams as `X-Forwarded-For`, and into the access log.',
    type: realIp,
    default: {}
  },
  mirror: {
    description: 'The copies: which requests, and where to. Without this section, or with `mirror: off`, nothing is copied.',
    type: mirror
  },
  spool: {
    description: 'The durable queue in which copies wait for their delivery.',
    type: spool,
    default: {}
  },
  admin: {
    description: 'The listener for metrics, health and dead letters.',
    type: admin,
    default: {}
  },
  workers: {
    description: 'Number of processes that share the listeners. `auto` is the number of cores.',
    type: or('auto', 'auto' as const, integer(1, 256)),
    default: 'auto'
  },
  log: {
    description: 'What is written to stdout and stderr.',
    type: log,
    default: {}
  }
})
