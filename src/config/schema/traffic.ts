/** Options of the first leg: listeners, upstreams, routes, clients. The defaults are the document's nginx.conf. */
import { addressRange, listenHost, server, upstreamName } from './addresses.ts'
import { contentType, fileExtension, filePath, headerName, headerValue, location, rewritePath, sentHeaderName, splitLocation } from './http.ts'
import { boolean, choice, duration, integer, or, size } from './scalars.ts'
import { list, listOr, map, section } from './types.ts'
import type { ScalarType } from './types.ts'

const anUpstream: ScalarType<string> = { ...upstreamName, refersTo: 'upstream' }
const upstreamOrUi: ScalarType<string> = {
  ...anUpstream,
  name: `${upstreamName.name}, ui`,
  json: [...upstreamName.json, { enum: ['ui'] }],
  refersTo: 'upstream or ui',
  read: scalar => scalar.text === 'ui' ? { value: 'ui' } : upstreamName.read(scalar)
}

export const listener = section({
  port: {
    description: 'Port to listen on. 0 takes any free port, which the log names at the start.',
    type: integer(0, 65_535),
    required: true
  },
  host: {
    description: 'Address to listen on. `::` is every address of the machine, IPv4 included.',
    type: listenHost,
    default: '::'
  },
  ui: {
    description: 'The upstream that `upstream: ui` means for requests that came in here: it lets listeners share the routes and differ in the UI behind them.',
    type: anUpstream,
    default: 'web'
  }
})

const nextUpstream = choice(
  'error', 'timeout', 'invalid_header', 'non_idempotent', 'http_500', 'http_502', 'http_503', 'http_504', 'http_403', 'http_404', 'http_429'
)

export const upstream = section({
  servers: {
    description: 'Servers that share the requests in turn, as `host:port` or `[v6]:port`; without a port it is 80. Names are resolved again while running. A server that failed is left out for 10 s as long as another is there.',
    type: list(server, { minItems: 1, unique: ({ host, port }) => `${host}:${port}` }),
    required: true
  },
  connect_timeout: {
    description: 'Longest wait for a connection. Then the next server is tried, and without one the client gets a 504. nginx: proxy_connect_timeout.',
    type: duration(),
    default: '60s'
  },
  send_timeout: {
    description: 'Longest silence while the request is written to the server, not the time for all of it. Then the next server, or a 504. nginx: proxy_send_timeout.',
    type: duration(),
    default: '5s'
  },
  read_timeout: {
    description: 'Longest silence while the answer is read: until its head, then between two reads. Before the head the client gets a 504 at the end of it; in mid-body its connection is cut. nginx: proxy_read_timeout.',
    type: duration(),
    default: '30s'
  },
  next_upstream: {
    description: 'Failures after which a request goes to the next server, in the words of nginx. Without `non_idempotent` a POST that was sent is never sent again. `off` tries one server only. With one server nothing here applies, except that a pooled connection that had died is replaced once. nginx: proxy_next_upstream.',
    type: listOr('off', nextUpstream, 1),
    default: ['error', 'timeout', 'invalid_header', 'http_502', 'http_503', 'non_idempotent']
  },
  next_upstream_tries: {
    description: 'Most servers tried for one request, the first included; 0 is no limit. When they are used up the client gets the last failure. nginx: proxy_next_upstream_tries.',
    type: integer(0, 1000),
    default: 2
  }
})

export const DEFAULT_UPSTREAMS = {
  relay: { servers: ['relay:3000'] },
  web: { servers: ['web:9000'] },
  'web-rum': { servers: ['web-rum:9000'] }
}

export const route = section({
  location: {
    description: 'The paths this route answers, in nginx\'s syntax and with its precedence: `= /a` is this path alone; `^~ /a/` is a prefix no regex can overrule; `~ regex` and `~* regex` (any case) come next, in the order of the file; then the longest prefix `/a/`. The path is matched decoded and normalised. A path that no location matches is a 404.',
    type: location,
    required: true
  },
  upstream: {
    description: 'The upstream requests are forwarded to, or `ui` for the one named by the listener. A route has exactly one of `upstream`, `root` and `internal`.',
    type: upstreamOrUi
  },
  rewrite: {
    description: 'What takes the place of the location\'s prefix in the forwarded path, which is then sent normalised and escaped again. Without it the request target is forwarded byte for byte. Not with a regex. nginx: a path in proxy_pass.',
    type: rewritePath
  },
  mirror: {
    description: 'Whether requests on this route are copied to the endpoint, as `mirror` decides. Without a `mirror` section nothing is copied.',
    type: boolean,
    default: false
  },
  hide_headers: {
    description: 'Headers of the upstream\'s answer that the client does not get. nginx: proxy_hide_header.',
    type: list(headerName),
    default: []
  },
  root: {
    description: 'Folder from which files are served: the whole path is looked up in it. Relative paths start at the folder of this file. Only GET and HEAD are answered, anything else is a 405. nginx: root.',
    type: filePath
  },
  symlinks: {
    description: 'Where symbolic links below `root` may lead. `inside`: what lies outside of `root` is a 404, as if it were not there. `any`: wherever they lead, as nginx does. nginx: disable_symlinks.',
    type: choice('inside', 'any'),
    default: 'inside'
  },
  add_headers: {
    description: 'Headers added to the answers 200, 206, 301, 304 and 416 of a route with `root`, not to its errors. nginx: add_header.',
    type: map('<header>', sentHeaderName, headerValue),
    default: {}
  },
  types: {
    description: 'Content types by file extension (in any case) for a route with `root`, where they differ from nginx\'s own table. What neither knows is application/octet-stream. nginx: types.',
    type: map('<extension>', fileExtension, contentType),
    default: {}
  },
  internal: {
    description: 'Answers 404 to every client. nginx: internal.',
    type: boolean,
    default: false
  }
}, {
  check: (route, report) => {
    const served = [route.upstream !== null && 'upstream', route.root !== null && 'root', route.internal && 'internal'].filter(name => name !== false)
    if (served.length === 0) report('', 'nothing answers this location; write one of upstream:, root: and internal: true')
    if (served.length > 1) report(served[1] ?? '', `stands beside ${served[0]}; keep one of upstream, root and internal`)
    if (served.length !== 1) return

    const forwards = served[0] === 'upstream'
    if (route.rewrite !== null && splitLocation(route.location).modifier.startsWith('~')) {
      report('rewrite', 'a regex has no prefix to replace; write the location as a prefix, or remove rewrite')
    } else if (route.rewrite !== null && !forwards) report('rewrite', 'has no effect without upstream; remove it')
    if (route.mirror && !forwards) report('mirror', 'has no effect without upstream; remove it')
    if (route.hide_headers.length > 0 && !forwards) report('hide_headers', 'has no effect without upstream; remove it')
    if (route.symlinks === 'any' && served[0] !== 'root') report('symlinks', 'has no effect without root; remove it')
    if (route.add_headers.size > 0 && served[0] !== 'root') report('add_headers', 'has no effect without root; remove it')
    if (route.types.size > 0 && served[0] !== 'root') report('types', 'has no effect without root; remove it')
  }
})

