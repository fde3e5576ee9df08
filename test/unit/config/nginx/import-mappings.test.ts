import { test } from 'tap'
import type { Config } from '../../../../src/config/config.ts'
import { filledDocument, importConfig, importText } from '../../../helpers/imported.ts'

const DOCUMENT = filledDocument()

/** The document with one thing replaced wherever it stands. */
function changed (found: string, replacement: string): string {
  const text = DOCUMENT.replaceAll(found, () => replacement)
  if (text === DOCUMENT) throw new Error(`"${found}" is not in the document`)
  return text
}

function config (found: string, replacement: string): Config {
  return importConfig(changed(found, replacement))
}

function noteOf (found: string, replacement: string): string {
  return importText(changed(found, replacement)).notes.join('\n')
}

const LISTEN: readonly (readonly [written: string, host: string, port: number])[] = [
  ['listen 80', '0.0.0.0', 80],
  ['listen *:8080', '0.0.0.0', 8080],
  ['listen 127.0.0.1:18080', '127.0.0.1', 18_080],
  ['listen 127.0.0.1', '127.0.0.1', 80],
  ['listen [::]:80', '::', 80],
  ['listen [::1]:80', '::1', 80],
  ['listen 80 default_server reuseport backlog=511', '0.0.0.0', 80],
  ['listen 80; listen [::]:80', '::', 80],
  ['listen [::]:80; listen 80', '::', 80],
  ['listen 80; listen 127.0.0.1:80', '0.0.0.0', 80]
]

for (const [written, host, port] of LISTEN) {
  test(`"${written}" is a listener on ${host} port ${port}`, async t => {
    const { listeners } = importConfig(DOCUMENT.replace('listen 80', written))

    t.strictSame(listeners, [{ host, port, ui: 'sentry' }, { host: '0.0.0.0', port: 81, ui: 'sentry_rum' }])
  })
}

test('a server with several addresses has several listeners', async t => {
  const { listeners } = config('listen 80;', 'listen 80; listen 8080;')

  t.strictSame(listeners.map(({ port, ui }) => [port, ui]), [[80, 'sentry'], [8080, 'sentry'], [81, 'sentry_rum']])
})

test('times and sizes of nginx keep their length', async t => {
  t.equal(config('keepalive_timeout 75s;', 'keepalive_timeout 1m30s 60s;').client.keepaliveTimeoutMs, 90_000)
  t.equal(config('keepalive_timeout 75s;', 'keepalive_timeout 0;').client.keepaliveTimeoutMs, 0)
  t.equal(config('keepalive_timeout 75s;', 'client_header_timeout 500ms;').client.headerTimeoutMs, 500)
  t.equal(config('keepalive_timeout 75s;', 'client_body_timeout 7;').client.bodyTimeoutMs, 7000)
  t.equal(config('keepalive_timeout 75s;', 'send_timeout 1h;').client.sendTimeoutMs, 3_600_000)
  t.equal(config('client_max_body_size 100m;', 'client_max_body_size 1500;').client.maxBodyBytes, 1500)
  t.equal(config('client_max_body_size 100m;', 'client_max_body_size 64K;').client.maxBodyBytes, 65_536)
  t.equal(config('client_max_body_size 100m;', 'client_max_body_size 2g;').client.maxBodyBytes, 2_147_483_648)
})

test('lines of the map become projects, in every spelling', async t => {
  const { mirror } = config('default /rum/sentry', `
    "~^/api/1/envelope/" /rum/one;
    ~^/api/2/ /rum/two;
    ~*^/api/3/envelope /rum/three;
    '~^/api/(4|5)/envelope/' /rum/four-five;
    ~^\\/api\\/6\\/ /rum/six;
    ~^/api/7/ '';
    volatile;
    default /rum/sentry`)

  t.strictSame([...mirror?.projects ?? []], [
    ['1', '/rum/one'], ['2', '/rum/two'], ['3', '/rum/three'], ['4', '/rum/four-five'], ['5', '/rum/four-five'], ['6', '/rum/six'], ['7', null]
  ])
  t.equal(mirror?.default, '/rum/sentry/workspace/service')
})

test('a map without a default copies the listed projects only, and says so', async t => {
  const line = 'default /rum/sentry/workspace/service;'

  t.equal(config(line, '~^/api/1/ /rum/one;').mirror?.default, null)
  t.equal(config(line, 'default "";').mirror?.default, null)
  t.match(noteOf(line, '~^/api/1/ /rum/one;'), /The map has no default path.*mirror\.default is off/)
})

