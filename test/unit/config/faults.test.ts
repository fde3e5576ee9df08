/** A table of bad files, with exactly what each is told. */
import { test } from 'tap'
import { faultsOf } from '../../helpers/configuration.ts'

type Row = readonly [text: string, ...faults: string[]]

function table (name: string, rows: readonly Row[]): void {
  test(name, async t => {
    for (const [text, ...faults] of rows) t.strictSame(faultsOf(text), faults, JSON.stringify(text))
  })
}

const MIRROR = 'mirror:\n  endpoint: https://rum.example\n'

table('an unknown option is named, with the one that was probably meant', [
  [`${MIRROR}  concurency: 4\n`, '3:3: mirror.concurency: unknown option; did you mean concurrency?'],
  ['listners: []\n', '1:1: listners: unknown option; did you mean listeners?'],
  ['client: { maxBody: 1MiB }\n', '1:11: client.maxBody: unknown option; did you mean max_body?'],
  ['upstreams: { web: { server: ["a:1"] } }\n', '1:21: upstreams.web.server: unknown option; did you mean servers?'],
  ['concurrency: 4\n', '1:1: concurrency: unknown option; it belongs under mirror:'],
  ['admin: { banana: 1 }\n', '1:10: admin.banana: unknown option; known here: host, port, token, hosts'],
  ['admin: { constructor: 1 }\n', '1:10: admin.constructor: unknown option; known here: host, port, token, hosts']
])

table('a time or size without a right unit is a fault that says what to write', [
  [`${MIRROR}  read_timeout: 5\n`, '3:17: mirror.read_timeout: expected a time such as 5s, got 5'],
  ['client: { send_timeout: 5 sec }\n', '1:25: client.send_timeout: expected a time such as 5s, got "5 sec"; write 5s'],
  ['client: { send_timeout: 0s }\n', '1:25: client.send_timeout: expected a time such as 5s, got 0s; the least is 1ms'],
  ['client: { send_timeout: 60d }\n', '1:25: client.send_timeout: expected a time such as 5s, got 60d; the most is 24d'],
  ['client: { max_body: 104857600 }\n', '1:21: client.max_body: expected a size such as 100MiB, got 104857600'],
  ['client: { max_body: 100m }\n', '1:21: client.max_body: expected a size such as 100MiB, got 100m; write 100MiB'],
  ['client: { max_body: 100MB }\n', '1:21: client.max_body: expected a size such as 100MiB, got 100MB; write 100MiB, or 95MiB to stay below 100MB'],
  ['spool: { max_bytes: 1KiB }\n', '1:21: spool.max_bytes: expected a size such as 100MiB, got 1KiB; the least is 1MiB']
])

table('a value of the wrong kind is told what was expected', [
  ['workers: many\n', '1:10: workers: expected a number from 1 to 256, or auto, got many'],
  ['workers: "2"\n', '1:10: workers: expected a number from 1 to 256, or auto, got 2; remove the quotes'],
  ['workers: 0\n', '1:10: workers: expected a number from 1 to 256, or auto, got 0'],
  ['workers: 1.5\n', '1:10: workers: expected a number from 1 to 256, or auto, got 1.5'],
  ['workers: [2]\n', '1:10: workers: expected a number from 1 to 256, or auto, got a list'],
  ['client: 5\n', '1:9: client: expected options, each as "name: value", got a single value'],
  ['listeners: { port: 80 }\n', '1:12: listeners: expected a list, got options'],
  ['- a\n', '1:1: expected options, each as "name: value", got a list'],
  ['mirror\n', '1:1: expected options, each as "name: value", got a single value'],
  [`${MIRROR}  methods: POST\n`, '3:12: mirror.methods: expected a list, or all, got a single value; write [POST]'],
  [`${MIRROR}  methods: [post]\n`, '3:13: mirror.methods[0]: expected a method in upper case such as POST, got post; write POST'],
  [`${MIRROR}  methods: []\n`, '3:12: mirror.methods: the list is empty; write at least one entry, or all'],
  ['real_ip: { recursive: yes }\n', '1:23: real_ip.recursive: expected true or false, got yes; write true'],
  ['real_ip: { recursive: "true" }\n', '1:23: real_ip.recursive: expected true or false, got true'],
  ['log: { level: warning }\n', '1:15: log.level: expected one of trace, debug, info, warn, error, fatal, silent, got warning'],
  ['log: { access: jsn }\n', '1:16: log.access: expected one of main, json, off, got jsn; write json'],
  ['spool: { when_full: "" }\n', '1:21: spool.when_full: expected one of drop_oldest, drop_newest, got an empty text'],
  ['real_ip: { trusted: [~] }\n', '1:22: real_ip.trusted[0]: expected a range of addresses such as 10.0.0.0/8, got nothing'],
  ['{ [a]: 1 }\n', '1:3: expected the name of an option, got something with parts']
])

