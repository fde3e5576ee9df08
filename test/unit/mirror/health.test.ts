import { test } from 'tap'
import { createHealth, type Health } from '../../../src/mirror/health.ts'

function setup (): { health: Health, log: string[], failMany: (count: number, underWay?: number) => void, pass: (ms: number) => void } {
  const log: string[] = []
  let time = 1000
  let copies = 0
  const health = createHealth({
    log: {
      info: (fields: unknown, message?: string) => { log.push(`info ${message} ${JSON.stringify(fields)}`) },
      warn: (fields: unknown, message?: string) => { log.push(`warn ${message} ${JSON.stringify(fields)}`) }
    },
    retry: { initialMs: 100, maxMs: 300_000 },
    now: () => time,
    random: () => 0.5,
    pending: () => 42
  })
  return {
    health,
    log,
    failMany: (count, underWay = 0) => { for (let i = 0; i < count; i++) health.failed(String(copies++), '503', underWay) },
    pass: ms => { time += ms }
  }
}

test('eight copies that fail one after the other are an outage, seven are not', async t => {
  const { health, failMany } = setup()

  failMany(7)
  t.equal(health.isDown(), false)
  failMany(1)

  t.equal(health.isDown(), true)
})

test('a success between them ends the count', async t => {
  const { health, log, failMany } = setup()

  failMany(7)
  health.succeeded()
  failMany(7)

  t.equal(health.isDown(), false)
  t.strictSame(log, [])
})

test('one copy that fails again and again is no outage', async t => {
  const { health } = setup()

  for (let i = 0; i < 100; i++) health.failed('the same', '500', 0)

  t.equal(health.isDown(), false)
})

test('probes wait longer and longer, up to 2 s, and attempts from before the outage are none', async t => {
  const { health, failMany } = setup()
  failMany(8, 5)
  t.equal(health.nextProbeAt(), 0)
  failMany(4, 1)
  t.equal(health.nextProbeAt(), 0)
  const waits: number[] = []

  for (let i = 0; i < 8; i++) {
    failMany(1)
    waits.push(health.nextProbeAt() - 1000)
  }

  t.strictSame(waits, [50, 100, 200, 400, 800, 1000, 1000, 1000])
})

test('an outage has two lines, with how long it took and what waits', async t => {
  const { health, log, failMany, pass } = setup()

  failMany(8)
  failMany(3)
  pass(5000)
  health.succeeded()
  health.succeeded()

  t.equal(health.isDown(), false)
  t.equal(health.nextProbeAt(), 0)
  t.strictSame(log, [
    'warn the endpoint is down; copies wait in the spool {"code":"503","failures":8,"pending":42}',
    'info the endpoint is back {"downMs":5000,"probes":4,"pending":42}'
  ])
})
