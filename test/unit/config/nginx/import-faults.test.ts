import { test } from 'tap'
import { filledDocument, importText } from '../../../helpers/imported.ts'

const DOCUMENT = filledDocument()

/** What replaces what in the document, and the faults wanted. Lines are those of the document. */
type Case = readonly [name: string, found: string, replacement: string, faults: readonly (readonly [line: number, message: RegExp])[]]

const CASES: readonly Case[] = [
  ['TLS', 'listen 80;', 'listen 443 ssl;', [[103, /"listen 443 ssl" is not carried over; TLS ends elsewhere/]]],
  ['a certificate', 'listen 80;', 'listen 80; ssl_certificate /cert.pem;', [[103, /"ssl_certificate" is not carried over; TLS ends elsewhere/]]],
  ['a return', 'location /api/store/ {\n\t\t\tproxy_pass', 'location /api/store/ {\n\t\t\treturn 403; proxy_pass', [[106, /"return" is not carried over/], [155, /"return" is not carried over/]]],
  ['a condition', 'listen 80;', 'listen 80; if ($host = a) { return 301 /; }', [[103, /"if" is not carried over/]]],
  ['compression', 'gzip off;', 'gzip on;', [[30, /"gzip on" is not carried over: the router never compresses/]]],
  ['rate limits', 'gzip off;', 'limit_req_zone $binary_remote_addr zone=a:1m rate=1r/s;', [[30, /limit clients in front of the router/]]],
  ['passwords', 'listen 80;', 'listen 80; auth_basic "x";', [[103, /ask for passwords in front/]]],
  ['access by address', 'listen 80;', 'listen 80; deny all;', [[103, /restrict addresses in front/]]],
  ['a cache', 'listen 80;', 'listen 80; proxy_cache_valid 1m;', [[103, /the router caches nothing/]]],
  ['no links at all', 'gzip off;', 'disable_symlinks if_not_owner from=/var;', [[30, /follows links that stay in the root, so take it out, or write "off"/]]],
  ['an unlimited body', 'client_max_body_size 100m;', 'client_max_body_size 0;', [[37, /no limit, which the router does not offer; write the largest/]]],
  ['a time without sense', 'keepalive_timeout 75s;', 'keepalive_timeout 75x;', [[28, /"keepalive_timeout 75x" is no time; write one such as 30s/]]],
  ['a larger response head', 'proxy_buffer_size          128k;', 'proxy_buffer_size 256k;', [[41, /refuses response heads above 128 KiB; write at most 128k/]]],
  ['an unknown directive', 'tcp_nodelay on;', 'tcp_nodlay on;', [[25, /"tcp_nodlay" is not a directive this import knows; did you mean tcp_nodelay\?/]]],
  ['a directive of nobody', 'tcp_nodelay on;', 'frobnicate_everything on;', [[25, /"frobnicate_everything" is not a directive this import knows; take it out/]]],
  ['a directive in a wrong place', 'tcp_nodelay on;', 'proxy_pass http://relay;', [[25, /"proxy_pass" is not allowed in http; it belongs in location/]]],
  ['too many arguments', 'tcp_nodelay on;', 'server_tokens on off;', [[25, /"server_tokens" has 2 arguments; it takes 1/]]],
  ['a directive written twice', 'tcp_nodelay on;', 'sendfile on;', [[25, /"sendfile" stands here twice; keep one \(the other is in line 23\)/]]],
  ['a missing semicolon', 'client_body_buffer_size 64k;', 'client_body_buffer_size 64k', [[36, /"client_body_buffer_size" goes on to the next line; end it with ";" before "client_max_body_size"/]]],
  ['another header', 'proxy_set_header Host $host;', 'proxy_set_header X-Real-IP $remote_addr;', [[60, /"X-Real-IP" is not carried over; the router sets Host/]]],
  ['another Host', 'proxy_set_header Host $host;', 'proxy_set_header Host $http_host;', [[60, /the router sends Host as \$host: write that/]]],
  ['the whole X-Forwarded-For', 'proxy_set_header X-Forwarded-For $remote_addr;', 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;', [[61, /the router sends X-Forwarded-For as \$remote_addr/]]],
  ['one mirror without its bodies', 'mirror_request_body on;\n\t\t}\n\t\tlocation = /rum_mirror {\n\t\t\tinternal;\n\t\t\t\n\t\t\tproxy_pass http://rum_forwarder$forwarder_path$request_uri;', 'mirror_request_body off;\n\t\t}\n\t\tlocation = /rum_mirror {\n\t\t\tinternal;\n\t\t\t\n\t\t\tproxy_pass http://rum_forwarder$forwarder_path$request_uri;', [[111, /a copy always has the whole body/], [160, /a copy always has the whole body/]]],
  ['a map of something else', 'map $request_uri $forwarder_path', 'map $host $forwarder_path', [[94, /copies are mapped by project only; map \$request_uri instead of \$host/]]],
  ['a map key that is no project', 'default /rum', '~^/js/ /rum/x;\n\t\tdefault /rum', [[96, /write a key such as "~\^\/api\/1\/envelope\/"/]]],
  ['a map key of a whole path', 'default /rum', '/api/1/envelope/ /rum/x;\n\t\tdefault /rum', [[96, /write a key such as/]]],
  ['host names in the map', 'default /rum', 'hostnames;\n\t\tdefault /rum', [[96, /"hostnames" is not carried over/]]],
  ['a project mapped twice', 'default /rum', '~^/api/1/envelope/ /rum/x;\n~^/api/1/ /rum/y;\n\t\tdefault /rum', [[97, /project 1 is mapped twice, and differently/]]],
  ['a path with a variable', 'default /rum', '~^/api/1/ /rum/$host;\n\t\tdefault /rum', [[96, /begins with "\/" and holds no variables/]]],
  ['two endpoints', 'server rum.example.test:80;', 'server rum.example.test:80; server other.example.test;', [[85, /there is one endpoint/]]],
  ['a weight', 'server relay:3000;', 'server relay:3000 weight=2; server relay2:3000;', [[68, /"weight=2" is not carried over/]]],
  ['a spare server', 'server relay:3000;', 'server relay:3000; server relay2:3000 backup;', [[68, /"backup" is not carried over/]]],
  ['sticky clients', 'server relay:3000;', 'ip_hash; server relay:3000; server relay2:3000;', [[68, /"ip_hash" is not carried over/]]],
  ['a server that is a socket', 'server relay:3000;', 'server unix:/relay.sock;', [[68, /is no address the router can use; write host:port/]]],
  ['an encrypted upstream', 'proxy_pass http://sentry/_static/dist/sentry/;', 'proxy_pass https://sentry/_static/dist/sentry/;', [[141, /upstreams are reached over http/]]],
  ['another format of the log', '\'$remote_addr - ', '\'$remote_addr ', [[21, /the format "main" is not carried over/]]],
  ['a header of an answer', 'proxy_redirect off;', 'proxy_redirect off; add_header X-A b;', [[40, /"add_header X-A b" is not carried over; the router adds headers to files/]]],
  ['a header on every file', 'add_header Access-Control-Allow-Origin *;\n\t\t}\n\t\tlocation / {\n\t\t\tproxy_pass http://sentry;', 'add_header Access-Control-Allow-Origin * always;\n\t\t}\n\t\tlocation / {\n\t\t\tproxy_pass http://sentry;', [[135, /take "always" out/]]],
  ['a folder with a variable', 'root /var/www/;', 'root /var/$host;', [[134, /write the whole path of the folder/], [183, /write the whole path of the folder/]]],
  ['another default type', 'default_type application/octet-stream;', 'default_type text/html;', [[15, /a file of unknown extension is application\/octet-stream/]]],
  ['servers told apart by name', 'listen 81;', 'listen 80;', [[152, /port 80 is taken by the server of line 103/]]],
  ['a regular expression of PCRE only', '~ ^/api/[1-9]\\d*/', '~ "^/api/[1-9]\\d*/(?i)x"', [[108, /is not carried over/], [157, /is not carried over/]]],
  ['a location inside a location', 'location /api/store/ {', 'location /api/store/ { location /api/store/x { proxy_pass http://relay; }', [[105, /a location inside a location/], [154, /a location inside a location/]]],
  ['a named location', 'location /api/store/ {', 'location @store {', [[105, /a named location/], [154, /a named location/]]],
  ['a mirror clients can reach', 'internal;', '', [[113, /clients can reach the location of the mirror/], [162, /clients can reach/]]],
  ['a mirror that is not there', 'location = /rum_mirror', 'location = /elsewhere', [[110, /there is no location for "mirror \/rum_mirror"/], [159, /there is no location/]]]
]

for (const [name, found, replacement, wanted] of CASES) {
  test(`not carried over, with its line: ${name}`, async t => {
    const text = DOCUMENT.replaceAll(found, () => replacement)
    t.not(text, DOCUMENT, 'the replacement hits')

    const { faults, yaml } = importText(text)

    const lines = [...new Set(faults.map(({ line }) => line))]
    t.strictSame(lines, wanted.map(([line]) => line), JSON.stringify(faults))
    for (const [line, message] of wanted) t.ok(faults.some(fault => fault.line === line && message.test(fault.message)), JSON.stringify(faults))
    t.equal(yaml, '')
  })
}

/** Changes in the second server only. */
const DIFFERENCES: readonly (readonly [name: string, found: string, replacement: string, line: number, message: RegExp])[] = [
  ['a location that leads elsewhere', 'proxy_pass http://sentry_rum;\n\t\t\tproxy_hide_header', 'proxy_pass http://relay;\n\t\t\tproxy_hide_header', 144, /passes to sentry and relay, while that of line 137 passes to sentry and sentry_rum/],
  ['a location more', 'location /api/store/ {', 'location /more/ { proxy_pass http://relay; } location /api/store/ {', 154, /location \/more\/ is not the same in every server block/],
  ['a location less', 'location /api/store/ {\n\t\t\tproxy_pass http://relay;\n\t\t}', '', 105, /location \/api\/store\/ is not the same in every server block/],
  ['a header kept', '\t\t\tproxy_hide_header Content-Disposition;\n\t\t}\n\t\tlocation /_static/', '\t\t}\n\t\tlocation /_static/', 189, /location \/_assets\/ is not the same/],
  ['another time', 'proxy_read_timeout 5s;', 'proxy_read_timeout 6s;', 162, /this mirror is not the same as the one before it/],
  ['another limit', 'listen 81;', 'listen 81; client_max_body_size 1m;', 152, /"client_max_body_size 1m" differs from "client_max_body_size 100m" in line 37; the router has one value/],
  ['another upstream time', 'location /api/store/ {', 'location /api/store/ { proxy_read_timeout 10s;', 154, /"proxy_read_timeout 10s" differs from "proxy_read_timeout 30s" in line 64; upstream relay has one value/]
]

for (const [name, found, replacement, line, message] of DIFFERENCES) {
  test(`servers that differ in more than one upstream are refused, with the line: ${name}`, async t => {
    const second = DOCUMENT.indexOf('listen 81;')
    const text = DOCUMENT.slice(0, second) + DOCUMENT.slice(second).replace(found, () => replacement)
    t.not(text, DOCUMENT, 'the replacement hits')

    const { faults } = importText(text)

    t.match(faults, [{ file: 'nginx.conf', line, message }])
    t.equal(faults.length, 1, JSON.stringify(faults))
  })
}

test('a file without http or without a server says so', async t => {
  t.match(importText('').faults, [{ line: 0, message: /there is no http block/ }])
  t.match(importText('http { }').faults, [{ line: 0, message: /there is no server block/ }])
  t.match(importText('http { server { location / { root /a; } } }').faults, [{ line: 0, message: /no location has a proxy_pass/ }])
})

test('a syntax error comes with its place, and no result', async t => {
  const { faults, yaml } = importText('events { }\nhttp {\n  server {\n    listen 80\n  }\n}\n')

  t.match(faults, [{ file: 'nginx.conf', line: 5, column: 3, message: /unexpected "}"; end the directive before it/ }])
  t.equal(yaml, '')
})

test('faults never repeat a mapped path', async t => {
  const keys = ['~^/x/ /rum/secret;', 'default /rum/secret$host;', '~^/api/1/ /rum/secret x;', '~^/api/1/ rum/secret;', '~^/api/1/ "/rum/secret 1";', '~^/api/1/ /rum/a; ~^/api/1/ /rum/secret;']
  for (const key of keys) {
    const { faults, notes } = importText(DOCUMENT.replace(/default \/rum[^;]*;/, key))

    t.not(faults.length, 0, key)
    t.notMatch(JSON.stringify([faults, notes]), /secret/)
  }
})
