import { array, constantFrom, sample } from 'fast-check'
import { test } from 'tap'
import { normalisePath } from '../../../src/routing/normalise.ts'
import { createRouteTable } from '../../../src/routing/table.ts'
import { forwardTarget, redirectLocation } from '../../../src/routing/target.ts'
import { exchange } from '../../helpers/exchange.ts'
import { startNginx } from '../../helpers/nginx.ts'
import { route } from '../../helpers/route.ts'

const ROUTES = [
  route('/_assets/', { rewrite: '/_static/dist/sentry/' }),
  route('= /only', { rewrite: '/other' }),
  route('/bare/', { rewrite: '/' }),
  route('/')
]

const CONF = `server {
  listen 127.0.0.1:PORT_1;
  location /_assets/ { proxy_pass http://127.0.0.1:PORT_2/_static/dist/sentry/; }
  location = /only { proxy_pass http://127.0.0.1:PORT_2/other; }
  location /bare/ { proxy_pass http://127.0.0.1:PORT_2/; }
  location / { proxy_pass http://127.0.0.1:PORT_2; }
}
server { listen 127.0.0.1:PORT_2; merge_slashes off; location / { return 200 "<<$request_uri>>"; } error_page 400 =200 @raw; location @raw { return 200 "<<$request_uri>>"; } }`

/** The target as an upstream gets it from us; `301` for nginx's redirect, `400` for a path that is refused. */
function forwarded (target: string): string {
  const normalised = normalisePath(target)
  if (normalised === null) return '400'
  const match = createRouteTable(ROUTES).match(normalised.path)
  if (match.kind === 'none') return 'none'
  return match.kind === 'redirect' ? '301' : forwardTarget(match.route, target, normalised)
}

const CORPUS = [
  '/_assets/', '/_assets/a.js', '/_assets/a.js?', '/_assets/a.js?v=1', '/_assets/a.js?v=1?2', '/_assets/a.js#f', '/_assets/a.js?v#f', '/_assets?v',
  '/_assets/a%2Fb', '/_assets/a%2Bb', '/_assets//a', '/_assets/a//b', '/_assets/a/../b', '/_assets/./b', '/_assets/../x?%zz', '/_assets/../x',
  '/_assets/a%20b', '/_assets/%22', '/_assets/%25', '/_assets/%3C%3E', '/_assets/%3F', '/_assets/%23', '/_assets/%5E%60', '/_assets/%7B%7C%7D', '/_assets/%5c', '/_assets/%7f', '/_assets/%0a', '/_assets/%01',
  '/_assets/%c3%a9', '/_assets/\xc3\xa9', '/_assets/\xc3\xa9%41', '/_assets//\xc3\xa9', '/_assets/%41/\xc3\xa9', '/_assets/"<>', '/_assets/"%41', '/_assets/{a}|^`', '/_assets/a\\b', '/_assets/~!$&\'()*,;=:@[]',
  '/%5fassets/a', '/%5fassets/\xe9', '/_assets/a?%41\xe9', '/_assets/\xe9?%41', '/_assets/\xe9#%41', '/x/../_assets/b', '/x/..//_assets//\xe9',
  '/only', '/only?', '/only?a=b', '/%6fnly', '/only/', '/bare/', '/bare/x', '/bare//x', '/bare',
  '/x', '/x?', '/x#f', '//x/../y/?x=%zz#frag', '/%78', '/x\xc3\xa9', '/x/%2e%2e/y?a'
]

const randomTarget = array(constantFrom('a', '/', '//', '..', '.', '%20', '%2f', '%41', '%25', '%3f', '%ff', '\xe9', '"', '{', '?', '?q=%zz', '#f', '+', '%2b'), { maxLength: 8 })
  .map(parts => `/_assets/${parts.join('')}`)

test('the target forwarded is the one nginx forwards', async t => {
  const { port } = await startNginx(t, CONF)

  for (const target of [...CORPUS, ...sample(randomTarget, 250)]) {
    const answer = await exchange(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)

    const nginx = answer.status === 200 ? answer.body.toString('latin1') : String(answer.status)
    const ours = forwarded(target)
    t.equal(/^\d+$/.test(ours) ? ours : `<<${ours}>>`, nginx, target)
  }
})

test('a 301 leads to the host the client named, in lower case, and the port nginx listens on', async t => {
  const { port } = await startNginx(t, CONF)
  const cases = [
    { head: 'GET /_assets HTTP/1.1\r\nHost: Sentry.Example.COM', host: 'sentry.example.com', query: null },
    { head: 'GET /_assets? HTTP/1.1\r\nHost: a', host: 'a', query: '' },
    { head: 'GET /_assets?a=b&c=%zz HTTP/1.1\r\nHost: a', host: 'a', query: 'a=b&c=%zz' },
    { head: 'GET /_assets HTTP/1.1\r\nHost: [::1]', host: '[::1]', query: null },
    { head: 'GET /_assets HTTP/1.0', host: null, query: null }
  ]

  for (const { head, host, query } of cases) {
    const answer = await exchange(port, `${head}\r\nConnection: close\r\n\r\n`)
    const ours = redirectLocation({ host, hostPort: '', localAddress: '127.0.0.1', listenPort: port, path: '/_assets/', query })
    t.equal(ours, answer.header('location'), head)
  }
})

test('a 301 keeps the port the client named, unlike nginx, and leaves out port 80', async t => {
  const to = { host: 'a', localAddress: '10.0.0.1', listenPort: 80, path: '/x/', query: null }

  t.equal(redirectLocation({ ...to, hostPort: '' }), 'http://a/x/')
  t.equal(redirectLocation({ ...to, hostPort: '', listenPort: 81 }), 'http://a:81/x/')
  t.equal(redirectLocation({ ...to, hostPort: ':9000' }), 'http://a:9000/x/')
  t.equal(redirectLocation({ ...to, hostPort: ':80', listenPort: 81 }), 'http://a/x/')
  t.equal(redirectLocation({ ...to, hostPort: ':x' }), 'http://a/x/')
  t.equal(redirectLocation({ ...to, hostPort: '', host: null, localAddress: 'fe80::1' }), 'http://[fe80::1]/x/')
  t.equal(redirectLocation({ ...to, hostPort: '', host: null, localAddress: '::ffff:10.0.0.1' }), 'http://10.0.0.1/x/')
})
