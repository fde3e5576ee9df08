import * as fc from 'fast-check'
import { test } from 'tap'
import { maskTarget } from '../../../src/admin/dead-letter-view.ts'

test('of a target only what is certain to be the client\'s is shown', async t => {
  for (const [target, shown, secret] of [
    ['/rum/sentry/w/s/api/1/envelope/', '…/api/1/envelope/', '/rum/sentry/w/s'],
    ['/rum/sentry/w/s/api/1/envelope?sentry_key=k?', '…/api/1/envelope?…', '/rum/sentry/w/s'],
    ['/rum/api/7/secret/%61pi/1/envelope/', '…', '/rum/api/7/secret/%61pi/1/envelope/'],
    ['/rum/s//api/1/minidump/', '…/api/1/minidump/', '/rum/s/'],
    ['/api/1/store/', '/api/1/store/', ''],
    ['//api/1/store/', '…/api/1/store/', ''],
    ['', '', '']
  ] as const) {
    t.strictSame(maskTarget(target), { shown, secret }, target)
  }
})

test('a mapped path is never shown, whatever the client asked for behind it', async t => {
  const mapped = fc.array(fc.constantFrom('api', '7', 'envelope', 'rum', 'Secret'), { minLength: 1, maxLength: 5 }).map(parts => `/${parts.join('/')}/secret`)
  const asked = fc.constantFrom('/api/1/envelope/', '//api/1/envelope', '/%61pi/1/envelope/', '/api/1/%65nvelope/', '/x/../api/1/store/', '/api/1/envelope/?/api/2/envelope/')

  fc.assert(fc.property(mapped, asked, (path, rest) => !maskTarget(path + rest).shown.includes('secret')))
  t.pass('no counterexample')
})
