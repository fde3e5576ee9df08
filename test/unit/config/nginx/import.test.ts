import { test } from 'tap'
import { parseDocument } from 'yaml'
import { parseNginx, withDescendants } from '../../../../src/config/nginx/parser.ts'
import { filledDocument, fixture, importConfig, importText } from '../../../helpers/imported.ts'

const NEXT = ['error', 'timeout', 'invalid_header', 'http_502', 'http_503', 'non_idempotent']

test('the document\'s nginx.conf becomes the configuration it describes', async t => {
  const config = importConfig(filledDocument())

  t.strictSame(config.listeners, [{ port: 80, host: '0.0.0.0', ui: 'sentry' }, { port: 81, host: '0.0.0.0', ui: 'sentry_rum' }])
  for (const [name, host, port] of [['relay', 'relay', 3000], ['sentry', 'web', 9000], ['sentry_rum', 'web-rum', 9000]] as const) {
    t.strictSame(config.upstreams[name], {
      name, servers: [{ host, port }], connectTimeoutMs: 60_000, sendTimeoutMs: 5000, readTimeoutMs: 30_000, nextUpstream: NEXT, nextUpstreamTries: 2
    })
  }
  t.strictSame(config.routes.map(({ location, upstream, rewrite, mirror, root, internal, hideHeaders }) => [location, upstream, rewrite, mirror, root, internal, hideHeaders]), [
    ['/api/store/', 'relay', null, false, null, false, []],
    ['~ ^/api/[1-9]\\d*/', 'relay', null, true, null, false, []],
    ['= /rum_mirror', null, null, false, null, true, []],
    ['^~ /api/0/relays/', 'relay', null, false, null, false, []],
    ['^~ /js-sdk/', null, null, false, '/var/www', false, []],
    ['/', 'ui', null, false, null, false, []],
    ['/_assets/', 'ui', '/_static/dist/sentry/', false, null, false, ['content-disposition']],
    ['/_static/', 'ui', null, false, null, false, ['content-disposition']]
  ])
  t.strictSame(config.routes[4]?.addHeaders, [['Access-Control-Allow-Origin', '*']])
  t.strictSame(Object.keys(config.routes[4]?.types ?? {}), [])
  t.strictSame(config.client, { maxBodyBytes: 104_857_600, headerTimeoutMs: 60_000, bodyTimeoutMs: 60_000, sendTimeoutMs: 60_000, keepaliveTimeoutMs: 75_000, maxConnections: 16_384, maxConnectionsPerAddress: null, maxBodySpaceBytes: 2_147_483_648 })
  t.strictSame(config.realIp, {
    header: 'x-forwarded-for',
    recursive: true,
    trusted: ['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/14', '172.24.0.0/14', '172.28.0.0/14', '192.168.0.0/16', '10.0.0.0/8']
  })
  t.match(config.mirror, {
    endpoint: { href: 'http://rum.example.test/' },
    host: 'rum.example.test',
    default: '/rum/sentry/workspace/service',
    endpoints: 'all',
    methods: 'all',
    dropHeaders: [],
    connectTimeoutMs: 5000,
    sendTimeoutMs: 5000,
    readTimeoutMs: 5000
  })
  t.equal(config.mirror?.projects.size, 0)
  t.equal(config.log.level, 'warn')
  t.equal(config.log.access, 'main')
  t.equal(config.workers, 2)
})

test('the stock nginx.conf of self-hosted becomes one listener without a mirror', async t => {
  const config = importConfig(fixture('stock.conf'))

  t.strictSame(config.listeners, [{ port: 80, host: '0.0.0.0', ui: 'sentry' }])
  t.equal(config.mirror, null)
  t.match(config.upstreams['relay'], { readTimeoutMs: 90_000, nextUpstream: ['error', 'timeout'], nextUpstreamTries: 0 })
  t.strictSame(config.routes.filter(({ upstream }) => upstream === 'ui').map(({ location }) => location), ['/', '/_assets/', '/_static/'])
  t.notOk(config.routes.some(({ mirror, internal }) => mirror || internal))
})

