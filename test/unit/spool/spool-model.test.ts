/**
 * The durable spool against a model of it: whatever is done to it, crashes included,
 *
 *   appended + replayed = acked + buried + dropped + waiting + claimed
 *
 * in the model, in `stats`, and in the ledger on disk after every crash. A crash is a
 * copy of the folder at a moment of no transaction, opened by another spool.
 */
import { cpSync } from 'node:fs'
import * as fc from 'fast-check'
import { test, type Test } from 'tap'
import { LEDGER_FIELDS } from '../../../src/spool/ledger-row.ts'
import { sumRows } from '../../../src/spool/ledger-sum.ts'
import { openSpoolReader } from '../../../src/spool/spool-reader.ts'
import type { ClaimedCopy } from '../../../src/spool/types.ts'
import { copyOf, memoryBody } from '../../helpers/copies.ts'
import { failingDisk, WRITES } from '../../helpers/failing-disk.ts'
import { openTestSpool, spoolFolder } from '../../helpers/spool.ts'

interface Modelled {
  readonly id: string
  state: 'waiting' | 'claimed' | 'dead' | 'gone'
  dueAt: number
  /** Its state may not be on disk yet: a crash may bring the copy back. */
  unsure: boolean
  failures: number
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ verb: fc.constant('append' as const), size: fc.integer({ min: 0, max: 6000 }) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('append' as const), size: fc.constant(300_000) }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constantFrom('ack' as const, 'bury' as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('retry' as const), which: fc.nat(), wait: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constantFrom('replay' as const, 'purge' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 2000 }) }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('settle' as const), saved: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constantFrom('break' as const, 'mend' as const) }) }
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** What the ledger on disk says must be what is there. */
async function checkLedger (path: string): Promise<void> {
  const reader = openSpoolReader(path)
  const sums: Record<string, number> = {}
  for (const tallies of sumRows(reader.readLedger(0)).projects.values()) {
    for (const field of LEDGER_FIELDS) {
      for (const { count } of tallies[field].values()) sums[field] = (sums[field] ?? 0) + count
    }
  }
  const { accepted = 0, replayed = 0, delivered = 0, dead = 0, dropped = 0 } = sums
  const { pending } = reader.stats()
  const found = reader.pending({}, Infinity).length
  await reader.close()
  if (accepted + replayed !== delivered + dead + dropped + pending || pending !== found) {
    throw new Error(`the ledger on disk does not balance: ${accepted} + ${replayed} accepted and replayed; ${delivered} delivered, ${dead} dead, ${dropped} dropped, ${pending} pending by count, ${found} found`)
  }
}

