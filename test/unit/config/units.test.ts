import { test } from 'tap'
import * as fc from 'fast-check'
import { DURATION_PATTERN, SIZE_PATTERN, formatDuration, formatSize, parseDuration, parseSize, suggestDuration, suggestSize } from '../../../src/config/units.ts'

test('a time is a number and its unit, or several from the largest unit down', async t => {
  t.equal(parseDuration('500ms'), 500)
  t.equal(parseDuration('5s'), 5000)
  t.equal(parseDuration('1m'), 60_000)
  t.equal(parseDuration('24h'), 86_400_000)
  t.equal(parseDuration('7d'), 604_800_000)
  t.equal(parseDuration('1h30m'), 5_400_000)
  t.equal(parseDuration('1m500ms'), 60_500)
  t.equal(parseDuration('0s'), 0)
})

test('anything else is no time', async t => {
  for (const text of ['', '5', 's', '5 s', ' 5s', '5s\n', '5S', '-5s', '1.5s', '30m1h', '1h1h', '5s5', '1w', '99999999999999999d']) {
    t.equal(parseDuration(text), null, JSON.stringify(text))
  }
})

test('a size is a whole number of B, KiB, MiB or GiB', async t => {
  t.equal(parseSize('0B'), 0)
  t.equal(parseSize('100B'), 100)
  t.equal(parseSize('64KiB'), 65_536)
  t.equal(parseSize('100MiB'), 104_857_600)
  t.equal(parseSize('2GiB'), 2_147_483_648)
})

test('anything else is no size', async t => {
  for (const text of ['', '100', '100MB', '100m', '100M', '100 MiB', '1.5GiB', '-1B', '1MiB1KiB', 'MiB', '1TiB', '99999999999999GiB']) {
    t.equal(parseSize(text), null, JSON.stringify(text))
  }
})

test('what is formatted is read back as the same number', async t => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 50 }), number => parseDuration(formatDuration(number)) === number && parseSize(formatSize(number)) === number))
  t.equal(formatDuration(5_400_000), '1h30m')
  t.equal(formatDuration(0), '0s')
  t.equal(formatSize(104_857_600), '100MiB')
  t.equal(formatSize(0), '0B')
})

test('the patterns of the JSON Schema accept what the readers accept', async t => {
  const unitText = fc.stringMatching(/^[0-9]{0,4}(d|h|m|s|ms|B|KiB|MiB|GiB|MB)?[0-9]{0,2}(ms|s|m)?$/)
  fc.assert(fc.property(unitText, text => new RegExp(DURATION_PATTERN).test(text) === (parseDuration(text) !== null)))
  fc.assert(fc.property(unitText, text => new RegExp(SIZE_PATTERN).test(text) === (parseSize(text) !== null)))
  t.pass('no counterexample')
})

test('what was meant as a time is suggested in its right form', async t => {
  t.equal(suggestDuration('5 s'), 'write 5s')
  t.equal(suggestDuration('5sec'), 'write 5s')
  t.equal(suggestDuration('1 Minute'), 'write 1m')
  t.equal(suggestDuration('0.5s'), 'write 500ms')
  t.equal(suggestDuration('30m1h'), 'write 1h30m')
  t.equal(suggestDuration('2w'), 'write 14d')
  t.equal(suggestDuration('5'), null)
  t.equal(suggestDuration('soon'), null)
  t.equal(suggestDuration('5 parsecs'), null)
})

test('what was meant as a size is suggested in its right form', async t => {
  t.equal(suggestSize('100m'), 'write 100MiB')
  t.equal(suggestSize('64k'), 'write 64KiB')
  t.equal(suggestSize('100mib'), 'write 100MiB')
  t.equal(suggestSize('1.5 GiB'), 'write 1536MiB')
  t.equal(suggestSize('100MB'), 'write 100MiB, or 95MiB to stay below 100MB')
  t.equal(suggestSize('100'), null)
  t.equal(suggestSize('much'), null)
})