test('upstreams that look names up again, as in newer stock files, are imported', async t => {
  const text = fixture('stock.conf')
    .replace('upstream relay {', 'resolver 127.0.0.11 valid=10s ipv6=off;\nupstream relay {\nzone relay 64k;')
    .replace('server relay:3000;', 'server relay:3000 resolve;')

  t.strictSame(importConfig(text).upstreams['relay']?.servers, [{ host: 'relay', port: 3000 }])
})

test('placeholders of the document pass through, with a note, and the loader refuses them', async t => {
  const { yaml, notes, faults } = importText(fixture('document.conf'))

  t.strictSame(faults, [])
  t.match(notes, [/mime\.types is not here/, /standard output/, /Placeholders such as <endpoint>/])
  t.match(yaml, /^ {2}endpoint: "http:\/\/<endpoint>"$/m)
  t.throws(() => importConfig(fixture('document.conf')), /not loaded: .*the placeholder <endpoint> is left/)
})

test('each section of the result starts at the beginning of a line of its own', async t => {
  const { yaml } = importText(filledDocument())

  const keys = (parseDocument(yaml).toJS() as object)
  const starts = yaml.split('\n').filter(line => /^[^ #]/.test(line)).map(line => line.split(':')[0])
  t.strictSame(starts, Object.keys(keys))
  t.strictSame(starts, ['listeners', 'upstreams', 'routes', 'client', 'real_ip', 'mirror', 'workers', 'log'])
})

test('the result says where it comes from, that its paths are secrets, and what has no effect', async t => {
  const { yaml } = importText(filledDocument())

  t.match(yaml, /^# Imported from nginx\.conf /)
  t.match(yaml, /^# The paths under mirror are secrets/m)
  t.match(yaml, /^# {3}line 1: user nginx \(.+\)$/m)
  t.match(yaml, /^# {3}line 25: tcp_nodelay on \(.+\)$/m)
  t.match(yaml, /^# {3}line 128: proxy_ignore_client_abort on \(.+\)$/m)
})

test('a mapped path is in the mirror section and nowhere else', async t => {
  const { yaml, notes, outcomes } = importText(filledDocument().replace('default /rum', '"~^/api/7/envelope/" /rum/secret-seven; default /rum'))

  t.equal(yaml.split('secret-seven').length, 2)
  t.match(yaml, /^ {4}7: \/rum\/secret-seven$/m)
  t.notMatch(JSON.stringify([notes, outcomes.map(({ detail }) => detail)]), /secret-seven/)
})

test('every directive of the document is spoken for', async t => {
  const { outcomes } = importText(filledDocument())

  const unused = outcomes.filter(({ kind, detail }) => kind === 'fault' || /nothing that is carried over/.test(detail))
  t.strictSame(unused.map(({ directive }) => directive.name), [])
  const names = parseNginx(filledDocument(), 'nginx.conf').directives.flatMap(withDescendants).map(({ name }) => name)
  t.strictSame(outcomes.map(({ directive }) => directive.name).filter(name => names.includes(name) && name !== 'types'), names)
})

test('values nginx would default to are written out where the router\'s defaults differ', async t => {
  const config = importConfig('events { } http { server { location / { proxy_pass http://web:9000; } } }')

  t.strictSame(config.listeners, [{ port: 80, host: '0.0.0.0', ui: 'web' }])
  t.match(config.upstreams['web'], { readTimeoutMs: 60_000, sendTimeoutMs: 60_000, connectTimeoutMs: 60_000, nextUpstream: ['error', 'timeout'], nextUpstreamTries: 0 })
  t.equal(config.client.maxBodyBytes, 1_048_576)
  t.strictSame(config.realIp, { header: 'x-real-ip', recursive: false, trusted: [] })
  t.equal(config.workers, 1)
})
