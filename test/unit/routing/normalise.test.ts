import { array, assert, asyncProperty, constantFrom, oneof } from 'fast-check'
import { test } from 'tap'
import { normalisePath } from '../../../src/routing/normalise.ts'
import { exchange } from '../../helpers/exchange.ts'
import { startNginx } from '../../helpers/nginx.ts'

const CORPUS = [
  '/', '/a', '/a/', '/a?', '/a?b', '/a?b=c&d', '/a??b', '/a?b?c', '/a#f', '/a?b#f', '/a?#f', '/a#f?b', '/#', '/?', '/?#',
  '/api/1/envelope/', '/%61pi/1/envelope/', '/api%2F1%2Fenvelope%2F', '/api/%31/envelope/', '/%2561pi/1/', '/api//1///envelope//',
  '//', '///', '//a', '/a//', '/a//b', '/a%2f%2fb', '/a/%2f/b', '/./', '/.', '/a/.', '/a/./', '/a/./b', '/a/././b', '/%2e', '/a/%2e/b', '/a/.%2f',
  '/..', '/../', '/a/..', '/a/../', '/a/../b', '/a/b/..', '/a/b/../..', '/a/b/../../', '/a/b/../../..', '/a/../../b', '/a/b/../../../c',
  '/%2e%2e', '/a/%2e%2e', '/a/.%2e', '/a/%2e.', '/a/%2e%2e/b', '/a/%2E%2E/b', '/a/..%2fb', '/a/..%2f..%2fb', '/a%2f..%2fb', '/a//../b', '/a/b//../c',
  '/..?x', '/a/..?x', '/a/..#x', '/a/.?x', '/a/.#x', '/a?/../b', '/a?%zz', '/a#%zz', '/a?b%zz#%zz',
  '/...', '/a/...', '/a/.../b', '/a/..b', '/a/.b', '/a/b.', '/a/b..', '/a/b../c', '/..a/b', '/.a', '/a/.../..', '/a/..../b', '/.a/..', '/..a/..',
  '/%', '/a%', '/a%4', '/a%zz', '/a%4z', '/a%z4', '/%00', '/a%00b', '/%0', '/%2', '/%2?', '/a%?b', '/a%#b', '/a%2#', '/%%41', '/%25%34%31',
  '/a%20b', '/a%0ab', '/a%0db', '/a%7f', '/a%ff', '/a%C3%A9', '/a\xc3\xa9', '/a\xff/..', '/\xff%20', '/a%3fb', '/a%3Fb', '/a%23b', '/a%25b', '/a%3f/../b',
  '/a/..%3f', '/a/..%23/b', '/a/..%25', '/a/.%3f/b', '/a/%3f..', '/a/%2e%3f', '/a+b', '/a%2bb', '/a/+/../b', '/a/.+', '/a/..+',
  '/a;b', '/a\\b', '/a\\..\\b', '/a:b', '/a@b', '/a~b', '/a|b', '/a"b', '/a<b>', '/a{b}', '/a^b', '/a`b', '/a[b]', "/a'b", '/a!$&()*,=b',
  '/a/b/c/../../d/./e//f', '/a/b/c/%2e%2e/%2e%2e/d', '/js-sdk/../x', '/_assets/a/../b%20c', '/x/../rum_mirror', '/rum%5fmirror', '/a/b/%2e%2e%2f%2e%2e%2f',
  'x', 'a/b', '*', '?', '%2f', 'http:/a'
]

/** Targets dense in what matters: slashes, dots, escapes, delimiters, high bytes. */
const target = array(oneof(
  { weight: 4, arbitrary: constantFrom('/', '/', '.', '..', 'a', 'b', '//', '/.', '/../') },
  { weight: 3, arbitrary: constantFrom('%2f', '%2F', '%2e', '%2E', '%41', '%25', '%3f', '%23', '%20', '%ff', '%0a', '%2b') },
  { weight: 1, arbitrary: constantFrom('?', '#', '%', '%0', '%00', '%zz', '%f', '+', '&', '\xe9', '\xff', '\\', ';') }
), { maxLength: 14 }).map(parts => `/${parts.join('')}`)

/** What nginx answers to `return 200 "<<$uri>><<$args>><<$is_args>>"`, from our own result. */
function expected (target: string): { status: number, body: string } {
  const normalised = normalisePath(target)
  if (normalised === null) return { status: 400, body: '' }
  return { status: 200, body: `<<${normalised.path}>><<${normalised.query ?? ''}>><<${normalised.query ? '?' : ''}>>` }
}

test('a path is normalised exactly as nginx does it', async t => {
  const { port } = await startNginx(t, 'server { listen 127.0.0.1:PORT_1; location / { return 200 "<<$uri>><<$args>><<$is_args>>"; } }')
  const ask = async (target: string): Promise<{ status: number, body: string }> => {
    const answer = await exchange(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    return { status: answer.status, body: answer.status === 400 ? '' : answer.body.toString('latin1') }
  }

  for (const target of CORPUS) t.strictSame(expected(target), await ask(target), `nginx agrees on ${JSON.stringify(target)}`)

  await assert(asyncProperty(target, async target => {
    const [ours, nginx] = [expected(target), await ask(target)]
    return ours.status === nginx.status && ours.body === nginx.body
  }), { numRuns: 600 })
})

test('a lone question mark is told from none', async t => {
  t.strictSame(normalisePath('/a?'), { path: '/a', query: '' })
  t.strictSame(normalisePath('/a'), { path: '/a', query: null })
  t.strictSame(normalisePath('//a?'), { path: '/a', query: '' })
  t.strictSame(normalisePath('//a?#x'), { path: '/a', query: '' })
})

test('the fast path and the thorough one agree', async t => {
  for (const target of ['/', '/a', '/a/b?c=d', '/a/b/?', '/a?b//../%zz', '/a.b/c+d;e', '/\xe9']) {
    // A doubled first slash changes nothing but the way through the function.
    t.strictSame(normalisePath(target), normalisePath(`/${target}`), target)
  }
})

test('an empty target is refused', async t => {
  t.equal(normalisePath(''), null)
})
