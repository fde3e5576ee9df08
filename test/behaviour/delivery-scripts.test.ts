/**
 * Random scripts of faults, one step per attempt, against real sockets. Whatever the
 * script: every copy ends delivered, dead or pending, none is under way twice at
 * once, every attempt of a copy has the same bytes, and the ledger balances.
 */
import * as fc from 'fast-check'
import t, { test, type Test } from 'tap'
import { answers, header, startBackend, type Answer } from '../helpers/backends.ts'
import { fieldLines, memoryBody, startMirror } from '../helpers/copies.ts'

t.setTimeout(120_000)

const RUNS = 60

const raw = (text: string): Answer => (_request, socket) => { socket.write(text, 'latin1') }
const rawThenClose = (text: string): Answer => (_request, socket) => { socket.end(text, 'latin1') }

const STEPS: Record<string, Answer> = {
  served: answers.status('200 OK', '{}'),
  'served late': answers.after(15, answers.status('200 OK')),
  hang: answers.never(),
  'hang after half a head': raw('HTTP/1.1 200'),
  crawl: (_request, socket) => {
    let at = 0
    const timer = setInterval(() => { socket.write('HTTP/1.1 200 OK\r\nX: crawling\r\n\r\n'.charAt(at++)) }, 10)
    socket.once('close', () => { clearInterval(timer) })
  },
  reset: answers.reset(),
  'close without an answer': rawThenClose(''),
  'reset in mid-answer': (_request, socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', () => { socket.resetAndDestroy() }) },
  garbage: raw('garbage'),
  'more than asked for': raw('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n'),
  ...Object.fromEntries([301, 400, 401, 403, 404, 408, 413, 425, 429, 500, 502, 503, 504].map(status => [`status ${status}`, answers.status(`${status} Status`)])),
  'a pause': answers.status('429 Slow', '', ['Retry-After: 0']),
  'an absurd pause': answers.status('503 Slow', '', ['Retry-After: 999999999'])
}

interface Script {
  /** What is done with each attempt, in order; `served` when it is over. */
  readonly steps: readonly string[]
  readonly copies: readonly { readonly project: string, readonly bytes: number }[]
  readonly concurrency: number
  /** Copies are taken in turns of so many. */
  readonly burst: number
  /** Whether delivery is cut in the middle. */
  readonly cut: boolean
}

const scripts: fc.Arbitrary<Script> = fc.record({
  steps: fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 60 }),
  copies: fc.array(fc.record({ project: fc.constantFrom('1', '7', 'default'), bytes: fc.constantFrom(0, 3, 2000, 70_000) }), { minLength: 1, maxLength: 40 }),
  concurrency: fc.constantFrom(1, 2, 16),
  burst: fc.integer({ min: 1, max: 40 }),
  cut: fc.boolean()
})

async function play (t: Test, script: Script): Promise<void> {
  const steps = [...script.steps]
  const bytesOf = new Map<string, Buffer>()
  const underWay = new Set<string>()
  const endpoint = await startBackend(t, (request, socket) => {
    const id = header(request, 'x-request-id') ?? ''
    const bytes = Buffer.concat([request.head, request.body])
    t.ok(bytes.equals(bytesOf.get(id) ?? bytes), 'each attempt has the same bytes')
    bytesOf.set(id, bytes)
    ;(STEPS[steps.shift() ?? 'served'] as Answer)(request, socket)
  })
  const mirror = startMirror(t, {
    port: endpoint.port,
    concurrency: script.concurrency,
    retry: { initialMs: 1, maxMs: 5 },
    endpoint: { readTimeoutMs: 60 },
    watch: {
      sending (copy) {
        t.notOk(underWay.has(copy.id), 'no copy is under way twice')
        underWay.add(copy.id)
        t.ok(underWay.size <= script.concurrency, 'no more than the bound')
      },
      sent (copy) { underWay.delete(copy.id) }
    }
  })

  const bodies = script.copies.map(({ bytes }) => memoryBody(Buffer.alloc(bytes, 'x')))
  for (const [i, { project }] of script.copies.entries()) {
    if (i > 0 && i % script.burst === 0) await new Promise(resolve => { setImmediate(resolve) })
    const id = i.toString(16).padStart(32, '0')
    mirror.keep({ id, project, body: bodies[i] as ReturnType<typeof memoryBody>, fields: fieldLines('X-Request-Id', id) })
    t.equal(mirror.unaccounted(), 0)
  }
  if (script.cut) {
    await mirror.attempts.atLeast(1)
    await mirror.delivery.close({ deadlineMs: 5 })
  } else {
    await mirror.ended.atLeast(script.copies.length, 60_000)
  }

  const { pending, dead } = mirror.spool.stats()
  t.equal(mirror.unaccounted(), 0)
  t.equal(mirror.ledger.delivered + dead + pending, script.copies.length)
  t.equal(mirror.delivery.status().underWay, 0)
  if (!script.cut) t.equal(pending, 0)
  t.equal(bodies.filter(body => body.holders() > 0).length, dead + pending, 'bodies are kept for those that are not delivered')
  await mirror.close()
  t.equal(mirror.unaccounted(), 0)
  await endpoint.stop()
}

test('whatever an endpoint does, each copy ends delivered, dead or pending, once', async t => {
  await fc.assert(fc.asyncProperty(scripts, async script => { await play(t, script) }), { numRuns: RUNS, endOnFailure: true })
})

for (const status of [200, 201, 204, 206, 299]) {
  test(`status ${status} delivers`, async t => {
    const endpoint = await startBackend(t, answers.status(`${status} Status`))
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port })

    keep()
    await ended.atLeast(1)

    t.strictSame(ended.all, ['delivered'])
    t.strictSame(attempts.all, [String(status)])
    t.equal(unaccounted(), 0)
  })
}

for (const status of [300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 431, 451, 499]) {
  test(`status ${status} is final`, async t => {
    const endpoint = await startBackend(t, answers.status(`${status} Status`))
    const { keep, ended, attempts, spool, unaccounted } = startMirror(t, { port: endpoint.port })

    const copy = keep()
    await ended.atLeast(1)

    t.strictSame(ended.all, [`dead ${status}`])
    t.strictSame(attempts.all, [String(status)])
    t.strictSame(spool.deadLetters.list({}, 10).map(({ id, reason }) => ({ id, reason })), [{ id: copy.id, reason: String(status) }])
    t.equal(unaccounted(), 0)
  })
}

for (const status of [403, 408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 599]) {
  test(`status ${status} is tried again, with the same X-Request-Id`, async t => {
    const endpoint = await startBackend(t, (request, socket) => {
      answers.status(`${status} Status`)(request, socket)
      endpoint.answerWith(answers.status('200 OK'))
    })
    const { keep, ended, attempts, unaccounted } = startMirror(t, { port: endpoint.port })

    keep({ fields: fieldLines('X-Request-Id', 'f'.repeat(32)) })
    await ended.atLeast(1)

    t.strictSame(ended.all, ['delivered'])
    t.strictSame(attempts.all, [String(status), '200'])
    t.strictSame(endpoint.requests.map(request => header(request, 'x-request-id')), ['f'.repeat(32), 'f'.repeat(32)])
    t.equal(unaccounted(), 0)
  })
}
