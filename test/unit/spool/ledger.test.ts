/** Counting, the rows that come of it, and their sums: nothing is counted twice or lost, whatever clock and disk do. */
import * as fc from 'fast-check'
import { test } from 'tap'
import { createLedger } from '../../../src/spool/ledger.ts'
import { decodeRow, HOUR_MS, hourOf, LEDGER_FIELDS, type StoredRow, type Tallies } from '../../../src/spool/ledger-row.ts'
import { compactRows, KEPT_HOURS, sumRows } from '../../../src/spool/ledger-sum.ts'

const START = Date.UTC(2026, 7, 20, 12)

/** The table `ledger`: the last value of every key. */
class Table {
  readonly #rows = new Map<string, StoredRow>()

  put (rows: readonly StoredRow[]): void {
    for (const row of rows) this.#rows.set(row.key.toString('latin1'), row)
  }

  remove (keys: readonly Buffer[]): void {
    for (const key of keys) this.#rows.delete(key.toString('latin1'))
  }

  compact (nowHour: number): void {
    const { puts, removes } = compactRows(this.rows(), nowHour)
    this.remove(removes)
    this.put(puts)
  }

  rows (): StoredRow[] {
    return [...this.#rows.values()].sort((a, b) => a.key.compare(b.key))
  }
}

/** `project field detail` → [count, bytes], without what is 0. */
function flat (projects: ReadonlyMap<string, Tallies>): Record<string, [number, number]> {
  const entries = [...projects].flatMap(([project, tallies]) => LEDGER_FIELDS.flatMap(field =>
    [...tallies[field]].map(([detail, { count, bytes }]) => [`${project} ${field} ${detail}`, [count, bytes]] as [string, [number, number]])))
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1))
}

test('what is added is in the rows, with bytes and details', t => {
  const table = new Table()
  const ledger = createLedger({ writer: 'w', now: () => START })

  ledger.add('1', 'accepted', 1, 100)
  ledger.add('1', 'accepted', 2, 50)
  ledger.add('1', 'dead', 1, 10, '400')
  ledger.add('default', 'dropped', 1, 0, 'spool_full')
  table.put(ledger.takeDirty())

  t.strictSame(flat(sumRows(table.rows()).projects), {
    '1 accepted ': [3, 150], '1 dead 400': [1, 10], 'default dropped spool_full': [1, 0]
  })
  t.end()
})

test('rows are taken once, and again when they change or could not be written', t => {
  const ledger = createLedger({ writer: 'w', now: () => START })
  t.equal(ledger.hasDirty, false)

  ledger.add('1', 'accepted')
  t.equal(ledger.hasDirty, true)
  const taken = ledger.takeDirty()
  t.equal(taken.length, 1)
  t.equal(ledger.hasDirty, false)
  t.strictSame(ledger.takeDirty(), [])

  ledger.putBack(taken)
  ledger.putBack(taken)
  ledger.add('1', 'accepted')
  const again = ledger.takeDirty()

  t.equal(again.length, 1)
  t.strictSame(flat(sumRows(again).projects), { '1 accepted ': [2, 0] })
  t.end()
})

test('what becomes of a copy is counted in the hour in which it was taken', t => {
  let now = START
  const table = new Table()
  const ledger = createLedger({ writer: 'w', now: () => now })

  ledger.add('1', 'accepted', 1, 0, '', now)
  table.put(ledger.takeDirty())
  now += 5 * HOUR_MS
  ledger.add('1', 'delivered', 1, 0, '', START)
  ledger.add('1', 'received')
  table.put(ledger.takeDirty())
  const { hours } = sumRows(table.rows())

  t.strictSame(hours.map(({ hour }) => hour), [hourOf(START), hourOf(now)])
  t.equal(hours[0]?.tallies.accepted.get('')?.count, 1)
  t.equal(hours[0]?.tallies.delivered.get('')?.count, 1)
  t.equal(hours[1]?.tallies.received.get('')?.count, 1)
  t.end()
})

