import { test } from 'tap'
import { backoffDelay, retryAfterMs, verdict } from '../../../src/mirror/retry-policy.ts'

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0)
const DAY = 86_400_000
const options = { initialMs: 100, maxMs: 1000, random: () => 0.999999 }

test('2xx is delivered; 403, 408, 425, 429 and 5xx are tried again; any other 3xx and 4xx is final', async t => {
  for (const status of [200, 201, 202, 204, 299]) t.equal(verdict(status), 'delivered', String(status))
  for (const status of [403, 408, 425, 429, 500, 502, 503, 504, 599]) t.equal(verdict(status), 'retry', String(status))
  for (const status of [300, 301, 302, 307, 400, 401, 402, 404, 413, 422, 499, 600, 999]) t.equal(verdict(status), 'dead', String(status))
})

test('an attempt that got no status is tried again', async t => {
  for (const code of ['refused', 'reset', 'timeout', 'tls', 'dns'] as const) t.equal(verdict(code), 'retry', code)
})

test('the ceiling doubles with each failure up to the maximum', async t => {
  t.strictSame([1, 2, 3, 4, 5, 60].map(failures => backoffDelay(failures, options)), [99, 199, 399, 799, 999, 999])
})

test('the draw goes down to zero', async t => {
  t.equal(backoffDelay(5, { ...options, random: () => 0 }), 0)
})

test('Retry-After replaces the draw and is not capped', async t => {
  t.equal(backoffDelay(1, { ...options, retryAfterMs: 5000 }), 5000)
})

test('zero failures is a bug of the caller', async t => {
  t.throws(() => backoffDelay(0, options), RangeError)
})

test('Retry-After is read in seconds and as each of the three dates of RFC 9110', async t => {
  t.equal(retryAfterMs('120', NOW, DAY), 120_000)
  t.equal(retryAfterMs(' 1 ', NOW, DAY), 1000)
  t.equal(retryAfterMs('Sun, 22 Nov 2026 12:00:30 GMT', NOW, DAY), 30_000)
  t.equal(retryAfterMs('Sunday, 22-Nov-26 12:00:30 GMT', NOW, DAY), 30_000)
  t.equal(retryAfterMs('Sun Nov 22 12:00:30 2026', NOW, DAY), 30_000)
  t.equal(retryAfterMs('Sun Nov  1 12:00:30 2026', Date.UTC(2026, 10, 1, 12, 0, 0), DAY), 30_000)
})

test('Retry-After that is missing, unreadable, past or absurd is no Retry-After', async t => {
  for (const value of [undefined, '', '0', '-1', '1.5', '1e3', '0x10', 'soon', 'Nov 22 2026', 'Sun, 22 Nov 2026 11:59:59 GMT', '86401', '9'.repeat(400)]) {
    t.equal(retryAfterMs(value, NOW, DAY), undefined, String(value))
  }
  t.equal(retryAfterMs('86400', NOW, DAY), DAY)
})
