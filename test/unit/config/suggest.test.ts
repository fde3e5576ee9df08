import { test } from 'tap'
import { didYouMean, nearest } from '../../../src/config/suggest.ts'

const KNOWN = ['concurrency', 'read_timeout', 'connect_timeout', 'endpoint', 'endpoints', 'ca']

test('one slip in three letters is forgiven, and the nearest word wins', async t => {
  t.equal(nearest('concurency', KNOWN), 'concurrency')
  t.equal(nearest('raed_timeout', KNOWN), 'read_timeout')
  t.equal(nearest('endpont', KNOWN), 'endpoint')
  t.equal(nearest('endpointss', KNOWN), 'endpoints')
  t.equal(nearest('ac', KNOWN), 'ca')
})

test('case, hyphens and underscores are no slips', async t => {
  t.equal(nearest('readTimeout', KNOWN), 'read_timeout')
  t.equal(nearest('connect-timeout', KNOWN), 'connect_timeout')
})

test('a word that is far from all is not guessed at', async t => {
  t.equal(nearest('banana', KNOWN), null)
  t.equal(nearest('x', KNOWN), null)
  t.equal(nearest('concurrency'.repeat(20), KNOWN), null)
  t.equal(nearest('', KNOWN), null)
})

test('a suggestion is a question after a semicolon, or nothing', async t => {
  t.equal(didYouMean('concurency', KNOWN), '; did you mean concurrency?')
  t.equal(didYouMean('banana', KNOWN), '')
})