test('rows of an hour gone by are still written, also when their transaction fails in the next hour', t => {
  let now = START
  const table = new Table()
  const ledger = createLedger({ writer: 'w', now: () => now })

  ledger.add('1', 'accepted')
  const failed = ledger.takeDirty()
  now += HOUR_MS
  ledger.add('1', 'accepted')
  ledger.putBack(failed)
  table.put(ledger.takeDirty())

  t.strictSame(flat(sumRows(table.rows()).projects), { '1 accepted ': [2, 0] })
  t.end()
})

test('a clock that goes back to an hour that was written overwrites nothing', t => {
  let now = START
  const table = new Table()
  const ledger = createLedger({ writer: 'w', now: () => now })

  for (const hours of [0, 1, 0, 5, -3, 0, 1]) {
    now = START + hours * HOUR_MS
    ledger.add('1', 'accepted', 1, 0, '', START)
    table.put(ledger.takeDirty())
  }

  t.strictSame(flat(sumRows(table.rows()).projects), { '1 accepted ': [7, 0] })
  t.end()
})

for (const [what, ms] of [['before 1970', -5], ['beyond any date', 1e300], ['no number', Number.NaN]] as const) {
  test(`a time that is ${what} is counted all the same`, t => {
    const ledger = createLedger({ writer: 'w', now: () => ms })

    ledger.add('1', 'accepted')
    const rows = ledger.takeDirty()

    t.strictSame(flat(sumRows(rows).projects), { '1 accepted ': [1, 0] })
    t.end()
  })
}

test('sums are of the hours and the project asked for', t => {
  let now = START
  const ledger = createLedger({ writer: 'w', now: () => now })
  ledger.add('1', 'accepted')
  ledger.add('2', 'accepted')
  now += HOUR_MS
  ledger.add('2', 'accepted')
  const rows = ledger.takeDirty()

  t.strictSame(flat(sumRows(rows, { sinceHour: hourOf(START) + 1 }).projects), { '2 accepted ': [1, 0] })
  t.strictSame(flat(sumRows(rows, { project: '2' }).projects), { '2 accepted ': [2, 0] })
  t.end()
})

test('hours are in order, and projects in the order of their ids', t => {
  const table = new Table()
  const ledger = createLedger({ writer: 'w', now: () => START })
  for (const project of ['default', '10', '9']) ledger.add(project, 'accepted')
  ledger.add('1', 'delivered', 1, 0, '', START - HOUR_MS)
  table.put(ledger.takeDirty())

  const { hours, projects } = sumRows(table.rows())

  t.strictSame(hours.map(({ project }) => project), ['1', '9', '10', 'default'])
  t.strictSame([...projects.keys()], ['1', '9', '10', 'default'])
  t.end()
})

test('rows older than 90 days are removed, those at the bound are kept', t => {
  const table = new Table()
  const ledger = createLedger({ writer: 'w', now: () => START })
  ledger.add('1', 'accepted', 1, 0, '', START - KEPT_HOURS * HOUR_MS)
  ledger.add('1', 'accepted', 1, 0, '', START - (KEPT_HOURS + 1) * HOUR_MS)
  table.put(ledger.takeDirty())

  table.compact(hourOf(START))

  t.strictSame(table.rows().map(row => decodeRow(row)?.hour), [hourOf(START) - KEPT_HOURS])
  t.end()
})

test('writers of an hour are merged two days after they wrote, not two days after the copy was taken', t => {
  let now = START
  const table = new Table()
  const ledgers = ['a', 'b'].map(writer => createLedger({ writer, now: () => now }))
  for (const ledger of ledgers) ledger.add('1', 'accepted', 1, 5, '', START)
  for (const ledger of ledgers) table.put(ledger.takeDirty())
  now += 40 * HOUR_MS
  ledgers[0]?.add('1', 'delivered', 1, 5, '', START)
  table.put(ledgers[0]?.takeDirty() ?? [])

  table.compact(hourOf(START) + 47)
  t.equal(table.rows().length, 3)
  table.compact(hourOf(START) + 48)
  t.equal(table.rows().length, 2)
  table.compact(hourOf(START) + 48 + 40)

  t.strictSame(table.rows().map(row => decodeRow(row)?.writer), [''])
  t.strictSame(flat(sumRows(table.rows()).projects), { '1 accepted ': [2, 10], '1 delivered ': [1, 5] })
  t.strictSame(compactRows(table.rows(), hourOf(START) + 200), { puts: [], removes: [] }, 'what is compact stays as it is')
  t.end()
})

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const count = fc.oneof(fc.nat(300), fc.maxSafeNat())