table('ports, hosts, servers and ranges are checked', [
  ['listeners: [{ port: 99999 }]\n', '1:21: listeners[0].port: expected a number from 0 to 65535, got 99999'],
  ['listeners: [{ port: -1 }]\n', '1:21: listeners[0].port: expected a number from 0 to 65535, got -1'],
  ['listeners: [{ host: "::" }]\n', '1:13: listeners[0].port: missing; write a number from 0 to 65535'],
  ['admin: { host: "[::1]" }\n', '1:16: admin.host: expected an address such as 127.0.0.1, :: or localhost, got [::1]; write "::1" without brackets'],
  ['admin: { host: 256.0.0.1 }\n', '1:16: admin.host: expected an address such as 127.0.0.1, :: or localhost, got 256.0.0.1'],
  ['admin: { host: "*" }\n', '1:16: admin.host: expected an address such as 127.0.0.1, :: or localhost, got *; write "::" for every address'],
  ['upstreams: { web: { servers: ["http://web:9000/"] } }\n', '1:31: upstreams.web.servers[0]: expected a server such as relay:3000 or [::1]:3000, got http://web:9000/; write web:9000; upstreams are spoken to in plain HTTP'],
  ['upstreams: { web: { servers: ["web:0"] } }\n', '1:31: upstreams.web.servers[0]: expected a server such as relay:3000 or [::1]:3000, got web:0; a port is a number from 1 to 65535'],
  ['upstreams: { web: { servers: ["::1"] } }\n', '1:31: upstreams.web.servers[0]: expected a server such as relay:3000 or [::1]:3000, got ::1; write "[::1]"'],
  ['upstreams: { web: { servers: ["a b:1"] } }\n', '1:31: upstreams.web.servers[0]: expected a server such as relay:3000 or [::1]:3000, got "a b:1"'],
  ['upstreams: { web: { servers: [] } }\n', '1:30: upstreams.web.servers: the list is empty; write at least one entry'],
  ['upstreams: { web: { servers: ["a:1", "a:1"] } }\n', '1:38: upstreams.web.servers[1]: the same as upstreams.web.servers[0] (a:1); remove one of them'],
  ['upstreams: { api: { read_timeout: 5s } }\n', '1:19: upstreams.api.servers: missing; write a list'],
  ['upstreams: { ui: { servers: ["a:1"] } }\n', '1:14: upstreams.ui: expected a name of letters, digits, "-", "_" and ".", got ui; "ui" stands for the upstream of the listener; choose another name'],
  ['real_ip: { trusted: [10.0.0.0/33] }\n', '1:22: real_ip.trusted[0]: expected a range of addresses such as 10.0.0.0/8, got 10.0.0.0/33; the number after / is at most 32'],
  ['real_ip: { trusted: [10.0.0/8] }\n', '1:22: real_ip.trusted[0]: expected a range of addresses such as 10.0.0.0/8, got 10.0.0/8'],
  ['real_ip: { trusted: [10.0.0.0/x] }\n', '1:22: real_ip.trusted[0]: expected a range of addresses such as 10.0.0.0/8, got 10.0.0.0/x; write 10.0.0.0/ and the number of leading bits']
])

table('two things on one port are a fault', [
  ['listeners: [{ port: 80 }, { port: 80, host: "::" }]\n', '1:27: listeners[1]: the same as listeners[0] (:: port 80); remove one of them'],
  ['listeners: [{ port: 9145 }]\n', '1:1: admin.port: 9145 is the port of listeners[0]; choose another'],
  ['listeners: [{ port: 81, host: 10.0.0.1 }]\nadmin: { port: 81, host: 10.0.0.1 }\n', '2:16: admin.port: 81 is the port of listeners[0]; choose another']
])

