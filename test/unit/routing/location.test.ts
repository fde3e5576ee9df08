import { array, constantFrom, sample } from 'fast-check'
import { test } from 'tap'
import { parseLocation } from '../../../src/routing/location.ts'
import { normalisePath } from '../../../src/routing/normalise.ts'
import { exchange } from '../../helpers/exchange.ts'
import { startNginx } from '../../helpers/nginx.ts'

test('every modifier of nginx is understood, with and without the space', async t => {
  t.strictSame(parseLocation('/a/'), { kind: 'prefix', path: '/a/', stops: false })
  t.strictSame(parseLocation('^~ /a/'), { kind: 'prefix', path: '/a/', stops: true })
  t.strictSame(parseLocation('^~/a/'), { kind: 'prefix', path: '/a/', stops: true })
  t.strictSame(parseLocation('= /a'), { kind: 'exact', path: '/a' })
  t.strictSame(parseLocation('=/a'), { kind: 'exact', path: '/a' })
  t.match(parseLocation('~ ^/a'), { kind: 'regex', regex: /^\/a/ })
  t.match(parseLocation('~* ^/a'), { kind: 'regex', regex: /^\/a/i })
})

test('a location beyond ASCII is compared byte by byte', async t => {
  t.strictSame(parseLocation('/é/'), { kind: 'prefix', path: '/\xc3\xa9/', stops: false })
})

test('what is not a location is an error that says what one looks like', async t => {
  for (const text of ['', 'a', '= a', '@named', '!~ /a']) t.throws(() => parseLocation(text), /must start with "\/"/, text)
  t.throws(() => parseLocation('~'), /no regular expression/)
})

test('a regular expression that would mean something else here is refused', async t => {
  for (const pattern of ['(?i)a', '(?>a)', '(?#a)', '(?R)', '(?(1)a)', '(*UTF8)a', '\\Qa\\E', '\\x{41}', '\\pL', '\\Ka', '[[:^digit:]]', '[[:nothing:]]', '[\\S]']) {
    t.throws(() => parseLocation(`~ ${pattern}`), /is not supported/, pattern)
  }
  for (const pattern of ['(', '[a', 'a++', 'a**', '\\']) t.throws(() => parseLocation(`~ ${pattern}`), SyntaxError, pattern)
})

const PATTERNS = [
  '^/api/[1-9]\\d*/', '\\.js$', 'a.c', 'a$', '^/a\\s', '[^\\s]b', '\\Aa', '^/a\\z', '^/a\\Z', '[[:digit:]]+$', '[[:alpha:][:digit:]_]{3}', '[]a]b', '[^]a]b',
  '(?P<name>a)\\k<name>', '(?<x>b)\\1', '(?:a|b)c', '(?=a)a', 'a(?!b)', '(?<=a)b', '(?<!a)b', '\\ba\\b', '\\w+\\W', '\\h', '\\v', '\\R', '\\N', 'a{2}', 'a{2,}', 'a{,2}b', 'a+?b',
  '\\x41', '[\\x41-\\x43]', '\\/a', '[a\\-c]', '[a\\]c]', '[[a]', '\\e', '\\a', '[\\h]', '[[:punct:]]', '[[:space:]]', '[[:upper:]]', '[[:xdigit:]]', '\xc3\xa9', '\xe9', '[\xe0-\xff]a', '.', '^.a', 'b\\.', '\\$'
]
const path = array(constantFrom('a', 'a', 'b', 'c', 'A', 'B', '1', '9', '/', '.', '-', '_', ']', '[', '$', '%0a', '%0d', '%20', '%09', '%0b', '%85', '%a0', '%e9', '%c9', '%c3%a9', '%c3%89', '%1b', '%07', 'api/12/'), { maxLength: 7 })
  .map(parts => `/${parts.join('')}`)
  // Above the root there is no path to match.
  .filter(target => normalisePath(target) !== null)

test('regular expressions match what they match in nginx', async t => {
  const tests = PATTERNS.flatMap(pattern => ['~', '~*'].map(modifier => ({ modifier, pattern })))
  const maps = tests.map(({ modifier, pattern }, i) => `map $uri $m${i} { "${modifier}${pattern.replaceAll('\\', '\\\\')}" 1; default 0; }`)
  const { port } = await startNginx(t, `variables_hash_max_size 4096; ${maps.join('\n')} server { listen 127.0.0.1:PORT_1; location / { return 200 "${maps.map((_, i) => `$m${i}`).join('')}"; } }`)
  const locations = tests.map(({ modifier, pattern }) => parseLocation(`${modifier} ${pattern}`))

  const targets = ['/a', '/a%0a', '/%0a', '/a%0aa', '/api/1/', '/api/1', '/a%0dc', '/%e3%a9', '/%c3%a9', ...sample(path, 150)]
  for (const target of targets) {
    const answer = await exchange(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)

    const nginx = tests.filter((_, i) => answer.body[i] === 0x31).map(({ modifier, pattern }) => `${modifier} ${pattern}`)
    const subject = normalisePath(target)?.path ?? ''
    const ours = tests.filter((_, i) => { const location = locations[i]; return location?.kind === 'regex' && location.regex.test(subject) }).map(({ modifier, pattern }) => `${modifier} ${pattern}`)
    t.equal(answer.status, 200)
    t.strictSame(ours, nginx, target)
  }
})