test('property: a row decodes to what was encoded, and any other bytes to nothing', t => {
  fc.assert(fc.property(
    fc.array(fc.record({ field: fc.constantFrom(...LEDGER_FIELDS), detail: text, count, bytes: count }), { maxLength: 8 }),
    text, text, fc.nat(0xffff_ffff), fc.nat(), fc.integer({ min: 1, max: 255 }),
    (entries, project, writer, hour, position, flip) => {
      const ledger = createLedger({ writer, now: () => START })
      const expected = new Map(entries.map(entry => [`${entry.field} ${entry.detail}`, entry]))
      for (const entry of expected.values()) ledger.add(project, entry.field, entry.count, entry.bytes, entry.detail, hour * HOUR_MS)
      for (const row of ledger.takeDirty()) {
        const decoded = decodeRow(row)
        t.equal(decoded?.hour, hour)
        t.equal(decoded?.project, project)
        for (const { field, detail, count, bytes } of expected.values()) t.strictSame(decoded?.tallies[field].get(detail), { count, bytes })

        const damaged = Buffer.concat([row.key, row.value])
        const at = position % damaged.length
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at)
        const { projects, damaged: number } = sumRows([{ key: damaged.subarray(0, row.key.length), value: damaged.subarray(row.key.length) }])
        t.equal(number, 1)
        t.equal(projects.size, 0)
        t.equal(sumRows([{ key: row.key, value: row.value.subarray(0, position % row.value.length) }]).damaged, 1)
      }
    }
  ))
  t.end()
})

type Step =
  | { readonly kind: 'add', readonly writer: number, readonly project: string, readonly field: typeof LEDGER_FIELDS[number], readonly hoursAgo: number }
  | { readonly kind: 'flush' | 'fail' | 'restart', readonly writer: number }
  | { readonly kind: 'clock', readonly hours: number }
  | { readonly kind: 'compact' }

const writerIndex = fc.nat(2)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), writer: writerIndex, project: fc.constantFrom('1', '2'), field: fc.constantFrom('accepted' as const, 'delivered' as const), hoursAgo: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('flush' as const, 'fail' as const, 'restart' as const), writer: writerIndex }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clock' as const), hours: fc.oneof(fc.constantFrom(-1, 1), fc.nat(50)) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) }
)

test('property: over writers, hours, failed writes, restarts and compactions the sums are those of a plain count', t => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), steps => {
    let now = START
    let runs = 0
    const table = new Table()
    const start = (): ReturnType<typeof createLedger> => createLedger({ writer: `run ${runs++}`, now: () => now })
    const writers = [start(), start(), start()]
    const expected: Record<string, [number, number]> = {}
    const flush = (writer: number): void => { table.put(writers[writer]?.takeDirty() ?? []) }

    for (const step of steps) {
      switch (step.kind) {
        case 'add': {
          writers[step.writer]?.add(step.project, step.field, 1, 7, '', now - step.hoursAgo * HOUR_MS)
          const [count, bytes] = expected[`${step.project} ${step.field} `] ?? [0, 0]
          expected[`${step.project} ${step.field} `] = [count + 1, bytes + 7]
          break
        }
        case 'flush':
          flush(step.writer)
          break
        case 'fail':
          writers[step.writer]?.putBack(writers[step.writer]?.takeDirty() ?? [])
          break
        case 'restart':
          flush(step.writer)
          writers[step.writer] = start()
          break
        case 'clock':
          // A spool that flushes every second has nothing left of an hour long gone.
          for (const writer of writers.keys()) flush(writer)
          now += step.hours * HOUR_MS
          break
        case 'compact':
          table.compact(hourOf(now))
          break
      }
    }
    for (const writer of writers.keys()) flush(writer)
    table.compact(hourOf(now))

    t.strictSame(flat(sumRows(table.rows()).projects), Object.fromEntries(Object.entries(expected).sort(([a], [b]) => a < b ? -1 : 1)))
  }), { numRuns: 200 })
  t.end()
})
