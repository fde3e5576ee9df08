/** What fuzzing has found in the reading of configuration files. Each took minutes, or printed what it should not. */
import { test } from 'tap'
import { load, configOf, faultsOf } from '../helpers/configuration.ts'

/** Generous: all of them took minutes or longer, none takes more than a few seconds now. */
const SOON_MS = 20_000

const LETTERS = 'abcdefghijk'.split('')

const LARGE: Readonly<Record<string, string>> = {
  'options merged into options that are merged, nine times each': `a: &a { x: 1 }\n${LETTERS.slice(1).map((name, i) => `${name}: &${name} { <<: [${Array.from({ length: 9 }, () => `*${LETTERS[i] ?? ''}`).join(', ')}] }`).join('\n')}\nclient: *k\n`,
  'a list that stands for itself in a thousand places': `upstreams:\n  a: { servers: &s [${Array.from({ length: 1000 }, (_, i) => `h${i}`).join(', ')}] }\n${Array.from({ length: 1000 }, (_, i) => `  u${i}: { servers: *s }`).join('\n')}\n`,
  'sixty thousand unknown options': Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'),
  'two hundred thousand references that are never closed': `log: "${'${A:-'.repeat(200_000)}"`,
  'half a million brackets': '['.repeat(500_000)
}

for (const [name, text] of Object.entries(LARGE)) {
  test(`${name} are read soon, and refused`, async t => {
    const started = performance.now()
    const { faults = [] } = load(text)

    t.ok(faults.length > 0 && faults.length <= 201, `${faults.length} faults`)
    t.ok(performance.now() - started < SOON_MS)
  })
}

test('twenty thousand aliases are what they stand for', async t => {
  t.equal(configOf(`real_ip: { trusted: [&a 10.0.0.0/8, ${'*a, '.repeat(20_000)}] }`).realIp.trusted.length, 20_001)
})

test('the faults of a file that has none that is right end with how many more there are', async t => {
  const faults = faultsOf(Array.from({ length: 1000 }, (_, i) => `k${i}: 1`).join('\n'))

  t.equal(faults.length, 201)
  t.equal(faults.at(-1), '201:1: 800 more faults from here on; mend those above first')
})

test('a name with control characters is printed on one line, and steers no terminal', async t => {
  const [fault = ''] = faultsOf('"\\e]0;title\\a\\r\\nrouter.yaml:1:1: all is well\\u2028\\u202e": 1')

  t.match(fault, '\\x1b]0;title\\x07\\x0d\\x0arouter.yaml')
  t.notMatch(fault, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
})

test('a name of any length is cut off in a message', async t => {
  for (const text of [`"${'a'.repeat(1000)}": 1`, `client: !${'x'.repeat(100_000)} a`]) t.ok((faultsOf(text)[0] ?? '').length < 1100)
})

test('nesting that no option has is called that', async t => {
  for (const text of ['['.repeat(3000) + ']'.repeat(3000), `${'{ a: '.repeat(60)}${'}'.repeat(60)}`, '- '.repeat(5000), Array.from({ length: 60 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')]) {
    t.match(faultsOf(text)[0], /^1?\d*:\d+: nested more than 50 deep; no option stands so deep$/)
  }
})

test('an alias stands for the last anchor of its name above it', async t => {
  t.equal(configOf('client: { body_timeout: &t 5s, send_timeout: *t, header_timeout: &t 6s, keepalive_timeout: *t }').client.keepaliveTimeoutMs, 6000)
  t.equal(configOf('client: { body_timeout: &t 5s, send_timeout: *t, header_timeout: &t 6s }').client.sendTimeoutMs, 5000)
  t.match(faultsOf('client: { body_timeout: *t, send_timeout: &t 5s }'), [/no anchor &t stands above|unresolved alias/])
})