export const DEFAULT_ROUTES = [
  { location: '/api/store/', upstream: 'relay' },
  { location: '~ ^/api/[1-9]\\d*/', upstream: 'relay', mirror: true },
  { location: '^~ /api/0/relays/', upstream: 'relay' },
  { location: '^~ /js-sdk/', root: '/var/www', add_headers: { 'Access-Control-Allow-Origin': '*' } },
  { location: '/_assets/', upstream: 'ui', rewrite: '/_static/dist/sentry/', hide_headers: ['Content-Disposition'] },
  { location: '/_static/', upstream: 'ui', hide_headers: ['Content-Disposition'] },
  { location: '/', upstream: 'ui' }
]

export const client = section({
  max_body: {
    description: 'Largest request body. A larger one is a 413 as soon as that is known, and no upstream is contacted. nginx: client_max_body_size.',
    type: size(),
    default: '100MiB'
  },
  header_timeout: {
    description: 'Time for the whole request head. A client that takes longer is disconnected. nginx: client_header_timeout.',
    type: duration(),
    default: '60s'
  },
  body_timeout: {
    description: 'Longest silence between two reads of the body. A client that is silent for longer is disconnected, and nothing is forwarded or copied. nginx: client_body_timeout.',
    type: duration(),
    default: '60s'
  },
  send_timeout: {
    description: 'Longest time a client may take no byte of its answer. It is then disconnected; the copy of its request is sent all the same. nginx: send_timeout.',
    type: duration(),
    default: '60s'
  },
  keepalive_timeout: {
    description: 'How long an idle connection is kept for the next request. With 0s every connection is closed after its answer. nginx: keepalive_timeout.',
    type: duration({ min: 0 }),
    default: '75s'
  },
  max_connections: {
    description: 'Connections of clients that may be open at once, per process; and requests under way, those whose client has left included: three quarters of them to one upstream where there are several, so that one that hangs leaves room for the others. The limit of open files may allow fewer: each connection needs two. At the limit a newcomer takes the place of a connection that has been idle for 1 s, or of a client that for 5 s has sent less than 1 KiB a second or taken nothing; if there is none, it gets a 503 with `Retry-After` at once. nginx: worker_connections.',
    type: integer(1, 1_000_000),
    default: 16_384
  },
  max_connections_per_address: {
    description: 'The same for one address, or one /64 of IPv6, as the socket has it; per process. Addresses in `real_ip.trusted` are proxies that speak for many, and are not limited. Of use where clients connect directly: behind one proxy that is not listed there, everybody has its address. nginx: limit_conn.',
    type: or('off', null, integer(1, 1_000_000)),
    default: 'off'
  },
  max_body_space: {
    description: 'Space on disk for the bodies of requests under way, of all processes together: each has an equal part of it, but room for one `max_body` at least. Bodies above 1 MiB go there, smaller ones when those in memory exceed 64 MiB per process. A request that finds no room gets a 503 with `Retry-After`, at once if it says its length. A body that becomes a copy counts for `spool.max_bytes` from then on.',
    type: size({ min: 1024 ** 2 }),
    default: '2GiB'
  }
})

export const realIp = section({
  header: {
    description: 'Header in which trusted proxies name the client\'s address. nginx: real_ip_header.',
    type: headerName,
    default: 'X-Forwarded-For'
  },
  recursive: {
    description: 'Whether the list is walked from its end past every trusted address, or only its last entry is taken. nginx: real_ip_recursive.',
    type: boolean,
    default: true
  },
  trusted: {
    description: 'Ranges of proxies that are believed. From anyone else the header is ignored: whoever is listed here can pretend to be any client. An empty list trusts nobody. nginx: set_real_ip_from.',
    type: list(addressRange),
    default: [
      '172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/14', '172.24.0.0/14', '172.28.0.0/14', '192.168.0.0/16', '10.0.0.0/8'
    ]
  }
})