table('the endpoint is an origin, and never repeated in a message', [
  ['mirror: {}\n', '1:9: mirror.endpoint: missing; write an origin such as https://rum.example.com, or off'],
  ['mirror: { endpoint: rum.example }\n', '1:21: mirror.endpoint: expected an origin such as https://rum.example.com, or off; put https:// (or http://) in front of the host name'],
  ['mirror: { endpoint: "https://rum.example/rum/sentry" }\n', '1:21: mirror.endpoint: expected an origin such as https://rum.example.com, or off; the path goes into mirror.default or mirror.projects'],
  ['mirror: { endpoint: "https://me:secret@rum.example" }\n', '1:21: mirror.endpoint: expected an origin such as https://rum.example.com, or off; remove the user name and password'],
  ['mirror: { endpoint: "https://rum.example?x" }\n', '1:21: mirror.endpoint: expected an origin such as https://rum.example.com, or off; remove everything from ? or # on'],
  ['mirror: { endpoint: "ftp://rum.example" }\n', '1:21: mirror.endpoint: expected an origin such as https://rum.example.com, or off; the scheme is https or http'],
  ['mirror: { endpoint: "https://rum!:9000" }\n', '1:21: mirror.endpoint: expected an origin such as https://rum.example.com, or off; a host name has letters, digits, "-", "_" and "."'],
  ['mirror: { endpoint: "https://" }\n', '1:21: mirror.endpoint: expected an origin such as https://rum.example.com, or off'],
  [`${MIRROR}  host: "https://rum.example"\n`, '3:9: mirror.host: expected a host name such as rum.example.com, with :port if it needs one, got https://rum.example; remove the scheme']
])

const PATH_EXPECTED = 'expected a path such as /rum/sentry/workspace/service, without spaces, ? and #, or off'
table('a mapped path starts with a slash and could be part of a request line; it is never repeated', [
  ...['rum/x', '"/a b"', '"/a?b"', '"/a#b"', '"/a\\tb"', '"/a\\u0000b"', '/ä', '""', '5', 'on'].map((path): Row => [`${MIRROR}  default: ${path}\n`, `3:12: mirror.default: ${PATH_EXPECTED}`]),
  [`${MIRROR}  projects: { 1: secret }\n`, `3:18: mirror.projects.1: ${PATH_EXPECTED}`],
  [`${MIRROR}  projects: { 1: }\n`, `3:18: mirror.projects.1: ${PATH_EXPECTED}`],
  [`${MIRROR}  projects: /rum/secret\n`, '3:13: mirror.projects: expected options, each as "name: value", got a single value']
])

const TOKEN_EXPECTED = 'expected a token of 16 characters or more: letters, digits and - . _ ~ + / =, or off'
table('an admin token is long enough not to be guessed, and never repeated', [
  ['admin: { token: secret }\n', `1:17: admin.token: ${TOKEN_EXPECTED}; it is too short; \`openssl rand -hex 32\` makes one`],
  ['admin: { token: "a secret with blanks in it" }\n', `1:17: admin.token: ${TOKEN_EXPECTED}`],
  ['admin: { token: [secret-secret-secret] }\n', `1:17: admin.token: ${TOKEN_EXPECTED}, got a list`],
  ['admin: { hosts: ["https://router.example"] }\n', '1:18: admin.hosts[0]: expected a host name such as router.example.com, got https://router.example; remove the scheme'],
  ['admin: { hosts: ["router.example:80"] }\n', '1:18: admin.hosts[0]: expected a host name such as router.example.com, got router.example:80; remove the port']
])

table('a project id is a whole number as Sentry writes it', [
  [`${MIRROR}  projects: { 01: /a }\n`, '3:15: mirror.projects.01: expected a project id such as 1, got 01'],
  [`${MIRROR}  projects: { 0: /a }\n`, '3:15: mirror.projects.0: expected a project id such as 1, got 0'],
  [`${MIRROR}  projects: { 1e3: /a }\n`, '3:15: mirror.projects.1e3: expected a project id such as 1, got 1e3'],
  [`${MIRROR}  projects: { default: /a }\n`, '3:15: mirror.projects.default: expected a project id such as 1, got default; default: stands beside projects:, not in it']
])

table('a key that is written twice is a fault at its second place', [
  [`${MIRROR}  projects:\n    1: /a\n    2: /b\n    1: /c\n`, '6:5: mirror.projects.1: written twice; keep one of them'],
  ['client: {}\nclient: {}\n', '2:1: client: written twice; keep one of them']
])

