import { test, type Test } from 'tap'
import type { MirrorConfig } from '../../../src/config/config.ts'
import { Deadlines } from '../../../src/http1/deadlines.ts'
import { createDeliveries, type Deliveries } from '../../../src/mirror/deliveries.ts'
import { createDelivery } from '../../../src/mirror/delivery.ts'
import { createEndpoint } from '../../../src/mirror/endpoint.ts'
import { createMemorySpool } from '../../../src/spool/memory-spool.ts'
import type { Spool } from '../../../src/spool/types.ts'
import { answers, startBackend } from '../../helpers/backends.ts'
import { configOf } from '../../helpers/configuration.ts'
import { copyOf } from '../../helpers/copies.ts'

interface Setup {
  readonly spool: Spool
  readonly deliveries: Deliveries
  /** What was made a line of, in order. */
  readonly made: MirrorConfig[]
  readonly outages: string[]
}

function setup (t: Test, mirror: MirrorConfig): Setup {
  const { now } = Date
  const spool = createMemorySpool({ maxBytes: 1024 * 1024, whenFull: 'drop_oldest', onDrop () {}, now })
  const observer = { accepted () {}, skipped () {}, delivered () {}, dead () {}, dropped () {}, attempted () {}, lateCommit () {} }
  const made: MirrorConfig[] = []
  const outages: string[] = []
  const deliveries = createDeliveries(mirror, mirror => {
    made.push(mirror)
    const endpoint = createEndpoint({ ...mirror, deadlines: new Deadlines() })
    const { concurrency, retry } = mirror
    return { endpoint, delivery: createDelivery({ spool, endpoint, observer, onOutage: ({ kind }) => { outages.push(kind) }, concurrency, retry, now }) }
  })
  deliveries.start()
  t.teardown(async () => {
    await deliveries.close({ deadlineMs: 0 })
    await spool.close()
  })
  return { spool, deliveries, made, outages }
}

function mirrorTo (port: number, more = ''): MirrorConfig {
  const { mirror } = configOf(`mirror: { endpoint: "http://127.0.0.1:${port}", default: /rum/a, retry: { initial: 10ms, max: 20ms }, ${more} }`)
  if (mirror === null) throw new Error('there is a mirror')
  return mirror
}

test('a reload that changes what is copied, but not how it is delivered, leaves delivery alone', async t => {
  const { deliveries, made } = setup(t, mirrorTo(9))

  deliveries.use(mirrorTo(9, 'projects: { 1: /rum/b }, endpoints: all, methods: all, drop_headers: []'))

  t.equal(made.length, 1)
})

for (const more of ['host: other.example', 'connect_timeout: 1s', 'send_timeout: 1s', 'read_timeout: 1s', 'concurrency: 3']) {
  test(`a reload that changes ${more} makes delivery anew`, async t => {
    const { deliveries, made } = setup(t, mirrorTo(9))

    deliveries.use(mirrorTo(9, more))

    t.equal(made.length, 2)
    t.equal(deliveries.status().underWay, 0)
  })
}

test('at the end attempts at the endpoint of before are cut at the deadline too, and their copies stay', async t => {
  const [old, next] = await Promise.all([startBackend(t, answers.never()), startBackend(t)])
  const { spool, deliveries } = setup(t, mirrorTo(old.port, 'read_timeout: 1h'))
  void spool.append(copyOf())
  await old.received(1)
  const before = performance.now()

  deliveries.use(mirrorTo(next.port))
  await deliveries.close({ deadlineMs: 20 })

  t.ok(performance.now() - before < 10_000)
  t.equal(spool.stats().pending, 1)
  t.equal(next.requests.length, 0)
})

test('a copy whose attempt at the endpoint of before fails later goes to the next one, though nothing else happens', async t => {
  const held = Promise.withResolvers<() => void>()
  const [old, next] = await Promise.all([
    startBackend(t, (request, socket) => { held.resolve(() => { answers.status('503 Service Unavailable')(request, socket) }) }),
    startBackend(t)
  ])
  const { spool, deliveries } = setup(t, mirrorTo(old.port))
  void spool.append(copyOf())
  const failNow = await held.promise

  deliveries.use(mirrorTo(next.port))
  failNow()

  t.equal((await next.received(1)).length, 1)
  t.equal(old.requests.length, 1)
})

test('the last attempts at an endpoint that is no more are no outage of the next one', async t => {
  const [old, next] = await Promise.all([startBackend(t, answers.never()), startBackend(t)])
  const { spool, deliveries, outages } = setup(t, mirrorTo(old.port))
  for (let i = 0; i < 20; i++) void spool.append(copyOf())
  await old.received(8)

  deliveries.use(mirrorTo(next.port))
  await old.stop()
  await next.received(20)

  t.strictSame(outages, [])
})