const ENDPOINTS: readonly (readonly [name: string, found: string, replacement: string, endpoint: string, host: string])[] = [
  ['its port', 'server rum.example.test:80;', 'server rum.example.test:8080;', 'http://rum.example.test:8080', 'rum.example.test'],
  ['port 80 where none is written', 'server rum.example.test:80;', 'server rum.example.test;', 'http://rum.example.test', 'rum.example.test'],
  ['a Host of its own', 'server rum.example.test:80;', 'server 127.0.0.1:18330;', 'http://127.0.0.1:18330', 'rum.example.test'],
  ['https', 'proxy_pass http://rum_forwarder$', 'proxy_pass https://rum_forwarder$', 'https://rum.example.test:80', 'rum.example.test'],
  ['a name without an upstream', 'proxy_pass http://rum_forwarder$', 'proxy_pass https://rum.example.test$', 'https://rum.example.test', 'rum.example.test'],
  ['variables in braces', '$forwarder_path$request_uri', '${forwarder_path}${request_uri}', 'http://rum.example.test', 'rum.example.test'],
  ['the Host nginx makes up', 'proxy_set_header Host rum.example.test;', 'proxy_set_header Host $proxy_host;', 'http://rum.example.test', 'rum_forwarder']
]

for (const [name, found, replacement, endpoint, host] of ENDPOINTS) {
  test(`the endpoint keeps ${name}`, async t => {
    const { mirror } = config(found, replacement)

    t.equal(mirror?.endpoint.origin, endpoint)
    t.equal(mirror?.host, host)
  })
}

test('a fixed path in front of $request_uri is the default path', async t => {
  const { mirror } = config('rum_forwarder$forwarder_path$request_uri', 'rum_forwarder/rum/fixed$request_uri')

  t.equal(mirror?.default, '/rum/fixed')
  t.equal(mirror?.projects.size, 0)
})

test('headers the mirror empties are never sent to the endpoint', async t => {
  const text = changed('proxy_set_header Host rum.example.test;', 'proxy_set_header Host rum.example.test; proxy_set_header Cookie ""; proxy_set_header Authorization "";')

  t.strictSame(importConfig(text).mirror?.dropHeaders, ['cookie', 'authorization'])
})