table('locations are checked as nginx would read them', [
  ['routes: [{ location: a/, upstream: web }]\n', '1:22: routes[0].location: expected a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex, got a/; a path starts with /'],
  ['routes: [{ location: "~ ^/(", upstream: web }]\n', '1:22: routes[0].location: expected a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex, got "~ ^/("; the regular expression is not right: Unterminated group'],
  ['routes: [{ location: "~ (?i)^/a", upstream: web }]\n', '1:22: routes[0].location: expected a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex, got "~ (?i)^/a"; the regular expression is not right: "(?i)" is not supported in a location\'s regular expression'],
  ['routes: [{ location: "~", upstream: web }]\n', '1:22: routes[0].location: expected a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex, got ~; the regular expression is missing'],
  ['routes: [{ location: "@named", upstream: web }]\n', '1:22: routes[0].location: expected a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex, got @named; named locations are not supported'],
  ['routes: [{ location: "/a?b", upstream: web }]\n', '1:22: routes[0].location: expected a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex, got /a?b; a location is matched against the path alone; remove ? and what follows'],
  ['routes: []\n', '1:9: routes: the list is empty; write at least one entry'],
  ['routes: [{ location: "~^/a", upstream: web }, { location: "~ ^/a", upstream: web }]\n', '1:47: routes[1]: the same as routes[0] (~ ^/a); remove one of them'],
  ['routes: [{ location: "^~ /a/", upstream: web }, { location: "/a/", upstream: web }]\n', '1:49: routes[1]: the same as routes[0] (/a/); remove one of them']
])

table('a route does exactly one thing, and no option of it is without effect', [
  ['routes: [{ location: / }]\n', '1:10: routes[0]: nothing answers this location; write one of upstream:, root: and internal: true'],
  ['routes: [{ upstream: web }]\n', '1:10: routes[0].location: missing; write a location such as /path/, = /path, ^~ /path/, ~ regex or ~* regex'],
  ['routes: [{ location: /, upstream: web, root: /x }]\n', '1:46: routes[0].root: stands beside upstream; keep one of upstream, root and internal'],
  ['routes: [{ location: /, root: /x, internal: true }]\n', '1:45: routes[0].internal: stands beside root; keep one of upstream, root and internal'],
  ['routes: [{ location: "~ ^/a", upstream: web, rewrite: /b/ }]\n', '1:55: routes[0].rewrite: a regex has no prefix to replace; write the location as a prefix, or remove rewrite'],
  ['routes: [{ location: /, root: /x, rewrite: /b/ }]\n', '1:44: routes[0].rewrite: has no effect without upstream; remove it'],
  ['routes: [{ location: /, root: /x, mirror: true }]\n', '1:43: routes[0].mirror: has no effect without upstream; remove it'],
  ['routes: [{ location: /, root: /x, hide_headers: [A] }]\n', '1:49: routes[0].hide_headers: has no effect without upstream; remove it'],
  ['routes: [{ location: /, upstream: ui, add_headers: { A: b } }]\n', '1:52: routes[0].add_headers: has no effect without root; remove it'],
  ['routes: [{ location: /, upstream: ui, types: { js: a/b } }]\n', '1:46: routes[0].types: has no effect without root; remove it'],
  ['routes: [{ location: /, root: /x, types: { .js: a/b } }]\n', '1:44: routes[0].types..js: expected a file extension without its dot, such as js, got .js; write js'],
  ['routes: [{ location: /, root: /x, add_headers: { "A:": b } }]\n', '1:50: routes[0].add_headers.A:: expected the name of a header field such as Access-Control-Allow-Origin, got A:'],
  ['routes: [{ location: /, root: /x, add_headers: { A: "b\\r\\nC: d" } }]\n', '1:53: routes[0].add_headers.A: expected the value of a header field: visible ASCII characters and spaces, got "b\\r\\nC: d"']
])

