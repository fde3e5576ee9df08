import * as fc from 'fast-check'
import { test } from 'tap'
import { createScrub, scrubLine, secretsOf } from '../../../src/log/scrub.ts'
import { configOf } from '../../helpers/configuration.ts'

const KEY = 'c0ffee5ecre7c0ffee5ecre7c0ffee5e'
const scrub = createScrub(['/rum/sentry/w/service', '/rum/sentry/w/service-2'])

for (const [what, text, expected] of [
  ['a key in a URL', `GET /api/1/envelope/?sentry_version=7&sentry_key=${KEY}&x=1 failed`, 'GET /api/1/envelope/?sentry_version=7&sentry_key=[secret]&x=1 failed'],
  ['X-Sentry-Auth as a line', `X-Sentry-Auth: Sentry sentry_key=${KEY}, sentry_version=7`, 'X-Sentry-Auth: [secret]'],
  ['an object that was made text', `got {"authorization":"Bearer ${KEY}","a":1}`, 'got {"authorization":"[secret]","a":1}'],
  ['a list that was made text', `["Cookie","sid=${KEY}","Accept","*/*"]`, '["Cookie","[secret]","Accept","*/*"]'],
  ['a cookie line', `Set-Cookie: session=${KEY}; Path=/`, 'Set-Cookie: [secret]'],
  ['a token in a sentence', `sent bearer ${KEY} to it`, 'sent bearer [secret] to it'],
  ['a DSN', `dsn https://${KEY}@sentry.example/1 is wrong`, 'dsn https://[secret]@sentry.example/1 is wrong'],
  ['a DSN with a secret key in a query', `/embed/?dsn=https%3A%2F%2Fpub%3A${KEY}%40sentry.example%2F1`, '/embed/?dsn=https%3A%2F%2F[secret]%40sentry.example%2F1'],
  ['a mapped path, the longer one whole,', 'GET /rum/sentry/w/service-2/api/1/ and /rum/sentry/w/service/api/2/', 'GET [secret]/api/1/ and [secret]/api/2/']
] as const) {
  test(`${what} is taken out of a text`, async t => {
    t.equal(scrub(text), expected)
  })
}

test('headers that hold secrets are taken out of objects and of raw lists', async t => {
  const line = scrubLine(JSON.stringify({ pid: 1, err: { headers: { 'X-Sentry-Auth': KEY, accept: '*/*' }, raw: ['Cookie', KEY, 'Accept', '*/*'] } }), scrub)

  t.strictSame(JSON.parse(line), { pid: 1, err: { headers: { 'X-Sentry-Auth': '[secret]', accept: '*/*' }, raw: ['Cookie', '[secret]', 'Accept', '*/*'] } })
})

test('what is no secret stays as it is', async t => {
  for (const line of [
    '{"level":"info","msg":"listening","listeners":[{"host":"::","port":80}],"endpoint":"rum.example:443"}\n',
    '{"msg":"a request without authorization, and with a cookie too large","url":"http://10.0.0.1:80/a@b"}\n',
    '{"error":"connect ECONNREFUSED 127.0.0.1:3000","basic":"no"}\n'
  ]) t.equal(scrubLine(line, scrub), line)
})

test('a line stays one line of JSON with the same fields, whatever is in it', async t => {
  const noise = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('sentry_key=', 'Cookie: ', '"', '\\', 'authorization', '://', '@', 'Bearer ', '","', '%40'))
  const words = fc.array(noise, { maxLength: 8 }).map(parts => parts.join(''))
  fc.assert(fc.property(words, words, (error, item) => {
    const line = scrubLine(JSON.stringify({ pid: 7, error, list: [item, 'x'] }), scrub)
    const read = JSON.parse(line) as { pid: number, error: string, list: unknown[] }
    return line.indexOf('\n') === line.length - 1 && read.pid === 7 && typeof read.error === 'string' && read.list.length === 2
  }))
  t.pass('no counterexample')
})

test('the secrets of a configuration are its mapped paths and its token', async t => {
  const config = configOf('mirror: { endpoint: https://rum.example, default: /d, projects: { 1: /one, 7: off } }\nadmin: { token: 0123456789abcdef }')

  t.strictSame(secretsOf(config).sort(), ['/d', '/one', '0123456789abcdef'])
  t.strictSame(secretsOf(configOf('')), [])
})
