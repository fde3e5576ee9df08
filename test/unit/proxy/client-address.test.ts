import { array, constantFrom, oneof, sample, tuple } from 'fast-check'
import { test } from 'tap'
import { addressKey, clientAddress, compileTrusted, forwardedLines } from '../../../src/proxy/client-address.ts'
import { exchange } from '../../helpers/exchange.ts'
import { startNginx } from '../../helpers/nginx.ts'

const TRUSTED = ['127.0.0.0/8', '10.0.0.0/8', '172.20.0.0/14', '192.168.7.1', '2001:db8::/33', 'fd00::1', '::/96']

const LISTS: readonly (readonly string[])[] = [
  [], [''], ['1.2.3.4'], ['1.2.3.4, 10.0.0.1'], ['1.2.3.4,10.0.0.1'], ['5.6.7.8, 1.2.3.4, 10.0.0.1, 10.0.0.2'], ['10.0.0.1, 10.0.0.2'], ['10.0.0.3'],
  ['1.2.3.4', '10.0.0.1'], ['10.0.0.1', '1.2.3.4'], ['1.2.3.4', '10.0.0.1', '10.0.0.2'], ['1.2.3.4', ''], ['', '1.2.3.4'], ['', '10.0.0.1'], ['1.2.3.4', 'junk'], ['1.2.3.4', 'junk, 10.0.0.1'], ['junk', '10.0.0.1'],
  ['junk'], ['1.2.3.4, junk'], ['junk, 10.0.0.1'], ['1.2.3.4, junk, 10.0.0.1'], ['unknown'], ['"1.2.3.4"'], ['unix:'], ['unix:/tmp/x'], ['256.1.1.1'], ['1.2.3'], ['1.2.3.4.5'], ['01.02.03.04'], ['1..2.3'], ['...'], ['255.255.255.255'], ['0.0.0.0'],
  ['1.2.3.4:80'], ['1.2.3.4:0'], ['1.2.3.4:65535'], ['1.2.3.4:65536'], ['1.2.3.4:'], ['1.2.3.4:x'], ['1.2.3.4:080'], ['1.2.3.4:99999999999999999999'], ['[2001:db8:9000::1]:80'], ['[2001:db8:9000::1]'], ['[2001:db8:9000::1]:'], ['[1.2.3.4]:80'], ['[]:80'], [']:80'], ['[::1]x:80'],
  ['2001:db8:8000::A'], ['2001:DB8:0:0:0:0:0:000a'], ['2001:db8::1, 10.0.0.1'], ['9.9.9.9, 2001:db8::1'], ['::'], ['::1'], ['1::'], ['9.9.9.9, ::1'], ['1:2:3:4:5:6:7:8'], ['1:2:3:4:5:6:7:8:9'], ['1:2:3:4:5:6:7'], ['1:2:3:4:5:6:7::'], ['::2:3:4:5:6:7:8'], ['1::3:4:5:6:7:8'], ['1:2:3:4:5:6:7:8::'], ['1::2::3'],
  [':1'], ['1:'], [':'], [':::'], [':1::2'], ['::1:'], ['12345::'], ['g::'], ['1:0:0:2:0:0:0:3'], ['1:0:0:2:0:0:3:4'], ['0:0:1::'], ['1:0:2:3:4:5:6:7'], ['::ffff:1.2.3.4'], ['::ffff:10.0.0.1'], ['9.9.9.9, ::ffff:10.0.0.1'], ['::ffff:256.1.1.1'], ['::1.2.3.4'], ['::5:1.2.3.4'], ['64:ff9b::1.2.3.4'], ['1:2:3:4:5:6:1.2.3.4'], ['1:2:3:4:5:6:7:1.2.3.4'], ['::2:3:4:5:6:7:1.2.3.4'], ['::1:2:3:4:5:6:7:1.2.3.4'], ['1.2.3.4::'], ['::1.2.3'],
  ['::ffff:0:0'], ['::fffe:1:2'], ['::0102:0304'], ['::304'], ['::101'], ['::1:0'], ['::ffff'], ['fe80::1%eth0'],
  [',1.2.3.4'], [', 1.2.3.4'], ['1.2.3.4,'], ['1.2.3.4, ,'], ['1.2.3.4,,10.0.0.1'], ['1.2.3.4 , , 10.0.0.1 ,'], [','], [', ,'], ['a,'], ['1.2.3.4\t10.0.0.1'], ['1.2.3.4,\t10.0.0.1'], ['1.2.3.4 10.0.0.1'], [', 10.0.0.1'], [',10.0.0.1'],
  ['172.19.0.1'], ['9.9.9.9, 172.20.0.1'], ['9.9.9.9, 172.23.255.255'], ['9.9.9.9, 172.24.0.0'], ['9.9.9.9, 192.168.7.1'], ['9.9.9.9, 192.168.7.2'], ['9.9.9.9, fd00::1'], ['9.9.9.9, fd00::2'], ['9.9.9.9, 2001:db8:7fff::'], ['9.9.9.9, 2001:db8:8000::']
]

