import { test } from 'tap'
import { createHealth, type Health } from '../../../src/mirror/health.ts'
import type { OutageEvent } from '../../../src/mirror/outage-log.ts'

interface Setup {
  readonly health: Health
  readonly told: OutageEvent[]
  /** Fails `count` different copies of a project. */
  readonly failMany: (count: number, options?: { project?: string, code?: string, underWay?: number }) => void
  readonly pass: (ms: number) => void
  readonly time: () => number
}

function setup (): Setup {
  const told: OutageEvent[] = []
  let time = 1_000_000
  let copies = 0
  const health = createHealth({
    onOutage: event => { told.push(event) },
    retry: { initialMs: 100, maxMs: 300_000 },
    now: () => time,
    random: () => 0.5,
    pending: () => 42
  })
  return {
    health,
    told,
    failMany: (count, { project = '1', code = '503', underWay = 0 } = {}) => {
      for (let i = 0; i < count; i++) health.failed({ project, copyId: String(copies++), code, underWay, projectUnderWay: underWay })
    },
    pass: ms => { time += ms },
    time: () => time
  }
}

const isDown = (health: Health): boolean => health.downSince() !== null

test('eight copies that fail one after the other are an outage, seven are not', async t => {
  const { health, failMany } = setup()

  failMany(7)
  t.equal(isDown(health), false)
  failMany(1)

  t.equal(isDown(health), true)
})

test('a success between them ends the count', async t => {
  const { health, told, failMany } = setup()

  failMany(7)
  health.succeeded('1')
  failMany(7)

  t.equal(isDown(health), false)
  t.strictSame(told, [])
})

test('one copy that fails again and again is no outage', async t => {
  const { health } = setup()

  for (let i = 0; i < 100; i++) health.failed({ project: '1', copyId: 'the same', code: '500', underWay: 0, projectUnderWay: 0 })

  t.equal(isDown(health), false)
  t.equal(health.isProjectDown('1'), false)
})

test('probes wait longer and longer, up to 2 s, and attempts from before the outage are none', async t => {
  const { health, failMany, time } = setup()
  failMany(8, { underWay: 5 })
  t.equal(health.closedUntil(), 0)
  failMany(4, { underWay: 1 })
  t.equal(health.closedUntil(), 0)
  const waits: number[] = []

  for (let i = 0; i < 8; i++) {
    failMany(1)
    waits.push(health.closedUntil() - time())
  }

  t.strictSame(waits, [50, 100, 200, 400, 800, 1000, 1000, 1000])
})

test('an outage is told twice, with how long it took, what failed meanwhile and what waits', async t => {
  const { health, told, failMany, pass } = setup()

  failMany(8)
  failMany(3)
  pass(5000)
  health.succeeded('1')
  health.succeeded('1')

  t.equal(isDown(health), false)
  t.equal(health.closedUntil(), 0)
  t.strictSame(told, [
    { kind: 'down', project: null, code: '503', pending: 42 },
    { kind: 'back', project: null, downMs: 5000, failures: 3, pending: 42 }
  ])
})

test('a project that fails while another is served is down alone', async t => {
  const { health, told, failMany, pass, time } = setup()
  health.succeeded('7')

  failMany(8)
  pass(20_000)
  failMany(20)

  t.equal(isDown(health), false)
  t.equal(health.closedUntil(), 0)
  t.strictSame(health.projectsDown(), [{ project: '1', since: time() - 20_000 }])
  t.equal(health.admits('1', 0, time()), false, 'its probes wait')
  t.equal(health.admits('7', 5, time()), true)
  health.succeeded('1')
  t.strictSame(health.projectsDown(), [])
  t.strictSame(told, [
    { kind: 'down', project: '1', code: '503', pending: 42 },
    { kind: 'back', project: '1', downMs: 20_000, failures: 20, pending: 42 }
  ])
})

test('a project that is down has one probe at a time', async t => {
  const { health, failMany, pass, time } = setup()
  health.succeeded('7')
  failMany(8)

  pass(50)

  t.equal(health.admits('1', 0, time()), true)
  t.equal(health.admits('1', 1, time()), false)
})

test('copies of a project that is down come back: one as the next probe, the others after half to all of the time it has been down', async t => {
  const { health, failMany, pass, time } = setup()
  health.succeeded('7')
  failMany(8)
  pass(10_000)
  failMany(1)

  const comeBack = Array.from({ length: 3 }, () => health.comeBackAt('1', time()) - time())

  t.strictSame(comeBack, [100, 7500, 7500])
})

test('a project that was served long ago proves nothing', async t => {
  const { health, failMany, pass } = setup()
  health.succeeded('7')
  pass(10_001)

  failMany(8)

  t.equal(isDown(health), true)
})

test('when all projects fail it is the endpoint, not the projects', async t => {
  const { health, told, failMany } = setup()
  for (const project of ['1', '2', '3']) health.succeeded(project)

  failMany(3, { project: '1' })
  failMany(3, { project: '2' })
  failMany(2, { project: '3' })

  t.equal(isDown(health), true)
  t.strictSame(health.projectsDown(), [])
  t.equal(told.length, 1)
})

test('no connection is the endpoint\'s trouble, whoever was served a moment ago', async t => {
  for (const code of ['refused', 'dns', 'tls']) {
    const { health, failMany } = setup()
    health.succeeded('7')

    failMany(8, { code })

    t.equal(isDown(health), true, code)
    t.strictSame(health.projectsDown(), [], code)
  }
})

test('a project with an outage of its own is not back with the endpoint', async t => {
  const { health, failMany } = setup()
  health.succeeded('7')
  failMany(8, { project: '1' })
  failMany(8, { project: '7', code: 'refused' })
  t.equal(isDown(health), true)

  health.succeeded('7')

  t.equal(isDown(health), false)
  t.equal(health.isProjectDown('1'), true)
})

test('Retry-After holds back everyone', async t => {
  const { health, time } = setup()
  health.succeeded('7')

  health.hold('1', time() + 30_000)

  t.equal(health.closedUntil(), time() + 30_000)
})

test('one project holds back the others for a minute at most, itself for as long as asked; then one copy goes at a time', async t => {
  const { health, pass, time } = setup()
  const until = time() + 3_600_000

  health.hold('1', until)

  t.equal(health.closedUntil(), time() + 60_000)
  pass(60_000)
  t.equal(health.isProbing(), true)
  t.equal(health.admits('7', 0, time()), true)
  t.equal(health.admits('1', 0, time()), false)
  t.equal(health.comeBackAt('1', time()), until)
  health.succeeded('7')
  t.equal(health.isProbing(), false)
  t.equal(health.admits('1', 0, time()), false)
})

test('a project that asks again after others were served holds back itself alone', async t => {
  const { health, pass, time } = setup()
  health.hold('1', time() + 1000)
  pass(1000)
  health.succeeded('7')
  pass(1)

  health.hold('1', time() + 1000)

  t.ok(health.closedUntil() <= time())
  t.equal(health.admits('1', 0, time()), false)
})
