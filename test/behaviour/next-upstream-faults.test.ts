/**
 * proxy_next_upstream: of two servers the first misbehaves. By default a POST goes on to
 * the second as long as the client has nothing; without `non_idempotent` (nginx's own
 * default) only when the first cannot have seen it.
 */
import t, { test } from 'tap'
import { FAULTS, isPassedOn, TIMEOUT_MS, type Fault } from '../fixtures/faults.ts'
import { startBackend } from '../helpers/backends.ts'
import { post } from '../helpers/client.ts'
import { startFaultyServer } from '../helpers/faulty-server.ts'
import { probe } from '../helpers/probe.ts'
import { startProxy } from '../helpers/proxy.ts'

const TIMEOUTS = `connect_timeout: ${TIMEOUT_MS}ms, send_timeout: ${TIMEOUT_MS}ms, read_timeout: ${TIMEOUT_MS}ms`

const POLICIES: readonly Policy[] = [
  { words: 'by default', lines: '', faults: FAULTS, isPassedOn },
  {
    words: 'without non_idempotent',
    lines: ', next_upstream: [error, timeout, invalid_header]',
    // Whether a reset is there before the request is sent depends on who is faster.
    faults: FAULTS.filter(fault => isPassedOn(fault) && fault.name !== 'resets at once'),
    isPassedOn: ({ at }) => at === 'port'
  }
]

interface Policy {
  readonly words: string
  /** Of the upstream in router.yaml. */
  readonly lines: string
  readonly faults: readonly Fault[]
  readonly isPassedOn: (fault: Fault) => boolean
}

t.setTimeout(120_000)
// Most of them wait for a timeout.
t.jobs = 4

for (const policy of POLICIES) {
  for (const fault of policy.faults) {
    const goesOn = policy.isPassedOn(fault)
    test(`${policy.words} a POST to a server that ${fault.name} ${goesOn ? 'is answered by the next' : 'ends there'}`, { buffered: true }, async t => {
      const first = await startFaultyServer(t)
      const second = await startBackend(t)
      const proxy = await startProxy(t, { servers: [first.port, second.port], upstream: `${TIMEOUTS}${policy.lines}` })
      await first.misbehave(fault)

      const answer = await probe(proxy.port, post('/x', 'x'.repeat(fault.bodyBytes ?? 10)), 'POST')

      t.equal(answer.status, goesOn || fault.client === 'cut' ? 200 : fault.client)
      t.equal(answer.complete, fault.client !== 'cut')
      t.equal(answer.open, fault.client !== 'cut')
      t.equal(first.committed(), 1)
      t.equal(second.requests.filter(({ target }) => target === '/x').length, goesOn ? 1 : 0)
      t.equal(second.requests.find(({ target }) => target === '/x')?.body.length ?? 0, goesOn ? fault.bodyBytes ?? 10 : 0)
      t.equal(proxy.budget.used, 0)
    })
  }
}
