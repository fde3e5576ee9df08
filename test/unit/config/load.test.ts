import { test } from 'tap'
import { configOf, faultsOf } from '../../helpers/configuration.ts'

const MINUTE_MS = 60_000
/** Self-signed, for rum.example; its key was not kept. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBhDCCASmgAwIBAgIUM2LY8gf/NfTe09aimGbqlW4gdLgwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLcnVtLmV4YW1wbGUwIBcNMjYxMTIyMTIyNjAyWhgPMjEyNjEw
MjkxMjI2MDJaMBYxFDASBgNVBAMMC3J1bS5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAElPlSRBfzThmAtlMt7wZ3DtfSXtSqhg7UuQC/PXCrD6aepTYe
wOUJcyj1yEWu047r6JlXwu0amZJLet+VrPdJTqNTMFEwHQYDVR0OBBYEFLebaEQg
+KmAfZbJba9s/0rL6KPXMB8GA1UdIwQYMBaAFLebaEQg+KmAfZbJba9s/0rL6KPX
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAMdsLZhb2jseHkTv
GxPCpQ9a3gvrqZHvNqnxn8oCoGPtAiEAilBrlvGgN7C+qb3WVTNdvsgJnUnQamJF
N6uRmUHhpcc=
-----END CERTIFICATE-----
`
const ENDPOINT = 'mirror:\n  endpoint: https://rum.example\n'

test('an empty file is the nginx.conf of the document, and copies nothing', async t => {
  const config = configOf('')

  t.strictSame(config.listeners, [{ port: 80, host: '::', ui: 'web' }, { port: 81, host: '::', ui: 'web-rum' }])
  const upstream = {
    connectTimeoutMs: MINUTE_MS,
    sendTimeoutMs: 5000,
    readTimeoutMs: 30_000,
    nextUpstream: ['error', 'timeout', 'invalid_header', 'http_502', 'http_503', 'non_idempotent'],
    nextUpstreamTries: 2
  }
  t.same(config.upstreams, {
    relay: { name: 'relay', servers: [{ host: 'relay', port: 3000 }], ...upstream },
    web: { name: 'web', servers: [{ host: 'web', port: 9000 }], ...upstream },
    'web-rum': { name: 'web-rum', servers: [{ host: 'web-rum', port: 9000 }], ...upstream }
  })
  const route = { upstream: null, rewrite: null, mirror: false, hideHeaders: [], root: null, symlinks: 'inside', addHeaders: [], types: {}, internal: false }
  t.same(config.routes, [
    { ...route, location: '/api/store/', upstream: 'relay' },
    { ...route, location: '~ ^/api/[1-9]\\d*/', upstream: 'relay', mirror: true },
    { ...route, location: '^~ /api/0/relays/', upstream: 'relay' },
    { ...route, location: '^~ /js-sdk/', root: '/var/www', addHeaders: [['Access-Control-Allow-Origin', '*']] },
    { ...route, location: '/_assets/', upstream: 'ui', rewrite: '/_static/dist/sentry/', hideHeaders: ['content-disposition'] },
    { ...route, location: '/_static/', upstream: 'ui', hideHeaders: ['content-disposition'] },
    { ...route, location: '/', upstream: 'ui' }
  ])
  t.strictSame(config.client, { maxBodyBytes: 104_857_600, headerTimeoutMs: MINUTE_MS, bodyTimeoutMs: MINUTE_MS, sendTimeoutMs: MINUTE_MS, keepaliveTimeoutMs: 75_000, maxConnections: 16_384, maxConnectionsPerAddress: null, maxBodySpaceBytes: 2_147_483_648 })
  t.strictSame(config.realIp, {
    header: 'x-forwarded-for',
    recursive: true,
    trusted: [
      '172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/14', '172.24.0.0/14', '172.28.0.0/14', '192.168.0.0/16', '10.0.0.0/8'
    ]
  })
  t.equal(config.mirror, null)
  t.strictSame(config.spool, { path: '/var/lib/mirror-router', maxBytes: 2 * 1024 ** 3, whenFull: 'drop_oldest', commitTimeoutMs: 50, fsync: 'background', deadLetters: { maxBytes: 256 * 1024 ** 2, maxAgeMs: 30 * 86_400_000 } })
  t.strictSame(config.admin, { host: '127.0.0.1', port: 9145, token: null, hosts: [] })
  t.equal(config.workers, 4, 'one process for each core')
  t.strictSame(config.log, { level: 'info', access: 'main' })
})

