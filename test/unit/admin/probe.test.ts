import { createServer, type AddressInfo } from 'node:net'
import { test } from 'tap'
import { createProber } from '../../../src/admin/probe.ts'

test('a server that accepts connections is well, and is asked once for all who ask within a few seconds', async t => {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.destroy()
  })
  t.teardown(() => server.close())
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  let now = 1000
  const probe = createProber({ now: () => now, validMs: 3000 })
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }

  const [first, second] = await Promise.all([probe(address), probe(address)])
  now += 2999
  const third = await probe(address)
  now += 1
  const fourth = await probe(address)

  t.strictSame([first, second, third, fourth], [{ at: 1000, failure: null }, { at: 1000, failure: null }, { at: 1000, failure: null }, { at: 4000, failure: null }])
  await new Promise(resolve => { server.close(resolve) })
  t.equal(connections, 2)
  t.match(await createProber({ now: () => now })(address), { failure: 'refused' })
})

test('a name that nobody knows is told as such, or as no answer in time', async t => {
  const probe = createProber({ now: () => Date.now() })

  t.match(await probe({ host: 'does-not-exist.invalid', port: 80 }), { failure: /^(?:dns|timeout)$/ })
})
