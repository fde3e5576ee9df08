import * as fc from 'fast-check'
import { test } from 'tap'
import { copyBytes, createMemorySpool, type MemorySpoolOptions } from '../../../src/spool/memory-spool.ts'
import type { ClaimedCopy, Copy, DeadLetterFilter, Spool } from '../../../src/spool/types.ts'
import { copyOf, fileBody, memoryBody } from '../../helpers/copies.ts'

interface Setup { readonly spool: Spool, readonly drops: string[] }

function setup (options: Partial<MemorySpoolOptions> = {}): Setup {
  const drops: string[] = []
  const spool = createMemorySpool({ maxBytes: 1_000_000, whenFull: 'drop_oldest', onDrop: (project, reason) => { drops.push(`${project} ${reason}`) }, now: () => 0, ...options })
  return { spool, drops }
}

/** A copy that costs `bytes`. */
function sized (bytes: number, fields: Partial<Copy> = {}): Copy {
  const empty = copyBytes(copyOf({ ...fields, body: memoryBody() }))
  return copyOf({ ...fields, body: memoryBody(Buffer.alloc(bytes - empty)) })
}

function ids (claimed: readonly ClaimedCopy[]): string[] {
  return claimed.map(({ copy }) => copy.id)
}

test('copies that are due come out oldest first', async t => {
  const { spool } = setup()
  const copies = [1, 2, 3, 4].map(() => copyOf({ takenAt: 0 }))
  for (const copy of copies) void spool.append(copy)

  const claimed = [...spool.claim(3, 10_000), ...spool.claim(3, 10_000)]

  t.strictSame(ids(claimed), copies.map(copy => copy.id))
  t.strictSame(spool.claim(3, 10_000), [])
})

test('a copy in backoff comes out when it is due, in its old place, with one failure more', async t => {
  const { spool } = setup()
  const [first, second] = [copyOf({ takenAt: 0 }), copyOf({ takenAt: 0 })]
  void spool.append(first)
  const [claimed] = spool.claim(1, 0)
  spool.retry(claimed as ClaimedCopy, 5000)
  void spool.append(second)

  t.strictSame(ids(spool.claim(1, 4999)), [second.id])
  t.equal(spool.nextDueAt(), 5000)
  const [again] = spool.claim(1, 5000)

  t.equal(again?.copy, first)
  t.equal(again?.failures, 1)
  t.equal(spool.nextDueAt(), null)
})

test('an attempt that does not count leaves the failures as they were', async t => {
  const { spool } = setup()
  void spool.append(copyOf())
  spool.retry(spool.claim(1, 0)[0] as ClaimedCopy, 0, false)

  t.equal(spool.claim(1, 0)[0]?.failures, 0)
})

test('a fresh copy does not wait behind a backlog, and the backlog gets every fourth turn', async t => {
  const { spool } = setup()
  for (let i = 0; i < 20; i++) void spool.append(copyOf({ takenAt: 0, target: '/old' }))
  for (let i = 0; i < 20; i++) void spool.append(copyOf({ takenAt: 5000, target: '/new' }))

  const targets = spool.claim(20, 5500).map(({ copy }) => copy.target)

  t.equal(targets.filter(target => target === '/new').length, 15)
  t.ok(targets.indexOf('/new') < 2)
})

test('drop_oldest makes room by dropping the oldest waiting copies; claimed ones stay', async t => {
  const { spool, drops } = setup({ maxBytes: 10_000 })
  const copies = ['a', 'b', 'c'].map(project => sized(3000, { project, takenAt: 0 }))
  for (const copy of copies) void spool.append(copy)
  const [claimed] = spool.claim(1, 0)

  void spool.append(sized(6000, { project: 'd', takenAt: 0 }))

  t.equal(claimed?.copy.project, 'a')
  t.strictSame(drops, ['b spool_full', 'c spool_full'])
  t.strictSame(spool.claim(9, 0).map(({ copy }) => copy.project), ['d'])
})

test('drop_newest drops the copy that does not fit', async t => {
  const { spool, drops } = setup({ maxBytes: 10_000, whenFull: 'drop_newest' })
  for (const project of ['a', 'b', 'c', 'd']) void spool.append(sized(3000, { project }))

  t.strictSame(drops, ['d spool_full'])
  t.equal(spool.stats().pending, 3)
})

test('a copy larger than the spool is dropped, and no other for it', async t => {
  const { spool, drops } = setup({ maxBytes: 10_000 })
  void spool.append(sized(3000, { project: 'small' }))
  const large = sized(10_001, { project: 'large' })

  void spool.append(large)

  t.strictSame(drops, ['large spool_full'])
  t.equal(spool.stats().pending, 1)
})

test('a copy that would not fit beside the claimed ones evicts nothing', async t => {
  const { spool, drops } = setup({ maxBytes: 10_000 })
  void spool.append(sized(6000, { project: 'claimed' }))
  spool.claim(1, 0)
  void spool.append(sized(3000, { project: 'waiting' }))

  void spool.append(sized(5000, { project: 'new' }))

  t.strictSame(drops, ['new spool_full'])
})