async function run (t: Test, steps: readonly Step[], maxBytes: number, whenFull: 'drop_oldest' | 'drop_newest'): Promise<void> {
  let now = 1_000_000
  const copies = new Map<string, Modelled>()
  let claims: ClaimedCopy[] = []
  let broken = false
  let disk = failingDisk()
  const onDrop = (id: string): void => {
    const copy = copies.get(id)
    if (copy === undefined || copy.state !== 'waiting') throw new Error(`dropped ${id}, which was ${copy?.state}`)
    copy.state = 'gone'
    copy.unsure = true
  }
  const onDeadPurged = (id: string): void => {
    const copy = copies.get(id)
    if (copy?.state !== 'dead') throw new Error(`purged ${id}, which was ${copy?.state}`)
    copy.state = 'gone'
  }
  const options = (path: string) => ({ path, maxBytes, whenFull, now: () => now, onDrop, onDeadPurged, hopeMs: 0, openEnvironment: disk.open, openLogFile: disk.openLogFile })
  let opened = openTestSpool(t, options(spoolFolder(t)))

  const all = (state: Modelled['state']): Modelled[] => [...copies.values()].filter(copy => copy.state === state)
  const pick = (which: number): [ClaimedCopy, Modelled] | null => {
    const [claimed] = claims.splice(which % Math.max(claims.length, 1), 1)
    const copy = claimed === undefined ? undefined : copies.get(claimed.copy.id)
    return claimed === undefined || copy === undefined ? null : [claimed, copy]
  }

  function append (size: number): Promise<void> | null {
    const id = (copies.size + 1).toString(16).padStart(32, '0')
    const copy: Modelled = { id, state: 'waiting', dueAt: 0, unsure: true, failures: 0 }
    copies.set(id, copy)
    return opened.spool.append(copyOf({ id, project: id, takenAt: now, body: memoryBody(Buffer.alloc(size, 'x')) }))
  }

  function mend (): void {
    disk.fail(null)
    broken = false
  }

  async function restart (path: string, clean: boolean): Promise<void> {
    claims = []
    disk = failingDisk()
    await checkLedger(path)
    const { spool } = opened = openTestSpool(t, options(path))
    // Now with what was in the log.
    await checkLedger(path)
    const pending = new Set<string>()
    for (const claimed of spool.claim(Infinity, Infinity)) {
      pending.add(claimed.copy.id)
      const copy = copies.get(claimed.copy.id)
      if (copy === undefined) throw new Error('a copy from nowhere')
      if (copy.state === 'gone' || copy.state === 'dead') {
        if (clean || !copy.unsure) throw new Error(`${copy.id} came back, though ${copy.state}`)
      }
      copy.state = 'claimed'
      copy.failures = claimed.failures
      claims.push(claimed)
    }
    const dead = new Set(spool.deadLetters.list({}, Infinity).map(letter => letter.id))
    for (const copy of copies.values()) {
      if ((copy.state === 'waiting' || copy.state === 'claimed') && !pending.has(copy.id)) {
        if (clean || !copy.unsure) throw new Error(`${copy.id} is lost, though it was ${copy.state}`)
        copy.state = dead.has(copy.id) ? 'dead' : 'gone'
      }
      if (copy.state === 'dead' && !dead.has(copy.id)) {
        if (clean || !copy.unsure) throw new Error(`the dead letter ${copy.id} is lost`)
        copy.state = 'gone'
      }
      copy.unsure = false
    }
  }

  for (const action of steps) {
    const { spool } = opened
    switch (action.verb) {
      case 'append': {
        const durable = append(action.size)
        if (action.size > 256 * 1024) await durable
        break
      }
      case 'claim': {
        const due = all('waiting').filter(copy => copy.dueAt <= now)
        const got = spool.claim(action.limit, now)
        if (got.length !== Math.min(action.limit, due.length)) throw new Error(`${got.length} claimed of ${due.length} due, limit ${action.limit}`)
        for (const claimed of got) {
          const copy = due.find(copy => copy.id === claimed.copy.id)
          if (copy?.state !== 'waiting') throw new Error('claimed a copy that was not due')
          if (copy.failures !== claimed.failures) throw new Error(`${claimed.failures} failures, not ${copy.failures}`)
          copy.state = 'claimed'
          claims.push(claimed)
        }
        break
      }
      case 'pass': now += action.ms; break
      case 'settle': {
        const failures = disk.failures()
        if (broken) break
        if (action.saved) await spool.saved()
        // What is durable with it is everything before it.
        else await append(0)
        if (disk.failures() === failures) for (const copy of copies.values()) copy.unsure = false
        break
      }
      case 'crash': {
        const path = spoolFolder(t)
        await disk.idle()
        cpSync(opened.path, path, { recursive: true })
        const crashed = opened
        mend()
        await restart(path, false)
        await crashed.spool.close()
        break
      }
      case 'reopen':
        mend()
        await spool.close()
        await restart(opened.path, true)
        break
      case 'break':
        disk.fail(WRITES)
        broken = true
        break
      case 'mend':
        mend()
        now += 2000
        spool.poll()
        break
      case 'replay':
      case 'purge': {
        const dead = all('dead')
        const copy = dead[action.which % Math.max(dead.length, 1)]
        if (copy === undefined) break
        const done = await spool.deadLetters[action.verb]({ ids: [copy.id] }).catch(() => null)
        if (done === null || (Array.isArray(done) ? done.length : done) === 0) break
        copy.unsure = false
        copy.failures = 0
        copy.dueAt = 0
        copy.state = action.verb === 'replay' ? 'waiting' : 'gone'
        break
      }
      default: {
        const picked = pick(action.which)
        if (picked === null) break
        const [claimed, copy] = picked
        copy.unsure = true
        if (action.verb === 'retry') {
          spool.retry(claimed, now + action.wait)
          copy.state = 'waiting'
          copy.dueAt = now + action.wait
          copy.failures++
        } else if (action.verb === 'ack') {
          spool.ack(claimed)
          copy.state = 'gone'
        } else {
          spool.bury(claimed, '400', '')
          copy.state = 'dead'
        }
      }
    }

    const { pending, dead } = opened.spool.stats()
    if (pending !== all('waiting').length + all('claimed').length) throw new Error(`${pending} pending after ${action.verb}, not ${all('waiting').length} waiting and ${all('claimed').length} claimed`)
    if (dead !== all('dead').length) throw new Error(`${dead} dead after ${action.verb}, not ${all('dead').length}`)
  }
  disk.fail(null)
  await opened.spool.close()
}

test('a spool that is not full agrees with its model, through crashes and faults', async t => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async steps => {
    await run(t, steps, 1_000_000_000, 'drop_oldest')
  }), { numRuns: 40, timeout: 20_000 })
  t.pass('40 sequences')
})

for (const whenFull of ['drop_oldest', 'drop_newest'] as const) {
  test(`a spool that is full agrees with its model: ${whenFull}`, async t => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async steps => {
      await run(t, steps, 400_000, whenFull)
    }), { numRuns: 25, timeout: 20_000 })
    t.pass('25 sequences')
  })
}