test('the environment says where the admin listener is and what its token is, as long as the file does not', async t => {
  const env = { MIRROR_ROUTER_ADMIN_HOST: '::', MIRROR_ROUTER_ADMIN_TOKEN: 'sixteen-letters-or-more' }

  t.match(configOf('', { env }).admin, { host: '::', token: 'sixteen-letters-or-more' })
  t.match(configOf('admin: { host: 127.0.0.2, token: off }\n', { env }).admin, { host: '127.0.0.2', token: null })
  t.match(faultsOf('', { env: { MIRROR_ROUTER_ADMIN_TOKEN: 'short' } }), [/^1:1: admin\.token: expected /])
})

test('a mirror needs its endpoint only', async t => {
  const { mirror } = configOf(ENDPOINT)

  t.equal(mirror?.endpoint.origin, 'https://rum.example')
  t.equal(mirror?.host, 'rum.example')
  t.equal(mirror?.ca, null)
  t.equal(mirror?.default, null)
  t.equal(mirror?.projects.size, 0)
  t.strictSame(mirror?.endpoints, ['envelope'])
  t.strictSame(mirror?.methods, ['POST', 'PUT'])
  t.strictSame(mirror?.dropHeaders, ['cookie'])
  t.strictSame([mirror?.connectTimeoutMs, mirror?.sendTimeoutMs, mirror?.readTimeoutMs], [5000, 5000, 5000])
  t.equal(mirror?.concurrency, 64)
  t.strictSame(mirror?.retry, { initialMs: 1000, maxMs: 5 * MINUTE_MS, maxAgeMs: 24 * 60 * MINUTE_MS })
})

test('projects keep their ids exactly, however long', async t => {
  const id = '12345678901234567890123'

  const { mirror } = configOf(`${ENDPOINT}  projects:\n    ${id}: /a\n    7: off\n    "8": /b\n`)

  t.strictSame([...mirror?.projects ?? []], [[id, '/a'], ['7', null], ['8', '/b']])
})

test('off, false and "off" are one', async t => {
  for (const off of ['off', 'false', 'False', '"off"']) {
    t.equal(configOf(`mirror: ${off}\n`).mirror, null, off)
    t.equal(configOf(`${ENDPOINT}  default: ${off}\n`).mirror?.default, null, off)
    t.equal(configOf(`log: { access: ${off} }\n`).log.access, 'off', off)
    t.equal(configOf(`real_ip: { recursive: ${off} }\n`).realIp.recursive, false, off)
    t.strictSame(configOf(`upstreams: { web: { next_upstream: ${off} } }\n`).upstreams['web']?.nextUpstream, [], off)
  }
  t.equal(configOf('mirror: { endpoint: off, default: /a }\n').mirror, null)
})

test('on and true are one', async t => {
  for (const on of ['on', 'true', '"on"']) t.equal(configOf(`routes: [{ location: /, upstream: web, mirror: ${on} }]\n`).routes[0]?.mirror, true, on)
})

test('all stands in place of a list', async t => {
  const { mirror } = configOf(`${ENDPOINT}  methods: all\n  endpoints: all\n`)

  t.equal(mirror?.methods, 'all')
  t.equal(mirror?.endpoints, 'all')
})

test('an upstream is laid over the default of its name; a new one is added', async t => {
  const { upstreams } = configOf('upstreams:\n  web: { read_timeout: 90s }\n  api: { servers: [api, "api-2:81", "[::1]:82"] }\n')

  t.strictSame(Object.keys(upstreams).sort(), ['api', 'relay', 'web', 'web-rum'])
  t.strictSame(upstreams['web']?.servers, [{ host: 'web', port: 9000 }])
  t.equal(upstreams['web']?.readTimeoutMs, 90_000)
  t.equal(upstreams['web-rum']?.readTimeoutMs, 30_000)
  t.strictSame(upstreams['api']?.servers, [{ host: 'api', port: 80 }, { host: 'api-2', port: 81 }, { host: '::1', port: 82 }])
})

