/** Targets and hosts that two parsers might read differently, or that might become part of a head. */
import { ENVELOPE, HOST, refused, SMUGGLED, taken, type CaseOptions, type SmugglingCase } from './corpus-parts.ts'

export const TARGET_CASES: readonly SmugglingCase[] = [...escapes(), ...rewrites(), ...authorities()]

function get (target: string, host = HOST): string {
  return `GET ${target} HTTP/1.1\r\n${host}\r\n`
}

function as (family: string, target: string, options: CaseOptions = {}): SmugglingCase {
  return taken(family, JSON.stringify(target), get(target), [['GET', target, '']], { strictRefuses: /[\x80-\xff]/.test(target), ...options })
}

/** Decoded for routing only: what travels on, and what is put behind the mapped path, is what came. */
function escapes (): SmugglingCase[] {
  const passed = [
    '/%0d%0aX-Injected:%201?§', '/%0D%0A%0D%0AGET%20/smuggled%20HTTP/1.1?§', '/%0aX?§', '/%0d?§', '/api/1%0d%0aX-Injected:%201/envelope/?§', '/api/%0d%0a/envelope/?§', '/api/1%20HTTP/1.1%0d%0aHost:%20b/envelope/?§', '/api/1%2f..%2f2/envelope/?§', '/api/1/envelope/%0d%0a%0d%0a?§', '/api/1/envelope/?§%0d%0aX:%201', '/api/1/envelope/?§%00', '/%E5%98%8A%E5%98%8D?§',
    '/api/1/envelope/?§\xc4\x8d\xc4\x8a', '/api/1/envelope/\xe5\x98\x8a\xe5\x98\x8d?§', '/api//1//envelope/?§', '/api/2/../1/envelope/?§', '/%61pi/1/envelope/?§', '/api/1;x=y/envelope/?§', '/api/1/envelope/..%5c..%5cx?§', '/api/1\\..\\x?§', '/api/1%23/envelope/?§', '/api/1%3f/envelope/?§', '/?§#x', '/a"b<c>?§', '/%250d%250a?§', '/api/%31/envelope/?§', "/api/1'/envelope/?§", '/$host?§', '/{a}|b^`?§'
  ]
  const bad = ['/%00?§', '/api/1%00/envelope/?§', '/api/1/envelope/%00?§', '/%?§', '/%0?§', '/%zz?§', '/%u000d?§', '/../?§', '/api/../../x?§', '/%2e%2e/?§', '/..%2f?§', '/a\0b?§', '/a\tb?§', '/a b?§', '/a\x0bb?§', '/a\x7fb?§', '/a\rb?§', '/a\nb?§', 'api/1?§', '*', '?§', '//../?§', '/a/%2e%2e/..?§']
  return [
    ...passed.map(target => as('target', target)),
    ...bad.map(target => refused('target', JSON.stringify(target), get(target) + SMUGGLED))
  ]
}

/** A location with a rewrite writes its target anew, from decoded bytes. */
function rewrites (): SmugglingCase[] {
  const targets: [string, string][] = [
    ['/_assets/a?§', '/_static/dist/sentry/a?§'],
    ['/_assets/%0d%0aX-Injected:%201?§', '/_static/dist/sentry/%0D%0AX-Injected:%201?§'],
    ['/_assets/a%20HTTP/1.1%0d%0a%0d%0aGET%20/x?§', '/_static/dist/sentry/a%20HTTP/1.1%0D%0A%0D%0AGET%20/x?§'],
    ['/_assets/%3f%23%25?§', '/_static/dist/sentry/%3F%23%25?§'],
    ['/_assets/%ff%7f%01?§', '/_static/dist/sentry/%FF%7F%01?§'],
    ['/_assets/a?§%0d%0aX:1', '/_static/dist/sentry/a?§%0d%0aX:1'],
    ['/_assets/\xff?§', '/_static/dist/sentry/\xff?§'],
    ['/x/../_assets/%0a?§', '/_static/dist/sentry/%0A?§']
  ]
  return targets.map(([target, rewritten]) => as('target', target, { rewritten }))
}

/** The authority of the target overrules `Host`, and one of the two goes on. */
function authorities (): SmugglingCase[] {
  const absolute: [string, string, string][] = [
    ['http://b.test/api/1/envelope/?§', '/api/1/envelope/?§', 'b.test'],
    ['http://b.test:8080/?§', '/?§', 'b.test'],
    ['http://B.TEST/?§', '/?§', 'b.test'],
    ['http://b.test?§', '/?§', 'b.test'],
    ['HTTP://b.test/?§', '/?§', 'b.test'],
    ['https://b.test/?§', '/?§', 'b.test'],
    ['http://[::1]/?§', '/?§', '[::1]'],
    ['ftp://b.test//?§', '//?§', 'b.test']
  ]
  const targets = ['http://u@b.test/?§', 'http://u:p@b.test/?§', 'http://a.example.test@b.test/?§', 'http://b.test\\@c.test/?§', 'http:///?§', 'http://?§', 'http://b.test#/?§', 'http:b.test/?§', 'http:/b.test/?§', 'b.test:80', 'http://b.test:8a/?§', 'http://b.test%00/?§', 'http://b.test%0d%0a/?§', 'http://b..test/?§', 'http://b test/?§', 'http://b.test\t/?§', 'http://[::1/?§', 'javascript://b.test\n/?§']
  const hosts = ['', ' ', 'a b', 'a\tb', 'a/b', 'a/../b', 'a..b', 'a\0b', 'a\x7f', 'a\x01', '\ta', 'a\r', 'a\rb', 'a\n', 'a\nX: b', 'a\r\n b', '/', '.', ':80', '..']
  return [
    ...absolute.map(([target, path, host]) => taken('host', `${target} overrules Host`, get(target), [['GET', path, '']], { present: `Host: ${host}\r\n`, absent: 'Host: a.example.test' })),
    ...targets.map(target => refused('host', JSON.stringify(target), get(target) + SMUGGLED)),
    ...hosts.map(host => refused('host', `Host ${JSON.stringify(host)}`, get('/?§', `Host: ${host}\r\n`) + SMUGGLED)),
    refused('host', 'two, one of them folded', get('/?§', `${HOST} Host: b\r\n`) + SMUGGLED),
    refused('host', 'one with a space before the colon', get('/?§', `${HOST}Host : b\r\n`) + SMUGGLED),
    refused('host', 'absolute form and no Host', get('http://b.test/?§', '') + SMUGGLED),
    refused('host', 'absolute form and a bad Host', get('http://b.test/?§', 'Host: a b\r\n') + SMUGGLED),
    taken('host', 'userinfo is no second host', get('/?§', 'Host: u:p@b\r\n'), [['GET', '/?§', '']], { present: 'Host: u\r\n' }),
    taken('host', 'a list is one odd name', get('/?§', 'Host: a,b\r\n'), [['GET', '/?§', '']], { present: 'Host: a,b\r\n' }),
    taken('host', 'X-Forwarded-Host changes nothing', `GET ${ENVELOPE} HTTP/1.1\r\n${HOST}X-Forwarded-Host: b\r\nX-Host: b\r\nForwarded: host=b\r\n\r\n`, [['GET', ENVELOPE, '']], { present: 'Host: a.example.test\r\n' })
  ]
}
