import { test } from 'tap'
import type { ProcessStatus } from '../../../src/process/process-report.ts'
import { collectStatus, type CollectInput } from '../../../src/status/collect.ts'
import { statusLines } from '../../../src/status/text.ts'
import { configOf } from '../../helpers/configuration.ts'

const NOW = new Date(2026, 2, 3, 10, 48, 5).getTime()
const CONFIG = configOf('mirror:\n  endpoint: http://rum.test\n  projects: { 1: /rum/sentry/workspace/service-1, 2: /rum/sentry/workspace/service-2, 7: off }\n')

function served (fields: Partial<ProcessStatus> = {}): ProcessStatus {
  return {
    pid: 1,
    startedAt: NOW - 5000,
    delivery: { downSince: null, closedUntil: null, projectsDown: [], lastFailure: null, lastSuccessAt: NOW - 1000, failingSince: null, width: 8, underWay: 0, connections: { open: 0, idle: 0 } },
    spool: { works: true, pending: 3, pendingBytes: 30, maxBytes: 100, oldestTakenAt: NOW - 1000, dead: 1, deadBytes: 10 },
    listeners: [],
    capacity: { maxConnections: 100, memoryBytes: 1, diskBytes: 2, maxDiskBytes: 3 },
    upstreams: [{ name: 'relay', servers: [{ address: 'relay:3000', answeredAt: NOW - 500, failedAt: null, failure: null, connections: { open: 1, idle: 1 } }] }],
    ...fields
  }
}

const counts = (entries: Readonly<Record<string, number>>): Map<string, number> => new Map(Object.entries(entries))
const NONE = counts({})

function input (fields: Partial<CollectInput> = {}): CollectInput {
  return {
    at: NOW, version: '1.2.3', startedAt: NOW - 12_000_000, readiness: 'ready', processes: [served()],
    sums: { now: NONE, '1h': NONE, '24h': NONE }, latency: NONE, deadLetters: [], config: CONFIG, loadedAt: NOW - 12_000_000, lastReload: null, ...fields
  }
}

test('what several processes hold is added up, and the oldest is the oldest of all', t => {
  const second = served({ pid: 2, spool: { works: false, pending: 4, pendingBytes: 40, maxBytes: 100, oldestTakenAt: NOW - 9000, dead: 2, deadBytes: 20 } })

  const { spool, processes, traffic } = collectStatus(input({ processes: [served(), second] }))

  t.match(spool, { works: false, pending: 7, pendingBytes: 70, oldestTakenAt: NOW - 9000, dead: 3, deadBytes: 30 })
  t.strictSame(processes.map(({ pid }) => pid), [1, 2])
  t.match(traffic.upstreams, [{ name: 'relay', state: 'ok', servers: [{ connections: { open: 2, idle: 2 } }] }])
  t.end()
})

test('a project is told of as far as it is mirrored, or has been', t => {
  const day = counts({ 'accepted 1': 10, 'delivered 1': 9, 'dead 1': 1, 'delivered 9': 4, 'accepted 9': 4 })

  const { mirror } = collectStatus(input({ sums: { now: NONE, '1h': counts({ 'dead 1': 1 }), '24h': day } }))

  t.match(mirror?.projects, [
    { project: '1', state: 'failing', words: '1 dead in the last hour' },
    { project: '2', state: 'ok', words: 'no copies in the last 24 h' },
    { project: '9', state: 'ok', words: '4 delivered in the last 24 h (100 %)' }
  ])
  t.match(mirror?.success[2], { accepted: 14, delivered: 13, dead: 1, dropped: 0, ratio: 13 / 14 })
  t.end()
})

test('each thing that is not in order is a finding, the worst first, with what to do', t => {
  const failedServer = { address: 'relay:3000', answeredAt: NOW - 5000, failedAt: NOW - 1000, failure: 'refused' as const, connections: { open: 0, idle: 0 } }
  const delivery = { downSince: null, closedUntil: null, projectsDown: [{ project: '2', since: NOW - 60_000 }], lastFailure: null, lastSuccessAt: NOW, failingSince: null, width: 8, underWay: 0, connections: { open: 0, idle: 0 } }
  const spool = { works: false, pending: 5, pendingBytes: 1.9 * 1024 ** 3, maxBytes: 2 * 1024 ** 3, oldestTakenAt: NOW - 3_600_000, dead: 0, deadBytes: 0 }

  const { findings, headline } = collectStatus(input({
    processes: [served({ delivery, spool, upstreams: [{ name: 'relay', servers: [failedServer] }] })],
    sums: { now: NONE, '1h': NONE, '24h': counts({ 'drops spool_full': 2, 'dropped 1': 2, 'drops spool_error': 0 }) },
    deadLetters: [{ project: '1', reason: '400', count: 3 }],
    lastReload: { at: NOW - 60_000, result: 'failure', message: 'router.yaml:3:1: unknown option' }
  }))

  t.strictSame(findings.map(({ level, words }) => [level, words]), [
    ['trouble', 'Project 2 is down since 10:47: the endpoint takes none of its copies, others get through.'],
    ['trouble', 'The spool cannot be written: copies are kept in memory, and are lost if the router stops.'],
    ['trouble', 'The spool is 95 % full (1.9 GiB of 2.0 GiB).'],
    ['trouble', '2 copies were dropped in the last 24 h: the spool was full.'],
    ['warning', '5 copies waiting, oldest 1 h, though the endpoint takes copies.'],
    ['warning', '3 dead letters (project 1: 3 refused with 400).'],
    ['warning', 'Upstream relay: relay:3000 failed at 10:48: connection refused.'],
    ['warning', 'The last reload, at 10:47, failed: router.yaml:3:1: unknown option']
  ])
  t.ok(findings.every(({ advice }) => advice !== ''))
  t.strictSame(headline, { level: 'trouble', words: findings[0]?.words })
  t.end()
})

test('a terminal gets what is wrong first, and nothing that would steer it', t => {
  const day = counts({ 'accepted 1': 1204, 'delivered 1': 1203, 'dead 1': 1 })
  const status = collectStatus(input({ sums: { now: NONE, '1h': NONE, '24h': day }, deadLetters: [{ project: '1', reason: 'a\u001b[31mb', count: 1 }] }))

  const lines = statusLines(status)
  const text = lines.map(({ text }) => text)

  t.equal(text[0], 'mirror-router 1.2.3: ready, running for 3 h 20 min, 1 process')
  t.match(lines[1], { text: '! 1 dead letter', kind: 'warning' })
  t.ok(text.some(line => /^endpoint {2}rum\.test: up; last answer 1 s ago; 3 copies waiting, oldest 1 s$/.test(line)))
  t.ok(text.some(line => /^all +0 +0 +1,203 +1 +0 +99\.9 %$/.test(line)), text.join('\n'))
  t.ok(text.every(line => !line.includes('\u001b')))
  t.ok(text.some(line => line.includes('a\\x1b[31mb')))
  t.end()
})

test('when nothing is mirrored the rest is told all the same', t => {
  const status = collectStatus(input({ config: configOf('log: { access: "off" }\n'), processes: [served({ delivery: null, spool: null })] }))

  t.match(status, { mirror: null, spool: null, headline: { level: 'ok' }, config: { projects: [] } })
  t.ok(statusLines(status).some(({ text }) => /^relay +0 +last answer 0 s ago$/.test(text)))
  t.end()
})