test('a default upstream that nothing leads to is not there; a written one is', async t => {
  const { upstreams } = configOf('listeners: [{ port: 80 }]\nupstreams: { spare: { servers: [a] } }\nroutes: [{ location: /, upstream: ui }]\n')

  t.strictSame(Object.keys(upstreams).sort(), ['spare', 'web'])
})

test('lists that are given take the place of the default ones', async t => {
  const config = configOf('listeners: [{ port: 0 }, { port: 0 }]\nroutes: [{ location: /, upstream: ui }]\nreal_ip: { trusted: [192.0.2.1, "2001:db8::/32", "::1"] }\n')

  t.strictSame(config.listeners, [{ port: 0, host: '::', ui: 'web' }, { port: 0, host: '::', ui: 'web' }])
  t.equal(config.routes.length, 1)
  t.strictSame(config.realIp.trusted, ['192.0.2.1/32', '2001:db8::/32', '::1/128'])
  t.strictSame(configOf('real_ip: { trusted: [] }').realIp.trusted, [])
})

test('names that are compared are in lower case, names that are sent are not', async t => {
  const config = configOf(`${ENDPOINT}  drop_headers: [Cookie, X-Secret]\nreal_ip: { header: X-Real-IP }
routes:
  - { location: /a/, upstream: web, hide_headers: [X-Powered-By] }
  - { location: /b/, root: /srv, add_headers: { X-Frame: DENY, Access-Control-Max-Age: 600 }, types: { JS: text/javascript } }
`)

  t.strictSame(config.mirror?.dropHeaders, ['cookie', 'x-secret'])
  t.equal(config.realIp.header, 'x-real-ip')
  t.strictSame(config.routes[0]?.hideHeaders, ['x-powered-by'])
  t.strictSame(config.routes[1]?.addHeaders, [['X-Frame', 'DENY'], ['Access-Control-Max-Age', '600']])
  t.same(config.routes[1]?.types, { js: 'text/javascript' })
})

test('a location is the same however its modifier is spaced', async t => {
  const written = ['~^/a', '~   ^/b', '~*^/c', '=/d', '^~/e/', ' /f/ ']

  const { routes } = configOf(`routes: ${JSON.stringify(written.map(location => ({ location, upstream: 'web' })))}\n`)

  t.strictSame(routes.map(({ location }) => location), ['~ ^/a', '~ ^/b', '~* ^/c', '= /d', '^~ /e/', '/f/'])
})

test('a name every object has is found nowhere by accident', async t => {
  const { upstreams, routes } = configOf('')

  t.equal(upstreams['constructor'], undefined)
  t.equal(routes[3]?.types['toString'], undefined)
})

test('the Host of an endpoint has its port when it is not the usual one', async t => {
  t.equal(configOf('mirror: { endpoint: "http://rum.example:80" }').mirror?.host, 'rum.example')
  t.equal(configOf('mirror: { endpoint: "http://rum.example:8080" }').mirror?.host, 'rum.example:8080')
  t.equal(configOf('mirror: { endpoint: "http://10.0.0.1", host: rum.example }').mirror?.host, 'rum.example')
})

test('the environment is filled in before a value gets its type', async t => {
  const env = { PORT: '8080', RUM: 'rum.example', OFF: 'off', ID: '42', LEVEL: 'debug' }

  const config = configOf('listeners:\n  - port: ${PORT:-80}\n  - { port: "${OTHER:-81}" }\nmirror:\n  endpoint: https://${RUM}:${TLS:-443}\n  default: ${OFF}\n  projects: { "${ID}": "/a$$b" }\nlog: { level: "${LEVEL}" }\n', { env })

  t.strictSame(config.listeners.map(({ port }) => port), [8080, 81])
  t.equal(config.mirror?.endpoint.href, 'https://rum.example/')
  t.equal(config.mirror?.default, null)
  t.strictSame([...config.mirror?.projects ?? []], [['42', '/a$b']])
  t.equal(config.log.level, 'debug')
})

