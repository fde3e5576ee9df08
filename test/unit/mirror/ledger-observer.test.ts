/** What the ledger is told of a request on a mirrored route. */
import { test } from 'tap'
import { configOf } from '../../helpers/configuration.ts'
import { createLedgerObserver } from '../../../src/mirror/ledger-observer.ts'
import type { Settled } from '../../../src/proxy/ports.ts'
import type { MirrorConfig } from '../../../src/config/config.ts'

function mirrorConfig (): MirrorConfig {
  const { mirror } = configOf(`
mirror:
  endpoint: http://127.0.0.1:1
  default: off
  projects: { 1: /rum/sentry/a/b }
`)
  if (mirror === null) throw new Error('the configuration has a mirror')
  return mirror
}

function setup (): { observer: ReturnType<typeof createLedgerObserver>, added: unknown[][] } {
  const added: unknown[][] = []
  const observer = createLedgerObserver(mirrorConfig(), { add: (project, field, n = 1, _bytes = 0, detail = '') => { added.push([project, field, n, detail]) } })
  return { observer, added }
}

function settled (mirrorPath: string | null, status: number, method = 'POST'): Settled {
  return {
    listener: '80', route: '/', status, durationMs: 1, bytesSent: 0, clientAddress: '192.0.2.1', requestLine: '', requestId: '0', mirrorPath,
    head: { method, target: '/', minorVersion: 1, headers: [], received: null, host: 'h', hostPort: '', framing: 'none', contentLength: 0, keepAlive: true, expectContinue: false }
  }
}

test('a request that is offered to the mirror is received, whether it is copied or not', t => {
  const { observer, added } = setup()

  observer.accepted('1')
  observer.skipped('1', 'endpoint')

  t.strictSame(added, [['1', 'received', 1, ''], ['1', 'received', 1, ''], ['1', 'skipped', 1, 'endpoint']])
  t.end()
})

test('an answer is counted for the project of its path, 2xx by what became of the request, others by status', t => {
  const { observer, added } = setup()

  observer.settled(settled('/api/1/envelope/', 200))
  observer.settled(settled('/api/1/envelope/', 202))
  observer.settled(settled('/api/1/store/', 200))
  observer.settled(settled('/api/1/envelope/', 200, 'OPTIONS'))
  observer.settled(settled('/api/99/envelope/', 200))
  observer.settled(settled('/api/1/envelope/', 429))
  observer.settled(settled('/api/1/envelope/', 499))

  t.strictSame(added, [
    ['1', 'answered_ok', 1, ''], ['1', 'answered_ok', 1, ''], ['1', 'answered_ok', 1, 'endpoint'], ['1', 'answered_ok', 1, 'method'],
    ['default', 'answered_ok', 1, 'off'], ['1', 'answered_other', 1, '429'], ['1', 'answered_other', 1, '499']
  ])
  t.end()
})

test('a request that was never offered to the mirror is not counted', t => {
  const { observer, added } = setup()

  observer.settled(settled(null, 413))

  t.strictSame(added, [])
  t.end()
})
