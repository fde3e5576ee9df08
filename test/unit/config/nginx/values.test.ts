import { test } from 'tap'
import { parseAddress, parseLocation, parseNginxSize, parseNginxTime } from '../../../../src/config/nginx/values.ts'
import { nginxCheck } from '../../../helpers/nginx-check.ts'

const TIMES = ['30', '30s', '0', '500ms', '1m', '1m30s', '1h30m', '1d', '1w2d', '1M', '1h 30m', '1s500ms', '1m30', '', 's', '1.5s', '-1', '5x', '1y', '1s1m', '1ms1s', '30 s', '1m 30', '5S', '597h', '596h', '1s1s', '0s']

test('a time is one where nginx takes it for one', async t => {
  const check = nginxCheck(t)
  for (const text of TIMES) {
    const { accepted, message } = check(`events { }\nhttp { send_timeout "${text}"; }\n`)

    t.equal(parseNginxTime(text) !== null, accepted, `${JSON.stringify(text)}: ${message}`)
  }
})

test('a time without a unit is seconds', async t => {
  t.equal(parseNginxTime('30'), 30_000)
  t.equal(parseNginxTime('1m30'), 90_000)
  t.equal(parseNginxTime('1m30s'), 90_000)
  t.equal(parseNginxTime('500ms'), 500)
})

const SIZES = ['0', '1', '100m', '100M', '64k', '2g', '1K', '1G', '', 'm', '1.5m', '1mb', '-1', '1 m', '0x1', '9007199254740993']

test('a size is one where nginx takes it for one, up to what can be counted', async t => {
  const check = nginxCheck(t)
  for (const text of SIZES.slice(0, -1)) {
    const { accepted, message } = check(`events { }\nhttp { client_max_body_size "${text}"; }\n`)

    t.equal(parseNginxSize(text) !== null, accepted, `${JSON.stringify(text)}: ${message}`)
  }
  t.equal(parseNginxSize('100m'), 104_857_600)
  t.equal(parseNginxSize('64K'), 65_536)
  t.equal(parseNginxSize('2g'), 2_147_483_648)
  t.equal(parseNginxSize('9007199254740993'), null)
})

test('an address is a host, and a port where one is written', async t => {
  t.strictSame(parseAddress('relay:3000'), { host: 'relay', port: 3000 })
  t.strictSame(parseAddress('relay'), { host: 'relay', port: null })
  t.strictSame(parseAddress('127.0.0.1:80'), { host: '127.0.0.1', port: 80 })
  t.strictSame(parseAddress('[::1]:80'), { host: '::1', port: 80 })
  t.strictSame(parseAddress('[::1]'), { host: '::1', port: null })
  t.strictSame(parseAddress('<endpoint>:80'), { host: '<endpoint>', port: 80 })
  for (const text of ['', ':80', 'a:b', 'a:0', 'a:65536', '[relay]:80', '::1', 'unix:/x', 'a b', 'a/b']) t.equal(parseAddress(text), null, text)
})

test('a location may touch its modifier', async t => {
  t.strictSame(parseLocation(['/a']), { modifier: '', pattern: '/a' })
  t.strictSame(parseLocation(['=', '/a']), { modifier: '=', pattern: '/a' })
  t.strictSame(parseLocation(['=/a']), { modifier: '=', pattern: '/a' })
  t.strictSame(parseLocation(['^~/a']), { modifier: '^~', pattern: '/a' })
  t.strictSame(parseLocation(['~*^/a']), { modifier: '~*', pattern: '^/a' })
  t.equal(parseLocation(['!', '/a']), null)
})
