import { test } from 'tap'
import { adminOrigin } from '../../../src/cli/reach-spool.ts'

test('a router that listens on every address is reached over loopback', async t => {
  for (const [host, port, origin] of [
    ['127.0.0.1', 9145, 'http://127.0.0.1:9145'], ['0.0.0.0', 9145, 'http://127.0.0.1:9145'], ['::', 1, 'http://127.0.0.1:1'],
    ['::1', 9145, 'http://[::1]:9145'], ['router.example.test', 80, 'http://router.example.test:80'], ['::', 0, null]
  ] as const) t.equal(adminOrigin({ host, port }), origin, host)
})
