import { test } from 'tap'
import type { UpstreamConfig } from '../../../src/config/config.ts'
import { goesOn, isFailureStatus } from '../../../src/proxy/next-upstream.ts'

const config: UpstreamConfig = {
  name: 'relay',
  servers: [],
  connectTimeoutMs: 1,
  sendTimeoutMs: 1,
  readTimeoutMs: 1,
  nextUpstream: ['error', 'timeout', 'invalid_header', 'http_502', 'http_503', 'non_idempotent'],
  nextUpstreamTries: 2
}

test('each failure goes on where its condition is named', async t => {
  for (const [failure, name] of [['refused', 'error'], ['reset', 'error'], ['dns', 'error'], ['unreachable', 'error'], ['timeout', 'timeout'], ['invalid_response', 'invalid_header']] as const) {
    t.ok(goesOn(config, failure, 0, 'GET', 1, true), failure)
    t.notOk(goesOn({ ...config, nextUpstream: config.nextUpstream.filter(reason => reason !== name) }, failure, 0, 'GET', 1, true), `${failure} without ${name}`)
  }
})

test('a status goes on where it is named, and others are answers', async t => {
  for (const status of [502, 503]) t.ok(isFailureStatus(config, status) && goesOn(config, 'status', status, 'GET', 1, true), String(status))
  for (const status of [200, 304, 403, 404, 429, 500, 504]) t.notOk(isFailureStatus(config, status), String(status))
})

test('tries are bounded; 0 is no bound', async t => {
  t.notOk(goesOn(config, 'reset', 0, 'GET', 2, true))
  t.ok(goesOn({ ...config, nextUpstreamTries: 0 }, 'reset', 0, 'GET', 200, true))
})

test('a request that may have been seen and is not idempotent goes on only where that is allowed', async t => {
  const strict = { ...config, nextUpstream: config.nextUpstream.filter(reason => reason !== 'non_idempotent') }

  for (const method of ['POST', 'LOCK', 'PATCH']) {
    t.notOk(goesOn(strict, 'reset', 0, method, 1, true), method)
    t.ok(goesOn(strict, 'refused', 0, method, 1, false), `${method}, not sent`)
    t.ok(goesOn(config, 'reset', 0, method, 1, true), `${method}, allowed`)
  }
  for (const method of ['GET', 'PUT', 'DELETE', 'PURGE']) t.ok(goesOn(strict, 'reset', 0, method, 1, true), method)
})
