import { array, constantFrom, oneof, record, sample, uniqueArray } from 'fast-check'
import { test } from 'tap'
import type { RouteConfig } from '../../../src/config/config.ts'
import { createRouteTable, type RouteMatch } from '../../../src/routing/table.ts'
import { exchange } from '../../helpers/exchange.ts'
import { startNginx } from '../../helpers/nginx.ts'
import { DOCUMENT_ROUTES, route } from '../../helpers/route.ts'

/** The location of the route, `301 /a/` for a redirect, or `none`. */
function describe (match: RouteMatch): string {
  if (match.kind === 'route') return match.route.location
  return match.kind === 'redirect' ? `301 ${match.location}` : 'none'
}

test('the documented routes take the paths that nginx gives them', async t => {
  const table = createRouteTable(DOCUMENT_ROUTES)
  const expected: Record<string, string> = {
    '/': '/',
    '/api/1/envelope/': '~ ^/api/[1-9]\\d*/',
    '/api/1/': '~ ^/api/[1-9]\\d*/',
    '/api/77/minidump': '~ ^/api/[1-9]\\d*/',
    '/api/12345678901234567890123/store/': '~ ^/api/[1-9]\\d*/',
    '/api/1': '/',
    '/api/01/envelope/': '/',
    '/api/1x/envelope/': '/',
    '/API/1/envelope/': '/',
    '/api/1;v=2/': '/',
    '/api/store/': '/api/store/',
    '/api/store/1': '/api/store/',
    '/api/store': '301 /api/store/',
    '/api/storex': '/',
    '/api/0/relays/': '^~ /api/0/relays/',
    '/api/0/relays': '301 /api/0/relays/',
    '/api/0/projects/': '/',
    '/_static': '301 /_static/',
    '/_static/x': '/_static/',
    '/_assets': '301 /_assets/',
    '/_assets/': '/_assets/',
    '/js-sdk': '/',
    '/js-sdk/': '^~ /js-sdk/',
    '/rum_mirror': '= /rum_mirror',
    '/rum_mirror/': '/',
    '/rum_mirrorx': '/'
  }

  for (const [path, location] of Object.entries(expected)) t.equal(describe(table.match(path)), location, path)
})

test('a path that no location takes matches nothing', async t => {
  const table = createRouteTable([route('/a/'), route('= /b'), route('~ ^/c')])

  t.equal(table.match('/d').kind, 'none')
  t.equal(createRouteTable([]).match('/').kind, 'none')
})

test('the redirect to a location is escaped', async t => {
  const table = createRouteTable([route('/a b/é/')])

  t.equal(describe(table.match('/a b/\xc3\xa9')), '301 /a%20b/%C3%A9/')
  t.equal(describe(table.match('/a b/\xc3\xa9/x')), '/a b/é/')
})

test('routes that nginx would refuse make no table', async t => {
  t.throws(() => createRouteTable([route('/a/'), route('b')]), /must start with "\/"/)
  t.throws(() => createRouteTable([route('~ (')]), SyntaxError)
  t.throws(() => createRouteTable([route('/a/'), route('^~ /a/')]), /"\^~ \/a\/" is listed twice/)
  t.throws(() => createRouteTable([route('= /a'), route('=/a')]), /listed twice/)
  t.throws(() => createRouteTable([route('~ ^/c/', { rewrite: '/d/' })]), /cannot have rewrite/)
  t.doesNotThrow(() => createRouteTable([route('/a/'), route('= /a/'), route('~ ^/a/'), route('~ ^/a/')]))
})

const NAMES = ['/', '/a', '/a/', '/a/b', '/a/b/', '/ab', '/ab/', '/b/', '/A/', '/a/b/c/', '/b/1/']
const REGEXES = ['^/a', 'b/$', '^/a/[0-9]+', '\\.js$', 'A', '^/(a|b)/b', '/b\\b', '^/a/?$', '^$']
const arbitraryRoute = record({
  modifier: constantFrom('', '', '^~ ', '= ', '~ ', '~* '),
  name: constantFrom(...NAMES),
  regex: constantFrom(...REGEXES),
  forwards: constantFrom(true, true, false)
}).map(({ modifier, name, regex, forwards }) => ({ location: modifier + (modifier.startsWith('~') ? regex : name), forwards }))

/** nginx takes `/a` and `^~ /a` for the same location, `= /a` for another one. */
const arbitraryRoutes = uniqueArray(arbitraryRoute, { minLength: 1, maxLength: 9, selector: ({ location }) => location.replace(/^\^~ /, '') })
const arbitraryPath = oneof(
  constantFrom(...NAMES, ...NAMES.map(name => `${name}/`), ...NAMES.map(name => name.slice(0, -1))),
  array(constantFrom('/', 'a', 'b', 'A', '1', '/a', '/b', 'x', '.js'), { maxLength: 6 }).map(parts => parts.join(''))
).map(path => `/${path}`.replace(/^\/+/, '/'))
  .filter(path => !path.includes('//'))

test('random locations have the precedence they have in nginx', async t => {
  const tables = sample(arbitraryRoutes, 60)
  const servers = tables.map((routes, table) => `server { listen 127.0.0.1:PORT_1; server_name t${table};\n${routes.map(nginxLocation).join('\n')}\n}`)
  const { port } = await startNginx(t, `${servers.join('\n')} server { listen 127.0.0.1:PORT_2; location / { return 200 $http_x_route; } }`)

  for (const [index, routes] of tables.entries()) {
    const table = createRouteTable(routes.map(toConfig))
    for (const path of sample(arbitraryPath, 25)) {
      const answer = await exchange(port, `GET ${path} HTTP/1.1\r\nHost: t${index}\r\nConnection: close\r\n\r\n`)

      const nginx = answer.status === 301
        ? `301 ${new URL(answer.header('location') ?? '').pathname}`
        : answer.status === 404 ? 'none' : routes[Number(answer.body.toString().match(/route (\d+)/)?.[1])]?.location
      t.equal(describe(table.match(path)), nginx, `${path} in ${JSON.stringify(routes)}`)
    }
  }
})

function nginxLocation ({ location, forwards }: { location: string, forwards: boolean }, index: number): string {
  const [, modifier, name] = /^(\S+ )?(.*)$/.exec(location) ?? []
  const quoted = `"${name?.replaceAll('\\', '\\\\')}"`
  return forwards
    ? `location ${modifier ?? ''}${quoted} { proxy_pass http://127.0.0.1:PORT_2; proxy_set_header X-Route "route ${index} "; }`
    : `location ${modifier ?? ''}${quoted} { return 200 "route ${index} "; }`
}

function toConfig ({ location, forwards }: { location: string, forwards: boolean }): RouteConfig {
  return route(location, forwards ? {} : { root: '/nowhere' })
}
