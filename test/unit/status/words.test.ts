import { test } from 'tap'
import { redactPath } from '../../../src/status/redact.ts'
import { backlogWords, bytesWords, causeWords, clockWords, countWords, durationWords, fateWords, latencyWords, plural, ratioWords } from '../../../src/status/words.ts'

/** In the time zone of the machine, as the words are. */
const NOW = new Date(2026, 2, 3, 10, 48, 5).getTime()

test('numbers, times and causes are told as a person would', t => {
  const told: readonly (readonly [said: string, expected: string])[] = [
    [countWords(0), '0'], [countWords(999), '999'], [countWords(1204), '1,204'], [countWords(1234567), '1,234,567'],
    [plural(1, 'copy', 'copies'), '1 copy'], [plural(0, 'copy', 'copies'), '0 copies'], [plural(1204, 'copy', 'copies'), '1,204 copies'],
    [durationWords(-5), '0 s'], [durationWords(59_999), '59 s'], [durationWords(60_000), '1 min'], [durationWords(3_600_000), '1 h'],
    [durationWords(12_000_000), '3 h 20 min'], [durationWords(86_400_000), '1 d'], [durationWords(187_200_000), '2 d 4 h'],
    [clockWords(new Date(2026, 2, 3, 9, 5).getTime(), NOW), '09:05'], [clockWords(new Date(2026, 1, 28, 23, 59).getTime(), NOW), '28 Feb 23:59'],
    [ratioWords(null), '–'], [ratioWords(1), '100 %'], [ratioWords(0), '0 %'], [ratioWords(0.9999), '99.9 %'], [ratioWords(0.00001), '0.1 %'], [ratioWords(0.5), '50 %'],
    [bytesWords(0), '0 B'], [bytesWords(999), '999 B'], [bytesWords(1536), '1.5 KiB'], [bytesWords(2 * 1024 ** 3), '2.0 GiB'], [bytesWords(5000 * 1024 ** 3), '5000 GiB'],
    [latencyWords(null), '–'], [latencyWords(4.21), '4.2 ms'], [latencyWords(120.4), '120 ms'], [latencyWords(1340), '1.3 s'], [latencyWords(360_000), '6 min'],
    [causeWords('refused'), 'connection refused'], [causeWords('dns'), 'name not found'], [causeWords('503'), 'answered 503 (unavailable)'], [causeWords('418'), 'answered 418'], [causeWords('new'), 'new'],
    [fateWords('400'), 'refused with 400'], [fateWords('expired'), 'not delivered within max_age'], [fateWords('spool_full'), 'the spool was full'], [fateWords('new'), 'new'],
    [backlogWords(0, null, NOW), ''], [backlogWords(1, NOW - 5000, NOW), '1 copy waiting, oldest 5 s'], [backlogWords(1204, NOW - 360_000, NOW), '1,204 copies waiting, oldest 6 min'], [backlogWords(2, null, NOW), '2 copies waiting']
  ]

  for (const [said, expected] of told) t.equal(said, expected)
  t.end()
})

test('every cause and every reason that there is has words', t => {
  for (const code of ['refused', 'reset', 'timeout', 'tls', 'dns', 'unreachable', 'invalid_response']) t.not(causeWords(code), code)
  for (const reason of ['expired', 'body_lost', 'corrupt', 'spool_full', 'spool_error']) t.not(fateWords(reason), reason)
  t.end()
})

test('of a mapped path no more than four characters, and than a quarter, are shown', t => {
  t.equal(redactPath('/rum/sentry/workspace/service-1'), '…ce-1')
  t.equal(redactPath('/a/secret'), '…et')
  t.equal(redactPath('/abc'), '…c')
  t.equal(redactPath('/a'), '…')
  t.equal(redactPath(''), '…')
  t.end()
})