test('dead letters are kept oldest first, give way before a living copy does, and never fill the spool', async t => {
  const { spool, drops } = setup({ maxBytes: 20_000, now: () => 77 })
  const bodies = Array.from({ length: 10 }, () => memoryBody(Buffer.alloc(1000)))
  for (const body of bodies) {
    void spool.append(copyOf({ body }))
    spool.bury(spool.claim(1, 0)[0] as ClaimedCopy, '400', 'no')
  }
  const kept = spool.deadLetters.list({}, 100)
  t.ok(spool.stats().deadBytes <= 5000)
  t.strictSame(kept.map(letter => spool.deadLetters.get(letter.id)?.copy.body), bodies.slice(-kept.length))
  t.match(kept[0], { reason: '400', answer: 'no', buriedAt: 77, attempts: 1, bodyBytes: 1000 })

  void spool.append(sized(18_000))

  t.strictSame(drops, [])
  t.ok(spool.stats().dead < kept.length)
  t.equal(bodies.filter(body => body.holders() > 0).length, spool.stats().dead)
})

test('a replayed dead letter is a copy again: due at once, without failures, its age begun anew', async t => {
  const { spool } = setup({ now: () => 5000 })
  const body = memoryBody('a')
  void spool.append(copyOf({ id: 'a', project: '1', takenAt: 0, body }))
  spool.retry(spool.claim(1, 0)[0] as ClaimedCopy, 0, true, 'busy')
  spool.bury(spool.claim(1, 0)[0] as ClaimedCopy, 'expired', '')
  let woken = 0
  spool.onAppend = () => { woken++ }
  t.match(spool.deadLetters.get('a'), { attempts: 1, answer: 'busy' })

  t.strictSame(await spool.deadLetters.replay({ project: '2' }), [])
  t.strictSame(await spool.deadLetters.replay({ ids: ['a'], reason: 'expired' }), ['1'])

  t.equal(woken, 1)
  t.match(spool.stats(), { pending: 1, dead: 0, deadBytes: 0 })
  t.match(spool.claim(1, 5000), [{ failures: 0, copy: { id: 'a', takenAt: 5000 } }])
  t.equal(body.holders(), 1)
})

test('dead letters are listed by page and purged by filter, bodies and all', async t => {
  let now = 0
  const { spool } = setup({ now: () => now })
  const bodies = ['a', 'b', 'c', 'd'].map(id => {
    const body = memoryBody(id)
    void spool.append(copyOf({ id, body }))
    spool.bury(spool.claim(1, 0)[0] as ClaimedCopy, id < 'c' ? '400' : '404', '')
    now += 100
    return body
  })
  const listed = (filter: DeadLetterFilter, limit: number, after?: string): string => spool.deadLetters.list(filter, limit, after).map(letter => letter.id).join('')

  t.equal(listed({}, 3), 'abc')
  t.equal(listed({}, 3, 'c'), 'd')
  t.equal(listed({ reason: '404' }, 9), 'cd')
  t.equal(listed({ buriedBefore: 200 }, 9), 'ab')
  t.equal(await spool.deadLetters.purge({ ids: ['b', 'd', 'x'] }), 2)

  t.equal(listed({}, 9), 'ac')
  t.strictSame(bodies.map(body => body.holders()), [1, 0, 1, 0])
})

test('a body in a file stays in its file until its copy is settled', async t => {
  const { spool } = setup()
  const body = fileBody('/some/where', 10)
  void spool.append(copyOf({ body }))
  const [claimed] = spool.claim(1, 0)

  t.equal(claimed?.copy.body.file, '/some/where')
  t.equal(body.holders(), 1)
  spool.ack(claimed as ClaimedCopy)
  t.equal(body.holders(), 0)
})

test('a token given back twice is a bug that is not hidden', async t => {
  const { spool } = setup()
  void spool.append(copyOf())
  const [claimed] = spool.claim(1, 0)
  spool.ack(claimed as ClaimedCopy)

  t.throws(() => { spool.ack(claimed as ClaimedCopy) }, /not claimed/)
})

test('what waits when the spool closes is dropped and said to be; later appends too', async t => {
  const { spool, drops } = setup()
  const bodies = [memoryBody('a'), memoryBody('b'), memoryBody('c'), memoryBody('d')]
  const [first, second, third, fourth] = bodies.map(body => copyOf({ body })) as [Copy, Copy, Copy, Copy]
  for (const copy of [first, second, third]) void spool.append(copy)
  const [acked, retried] = spool.claim(2, 0) as [ClaimedCopy, ClaimedCopy]

  await spool.close()
  void spool.append(fourth)
  spool.ack(acked)
  spool.retry(retried, 0)

  t.equal(drops.length, 3)
  t.strictSame(bodies.map(body => body.holders()), [0, 0, 0, 0])
  t.equal(spool.stats().pending, 0)
})