const entry = oneof(
  { weight: 3, arbitrary: constantFrom('10.0.0.1', '127.0.0.1', '1.2.3.4', '2001:db8::1', '::ffff:10.1.1.1', '8.8.8.8:53', '[2001:db8::2]:1', 'junk', '') },
  { weight: 2, arbitrary: array(constantFrom('0', '1', '9', '25', 'f', 'ffff', ':', ':', '::', '.', '.', '1.2.3.4', '[', ']', ']:1'), { maxLength: 9 }).map(parts => parts.join('')) }
)
const line = array(tuple(entry, constantFrom(',', ', ', ', ', ' ', ' ,  ', ',,')), { maxLength: 4 }).map(parts => parts.flat().join('').trim())

for (const recursive of [true, false]) {
  test(`the client's address is the one nginx finds, with real_ip_recursive ${recursive ? 'on' : 'off'}`, async t => {
    const { ports: [port = 0] } = await startNginx(t, `${TRUSTED.map(range => `set_real_ip_from ${range};`).join(' ')}
      real_ip_header X-Forwarded-For; real_ip_recursive ${recursive ? 'on' : 'off'};
      server { listen 127.0.0.1:PORT_1; location / { return 200 $remote_addr; } }`)
    const trusted = compileTrusted(TRUSTED, recursive)

    for (const lines of [...LISTS, ...sample(array(line, { maxLength: 3 }), 500)]) {
      const answer = await exchange(port, `GET / HTTP/1.1\r\nHost: a\r\n${lines.map(line => `X-Forwarded-For: ${line}\r\n`).join('')}Connection: close\r\n\r\n`)

      t.equal(clientAddress('127.0.0.1', lines, trusted), answer.body.toString('latin1'), JSON.stringify(lines))
    }
  })
}

test('of another header than X-Forwarded-For only the first line counts, as in nginx', async t => {
  const { port } = await startNginx(t, `set_real_ip_from 127.0.0.0/8; real_ip_header X-Client; real_ip_recursive on;
    server { listen 127.0.0.1:PORT_1; location / { return 200 $remote_addr; } }`)
  const headers = ['X-Forwarded-For', '7.7.7.7', 'x-client', '1.1.1.1, 127.0.0.1', 'X-Client', '2.2.2.2']

  const answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 7.7.7.7\r\nx-client: 1.1.1.1, 127.0.0.1\r\nX-Client: 2.2.2.2\r\nConnection: close\r\n\r\n')

  t.equal(answer.body.toString(), '1.1.1.1')
  t.equal(clientAddress('127.0.0.1', forwardedLines(headers, 'x-client'), compileTrusted(['127.0.0.0/8'], true)), '1.1.1.1')
  t.strictSame(forwardedLines([...headers, 'x-forwarded-FOR', ''], 'x-forwarded-for'), ['7.7.7.7', ''])
})

test('the header of an untrusted peer is ignored', async t => {
  const trusted = compileTrusted(['10.0.0.0/8'], true)

  t.equal(clientAddress('127.0.0.1', ['1.2.3.4'], trusted), '127.0.0.1')
  t.equal(clientAddress('2001:db8::1', ['1.2.3.4'], trusted), '2001:db8::1')
  t.equal(clientAddress('10.0.0.1', ['1.2.3.4'], compileTrusted([], true)), '10.0.0.1')
})

test('an IPv4 peer of a dual-stack listener is an IPv4 peer', async t => {
  const trusted = compileTrusted(['127.0.0.0/8'], true)

  t.equal(clientAddress('::ffff:127.0.0.1', ['1.2.3.4'], trusted), '1.2.3.4')
  t.equal(clientAddress('::ffff:127.0.0.1', [], trusted), '127.0.0.1')
  t.equal(clientAddress('::ffff:127.0.0.1', ['junk'], trusted), '127.0.0.1')
  t.equal(clientAddress('::ffff:9.9.9.9', ['1.2.3.4'], trusted), '9.9.9.9')
})

test('the zone of a link-local peer is left out', async t => {
  t.equal(clientAddress('fe80::1%eth0', [], compileTrusted([], true)), 'fe80::1')
  t.equal(clientAddress('fe80::1%eth0', ['1.2.3.4'], compileTrusted(['fe80::/10'], true)), '1.2.3.4')
})

test('what is not a range is an error that names it', async t => {
  for (const cidr of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::/129', '1.2.3/8', 'unix:', '10.0.0.0/8/8', '10.0.0.0/-1']) {
    t.throws(() => compileTrusted([cidr], true), new RegExp(`"${cidr}" is not an address range`), cidr)
  }
  t.doesNotThrow(() => compileTrusted(['0.0.0.0/0', '::/0', '10.1.2.3/8', '1.2.3.4/32', '::1/128'], true))
})

test('connections are counted by IPv4 address and by /64, and those of trusted proxies are not', async t => {
  const trusted = compileTrusted(['172.16.0.0/12', 'fd00::/8'], true)

  t.equal(addressKey('192.0.2.7', trusted), '192.0.2.7')
  t.equal(addressKey('::ffff:192.0.2.7', trusted), '192.0.2.7')
  t.equal(addressKey('2001:db8:1:2:3:4:5:6', trusted), '2001:db8:1:2::')
  t.equal(addressKey('2001:db8:1:2::1', trusted), '2001:db8:1:2::')
  t.equal(addressKey('fe80::1%eth0', trusted), 'fe80::')
  t.equal(addressKey('172.17.0.1', trusted), null)
  t.equal(addressKey('::ffff:172.17.0.1', trusted), null)
  t.equal(addressKey('fd00::1', trusted), null)
  t.equal(addressKey('', trusted), null)
})