test('a file with the mirror taken out has no mirror section, and its map and upstream are listed as idle', async t => {
  const text = DOCUMENT.replaceAll(/^\t\t\tmirror.*\n/gm, '')

  const { yaml } = importText(text)

  t.equal(importConfig(text).mirror, null)
  t.match(yaml, /^# {3}line \d+: upstream rum_forwarder \(nothing that is carried over uses it\)$/m)
  t.match(yaml, /^# {3}line \d+: map \$request_uri \$forwarder_path \(/m)
  t.notMatch(yaml, /workspace\/service/)
})

test('trusted ranges and addresses are carried over', async t => {
  const { realIp } = config('set_real_ip_from 10.0.0.0/8;', 'set_real_ip_from 127.0.0.1; set_real_ip_from 2001:db8::/32;')

  t.strictSame(realIp.trusted.slice(-2), ['127.0.0.1/32', '2001:db8::/32'])
})

test('two servers of an upstream are carried over, and how it goes on to the next', async t => {
  const { upstreams } = importConfig(changed('server relay:3000;', 'server 127.0.0.1:1; server 127.0.0.1:2 weight=1 max_fails=1 fail_timeout=10s;').replace('proxy_next_upstream_tries 2;', '').replace(/proxy_next_upstream .*;/, 'proxy_next_upstream off;'))

  t.strictSame(upstreams['relay']?.servers, [{ host: '127.0.0.1', port: 1 }, { host: '127.0.0.1', port: 2 }])
  t.strictSame(upstreams['relay']?.nextUpstream, [])
  t.equal(upstreams['relay']?.nextUpstreamTries, 0)
})

test('a time that all locations of one upstream set alike is that upstream\'s', async t => {
  const text = DOCUMENT.replaceAll(/proxy_pass http:\/\/relay;/g, '$& proxy_read_timeout 7s;')

  const { upstreams } = importConfig(text)

  t.equal(upstreams['relay']?.readTimeoutMs, 7000)
  t.equal(upstreams['sentry']?.readTimeoutMs, 30_000)
})

test('servers that proxy_pass names without an upstream block get one', async t => {
  const { upstreams, routes } = importConfig('events { } http { server { listen 80; location / { proxy_pass http://web:9000; } location /a/ { proxy_pass http://web:9001/b/; } location /c/ { proxy_pass http://[::1]:3000; } } }')

  t.strictSame(upstreams['web']?.servers, [{ host: 'web', port: 9000 }])
  t.strictSame(upstreams['web-9001']?.servers, [{ host: 'web', port: 9001 }])
  t.strictSame(upstreams['1']?.servers, [{ host: '::1', port: 3000 }])
  t.strictSame(routes.map(({ location, upstream, rewrite }) => [location, upstream, rewrite]), [['/', 'ui', null], ['/a/', 'web-9001', '/b/'], ['/c/', '1', null]])
})

test('locations keep their modifier, however it is written', async t => {
  const { routes } = importConfig('events { } http { server { location / { proxy_pass http://w; } location =/a { proxy_pass http://w; } location ^~/b { proxy_pass http://w; } location ~^/c { proxy_pass http://w; } location ~* "^/d{2}$" { proxy_pass http://w; } } }')

  t.strictSame(routes.map(({ location }) => location), ['/', '= /a', '^~ /b', '~ ^/c', '~* ^/d{2}$'])
})

test('content types that differ from nginx\'s own are carried over for files', async t => {
  const text = changed('include /etc/nginx/mime.types;', 'include mime.types;')
  const table = 'types { text/javascript JS mjs; text/html html htm shtml; application/json json; }'

  const types = importConfig(text, { 'mime.types': table }).routes.find(({ root }) => root !== null)?.types

  t.equal(types?.['js'], 'text/javascript')
  t.equal(types?.['mjs'], 'text/javascript')
  t.equal(types?.['html'], undefined)
  t.equal(types?.['css'], 'application/octet-stream')
})

test('log levels and access logs are carried over', async t => {
  t.equal(config('error.log warn;', 'error.log notice;').log.level, 'info')
  t.equal(config('error.log warn;', 'error.log crit;').log.level, 'fatal')
  t.equal(config('error.log warn;', 'error.log;').log.level, 'error')
  t.equal(config('access_log /var/log/nginx/access.log main;', 'access_log off;').log.access, 'off')
  t.equal(config('access_log /var/log/nginx/access.log main;', 'access_log /a.log main buffer=32k flush=5s;').log.access, 'main')
  t.equal(config('access_log /var/log/nginx/access.log main;', 'access_log /a.log;').log.access, 'main')
  t.match(noteOf('access_log /var/log/nginx/access.log main;', 'access_log /a.log;'), /nginx writes its "combined" format/)
})

test('workers are carried over', async t => {
  t.equal(config('worker_processes auto;', 'worker_processes 3;').workers, 3)
  t.equal(config('worker_processes auto;', '').workers, 1)
})

test('a server name is listed as having no effect', async t => {
  const { yaml } = importText(changed('listen 80;', 'listen 80; server_name sentry.example.com;'))

  t.match(yaml, /^# {3}line 103: server_name sentry\.example\.com \(a listener answers to every name\)$/m)
})

test('links out of the root are followed only where the file says that they are', async t => {
  const files = ['', 'disable_symlinks off;'].map(written => config('root /var/www/;', `root /var/www/; ${written}`).routes.find(({ root }) => root !== null))

  t.strictSame(files.map(route => route?.symlinks), ['inside', 'any'])
})

test('a dollar that would mean something to the loader arrives as it was', async t => {
  const { routes } = config('root /var/www/;', 'root "/var/a\'b\\"c/é";')
  const { addHeaders } = config('Origin *;', 'Origin "a # b: \'c\' {d}";').routes.find(({ root }) => root !== null) ?? {}

  t.equal(routes.find(({ root }) => root !== null)?.root, '/var/a\'b"c/é')
  t.strictSame(addHeaders, [['Access-Control-Allow-Origin', 'a # b: \'c\' {d}']])
  t.equal(config('~ ^/api/[1-9]\\d*/', '~ "^/api/(?:1|2$${2})"').routes[1]?.location, '~ ^/api/(?:1|2$${2})')
})