table('an upstream that does not exist is named, with the one that was probably meant', [
  ['routes: [{ location: /, upstream: relya }]\n', '1:35: routes[0].upstream: no upstream is called relya; did you mean relay?'],
  ['listeners: [{ port: 1, ui: web_rum }]\n', '1:28: listeners[0].ui: no upstream is called web_rum; did you mean web-rum?'],
  ['listeners: [{ port: 1, ui: other }]\n', '1:28: listeners[0].ui: no upstream is called other; known are relay, web, web-rum'],
  ['listeners: [{ port: 1, ui: ui }]\n', '1:28: listeners[0].ui: expected a name of letters, digits, "-", "_" and ".", got ui; "ui" stands for the upstream of the listener; choose another name'],
  // The fault inside the upstream does not make its name unknown.
  ['upstreams: { api: { servers: ["a:0"] } }\nroutes: [{ location: /, upstream: api }]\n', '1:31: upstreams.api.servers[0]: expected a server such as relay:3000 or [::1]:3000, got a:0; a port is a number from 1 to 65535']
])

table('a placeholder of the examples that is left is a fault that says so', [
  ['mirror: { endpoint: "https://<endpoint>" }\n', '1:21: mirror.endpoint: the placeholder <endpoint> is left; write your own value in its place'],
  [`${MIRROR}  default: /rum/sentry/<workspace>/<service>\n`, '3:12: mirror.default: the placeholder <workspace> is left; write your own value in its place'],
  [`${MIRROR}  projects: { 1: "/rum/sentry/w/<rum_service_id>" }\n`, '3:18: mirror.projects.1: the placeholder <rum_service_id> is left; write your own value in its place'],
  ['upstreams: { web: { servers: ["<your host>:80"] } }\n', '1:31: upstreams.web.servers[0]: the placeholder <your host> is left; write your own value in its place'],
  // A named group of a regular expression is none.
  ['routes: [{ location: "~ ^/(?<id>a)/(?P<other>b)", upstream: web }]\n'],
  ['routes: [{ location: "~ ^/(?<id>a)/\\\\k<id>", upstream: web }]\n']
])

table('a variable of the environment that is not set is a fault', [
  ['mirror: { endpoint: "${RUM}" }\n', '1:21: mirror.endpoint: the environment variable RUM is not set; set it, or write ${RUM:-default}'],
  ['mirror: { endpoint: "${RUM:?name the endpoint}" }\n', '1:21: mirror.endpoint: the environment variable RUM is not set: name the endpoint'],
  ['admin:\n  port: ${PORT:-http}\n', '2:9: admin.port: expected a number from 0 to 65535, got http'],
  ['admin: { host: "${" }\n', '1:16: admin.host: a ${ that is no reference; write ${NAME}, ${NAME:-default}, ${NAME:?message}, or $${ for the characters themselves']
])

table('the limits of a retry must fit each other', [
  [`${MIRROR}  retry: { initial: 10m }\n`, '3:21: mirror.retry.initial: is longer than max; write a shorter time']
])

table('what is not YAML is told where and why', [
  ['a: [1\n', '2:1: not YAML: flow sequence in block collection must be sufficiently indented and end with a ]; indent entries of one list or section alike'],
  ['a: b: c\n', '1:4: not YAML: nested mappings are not allowed in compact mappings; a value with ": " in it needs quotes; a nested section starts on a line of its own'],
  ['client:\n\tmax_body: 1MiB\n', '2:1: not YAML: tabs are not allowed as indentation; write spaces'],
  ['a: 1\n---\nb: 2\n', '2:1: not YAML: a second document starts here; remove the line with ---'],
  ['workers: !many 2\n', '1:10: not YAML: unresolved tag: !many'],
  ['workers: *none\n', '1:10: workers: no anchor &none stands above this alias'],
  ['client: { <<: 5 }\n', '1:11: client: << expects an alias of other options, such as *common']
])

test('a file above 1 MiB is a fault of the file as a whole', async t => {
  t.strictSame(faultsOf('#'.repeat(1024 * 1024 + 1)), ['larger than 1 MiB; this is no configuration file'])
  t.strictSame(faultsOf('#'.repeat(1024 * 1024)), [])
})

test('a file tells all its faults at once, in the order of its lines', async t => {
  const text = `${MIRROR}  concurency: 4\n  read_timeout: 5\nlisteners: [{ port: 80, ui: wbe }]\nclient: { max_body: 1MB, send_timeout: 1 }\n`

  const faults = faultsOf(text)

  t.strictSame(faults.map(fault => fault.split(': ')[0]), ['3:3', '4:17', '5:29', '6:21', '6:40'])
})