test('one project that is named by number and by variable is named twice', async t => {
  const faults = faultsOf(`${ENDPOINT}  projects:\n    42: /a\n    \${ID}: /b\n`, { env: { ID: '42' } })

  t.strictSame(faults, ['5:5: mirror.projects.42: written twice; keep one of them'])
})

test('an option that is named and left empty has its default', async t => {
  const config = configOf('mirror:\nclient:\n  max_body:\nupstreams:\n  web:\nadmin: { port: "${ADMIN:-}" }\n')

  t.equal(config.mirror, null)
  t.equal(config.client.maxBodyBytes, 104_857_600)
  t.strictSame(config.upstreams['web']?.servers, [{ host: 'web', port: 9000 }])
  t.equal(config.admin.port, 9145)
})

test('anchors, aliases and merge keys work', async t => {
  const config = configOf(`
upstreams:
  relay: &patient { servers: ["r:1"], read_timeout: &long 90s }
  web: { <<: *patient, servers: ["w:1"] }
  web-rum: { <<: [{ send_timeout: 1s }, *patient] }
mirror:
  endpoint: https://rum.example
  read_timeout: *long
`)

  t.strictSame(config.upstreams['web']?.servers, [{ host: 'w', port: 1 }])
  t.equal(config.upstreams['web']?.readTimeoutMs, 90_000)
  t.strictSame(config.upstreams['web-rum']?.servers, [{ host: 'r', port: 1 }])
  t.equal(config.upstreams['web-rum']?.sendTimeoutMs, 1000)
  t.equal(config.mirror?.readTimeoutMs, 90_000)
})

test('an alias of what it stands in is a fault, not an endless loop', async t => {
  t.equal(faultsOf('client: &a { <<: *a }\n').length, 1)
  t.equal(faultsOf('routes: &a [*a]\n').length, 1)
})

test('relative paths start at the folder of the file', async t => {
  const config = configOf('spool: { path: spool }\nroutes: [{ location: /, root: ../www/ }]\n', { file: '/etc/mirror-router/router.yaml' })

  t.equal(config.spool.path, '/etc/mirror-router/spool')
  t.equal(config.routes[0]?.root, '/etc/www')
})

test('the authorities of the endpoint are read when the file is loaded', async t => {
  const file = '/etc/mirror-router/router.yaml'
  const asked: string[] = []
  const answer = (pem: string) => (path: string): string => {
    asked.push(path)
    return pem
  }

  t.equal(configOf(`${ENDPOINT}  ca: rum.pem\n`, { file, readFile: answer(CERTIFICATE) }).mirror?.ca, CERTIFICATE)
  t.strictSame(asked, ['/etc/mirror-router/rum.pem'])
  t.match(faultsOf(`${ENDPOINT}  ca: rum.pem\n`, { readFile: answer('hello') }), ['3:7: mirror.ca: the file holds no certificate; write the path of a PEM file'])
  t.match(faultsOf(`${ENDPOINT}  ca: rum.pem\n`), ['3:7: mirror.ca: the file cannot be read (ENOENT)'])
})

test('the configuration cannot be changed by who reads it', async t => {
  const { listeners, upstreams, mirror } = configOf(`${ENDPOINT}  projects: { 1: /a }\n`)
  const projects = mirror?.projects as Map<string, string | null>

  t.throws(() => { Object.assign(listeners[0] ?? {}, { port: 1 }) }, TypeError)
  t.throws(() => { Object.assign(upstreams, { other: null }) }, TypeError)
  t.throws(() => { projects.set('2', '/b') }, TypeError)
  t.throws(() => { projects.clear() }, TypeError)
  t.strictSame([...projects], [['1', '/a']])
})

test('the admin token comes from the environment; an empty variable is no token', async t => {
  const text = 'admin: { token: "${MIRROR_ROUTER_ADMIN_TOKEN:-off}" }'

  t.equal(configOf(text, { env: { MIRROR_ROUTER_ADMIN_TOKEN: '0123456789abcdef' } }).admin.token, '0123456789abcdef')
  t.equal(configOf(text, { env: { MIRROR_ROUTER_ADMIN_TOKEN: '' } }).admin.token, null)
  t.equal(configOf(text).admin.token, null)
})
