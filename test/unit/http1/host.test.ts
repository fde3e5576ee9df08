import * as fc from 'fast-check'
import { test } from 'tap'
import { parseAuthority, parseHost } from '../../../src/http1/host.ts'

const hosts: ReadonlyArray<readonly [value: string, host: string | null, port: string]> = [
  ['a', 'a', ''], ['A.Test', 'a.test', ''], ['a.', 'a', ''], ['a:80', 'a', ':80'], ['a.:80', 'a', ':80'], ['a:', 'a', ''], ['a:x', 'a', ''], ['a:123456', 'a', ''], ['[::1]', '[::1]', ''], ['[::1]:80', '[::1]', ':80'], ['[A::B]', '[a::b]', ''], ['u@a', 'u@a', ''], ['a_b', 'a_b', ''],
  ['', null, ''], ['.', null, ''], ['..', null, ''], ['a..b', null, ''], [':80', null, ''], ['a b', null, ''], ['a/b', null, ''], ['a\tb', null, ''], ['a\0', null, ''], ['a\x7f', null, '']
]

test('a Host is read as nginx reads it', async t => {
  for (const [value, host, port] of hosts) t.strictSame(parseHost(value), host === null ? null : { host, port }, JSON.stringify(value))
})

test('a host that was read reads as itself', async t => {
  fc.assert(fc.property(fc.string({ maxLength: 30 }), value => {
    const once = parseHost(value)
    if (once === null || once.host.endsWith('.')) return true
    return parseHost(once.host + once.port)?.host === once.host
  }), { numRuns: 1000 })
  t.pass('1000 values')
})

test('an absolute-form target is split into authority and origin form', async t => {
  t.strictSame(parseAuthority('http://b.test:80/x?y'), { authority: 'b.test:80', target: '/x?y' })
  t.strictSame(parseAuthority('HTTP://b.test'), { authority: 'b.test', target: '/' })
  t.strictSame(parseAuthority('http://b.test?x'), { authority: 'b.test', target: '/?x' })
  t.strictSame(parseAuthority('http://[::1]:80/'), { authority: '[::1]:80', target: '/' })
  for (const target of ['*', 'b.test:80', 'http:/b', '//b.test/', 'http://u@b.test/', 'http://b_c.test/', 'http://b.test:x/', 'http://b.test#f', '1http://b.test/']) t.equal(parseAuthority(target), null, target)
})