function bytes (copies: readonly Copy[]): number {
  return copies.reduce((sum, copy) => sum + copyBytes(copy), 0)
}

/** copyOf numbers its copies. */
function order (copy: Copy): number {
  return Number.parseInt(copy.id, 16)
}

/** What the spool must do, in the simplest way: lists, searched from end to end. */
function createModel (maxBytes: number, whenFull: MemorySpoolOptions['whenFull']) {
  const waiting: { copy: Copy, dueAt: number }[] = []
  const claimed: Copy[] = []
  const counts = { appended: 0, acked: 0, buried: 0, dropped: 0 }

  return {
    waiting, claimed, counts,
    append (copy: Copy) {
      counts.appended++
      const needed = (): number => bytes(claimed) + bytes(waiting.map(entry => entry.copy)) + copyBytes(copy)
      if (bytes(claimed) + copyBytes(copy) > maxBytes || (whenFull === 'drop_newest' && needed() > maxBytes)) {
        counts.dropped++
        return
      }
      waiting.sort((a, b) => order(a.copy) - order(b.copy))
      while (needed() > maxBytes) {
        waiting.shift()
        counts.dropped++
      }
      waiting.push({ copy, dueAt: 0 })
    },
    due: (now: number) => waiting.filter(entry => entry.dueAt <= now).map(entry => entry.copy),
    claim (copy: Copy) {
      waiting.splice(waiting.findIndex(entry => entry.copy === copy), 1)
      claimed.push(copy)
    },
    settle (copy: Copy) { claimed.splice(claimed.indexOf(copy), 1) }
  }
}

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ verb: fc.constant('append' as const), size: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('ack' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('bury' as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('retry' as const), which: fc.nat(), wait: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 2000 }) }) }
)

test('whatever is done to it: appended = acked + buried + dropped + waiting + claimed, and holds balance', async t => {
  fc.assert(fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), fc.constantFrom('drop_oldest' as const, 'drop_newest' as const), (operations, whenFull) => {
    const MAX_BYTES = 12_000
    let now = 0
    const { spool, drops } = setup({ maxBytes: MAX_BYTES, whenFull, now: () => now })
    const model = createModel(MAX_BYTES, whenFull)
    const bodies: ReturnType<typeof memoryBody>[] = []
    const claims: ClaimedCopy[] = []

    for (const step of operations) {
      switch (step.verb) {
        case 'append': {
          const body = memoryBody(Buffer.alloc(step.size))
          bodies.push(body)
          const copy = copyOf({ body, takenAt: now })
          void spool.append(copy)
          model.append(copy)
          break
        }
        case 'claim': {
          const due = model.due(now)
          const got = spool.claim(step.limit, now)
          if (got.length !== Math.min(step.limit, due.length)) throw new Error(`${got.length} claimed of ${due.length} due`)
          for (const claimed of got) {
            if (!due.includes(claimed.copy)) throw new Error('claimed a copy that was not due')
            model.claim(claimed.copy)
            claims.push(claimed)
          }
          break
        }
        case 'pass': now += step.ms; break
        default: {
          const [claimed] = claims.splice(step.which % Math.max(claims.length, 1), 1)
          if (claimed === undefined) break
          model.settle(claimed.copy)
          if (step.verb === 'ack') {
            spool.ack(claimed)
            model.counts.acked++
          } else if (step.verb === 'bury') {
            spool.bury(claimed, '400', '')
            model.counts.buried++
          } else {
            spool.retry(claimed, now + step.wait)
            model.waiting.push({ copy: claimed.copy, dueAt: now + step.wait })
          }
        }
      }

      const { pending, pendingBytes, dead, deadBytes, oldestTakenAt } = spool.stats()
      const { appended, acked, buried, dropped } = model.counts
      const living = [...model.waiting.map(entry => entry.copy), ...model.claimed]
      const oldest = living.length === 0 ? null : Math.min(...living.map(copy => copy.takenAt))
      if (appended !== acked + buried + drops.length + pending) throw new Error('the ledger does not balance')
      if (drops.length !== dropped) throw new Error(`${drops.length} dropped, not ${dropped}`)
      if (pending !== living.length || oldestTakenAt !== oldest) throw new Error('the pending copies are others')
      if (pendingBytes !== bytes(living)) throw new Error('the pending bytes are wrong')
      if (pendingBytes + deadBytes > MAX_BYTES) throw new Error('the spool is over its bound')
      if (bodies.filter(body => body.holders() > 0).length !== pending + dead) throw new Error('holds do not match')
      const next = model.waiting.length === 0 ? null : Math.min(...model.waiting.map(entry => entry.dueAt))
      const said = spool.nextDueAt()
      if (next === null ? said !== null : Math.max(said ?? Infinity, now) !== Math.max(next, now)) throw new Error(`next due ${said}, not ${next}`)
    }

    for (const claimed of claims) spool.ack(claimed)
    void spool.close()
    return bodies.every(body => body.holders() === 0)
  }), { numRuns: 500 })
  t.pass('500 sequences')
})
