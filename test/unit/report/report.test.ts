/** The report's numbers and sentences, and its forms. */
import { test } from 'tap'
import type { MissingCopy } from '../../../src/report/missing.ts'
import { renderReport, type ReportForm } from '../../../src/report/render.ts'
import { createReport, hourReports, type Report } from '../../../src/report/report.ts'
import { createLedger, type Ledger } from '../../../src/spool/ledger.ts'
import { hourOf } from '../../../src/spool/ledger-row.ts'
import { sumRows, type LedgerSum } from '../../../src/spool/ledger-sum.ts'

const NOW = Date.UTC(2026, 7, 20, 12, 34)
const DAY = 86_400_000

interface Options {
  readonly project?: string
  readonly sinceMs?: number
}

function sumOf (count: (ledger: Ledger) => void, { project, sinceMs = NOW - DAY }: Options = {}): LedgerSum {
  const ledger = createLedger({ writer: 'w', now: () => NOW })
  count(ledger)
  return sumRows(ledger.takeDirty(), { sinceHour: hourOf(sinceMs), ...project !== undefined && { project } })
}

function reportOf (count: (ledger: Ledger) => void, options: Options = {}): Report {
  return createReport(sumOf(count, options), options.sinceMs ?? NOW - DAY, NOW)
}

function missing (fields: Partial<MissingCopy> = {}): MissingCopy {
  return { project: '1', requestId: 'a'.repeat(32), eventId: 'e'.repeat(32), state: 'dead', reason: '400', takenAt: '2026-08-20T12:00:00.000Z', ...fields }
}

const HOURS = [...hourReports(sumOf(ledger => { ledger.add('1', 'accepted') }))]

async function render (form: ReportForm, report: Report, copies: readonly MissingCopy[] = []): Promise<string> {
  let text = ''
  for await (const part of renderReport(form, report, { hours: inParts(HOURS), copies: inParts(copies) })) text += part
  return text
}

async function * inParts<Member> (members: readonly Member[]): AsyncGenerator<readonly Member[]> {
  for (let i = 0; i < members.length; i += 7) yield members.slice(i, i + 7)
}

/** Records of cells, by RFC 4180; no cell has a line end. */
function parseCsv (text: string): string[][] {
  return text.trimEnd().split('\r\n').map(line =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? ''))
}

/** Two dead letters of a day ago are replayed now. */
function replay (ledger: Ledger): void {
  ledger.add('1', 'revived', 2, 0, '400', NOW - DAY)
  ledger.add('1', 'replayed', 2)
}

function countTwoDead (ledger: Ledger): void {
  ledger.add('1', 'accepted', 3, 0, '', NOW - DAY)
  ledger.add('1', 'delivered', 1, 0, '', NOW - DAY)
  ledger.add('1', 'dead', 2, 0, '400', NOW - DAY)
}

function countAroundWindow (ledger: Ledger): void {
  ledger.add('1', 'accepted', 1, 0, '', NOW - DAY - 30 * 60_000)
  ledger.add('1', 'accepted', 1, 0, '', NOW - DAY - 40 * 60_000)
  ledger.add('2', 'accepted')
}

const verdict = (report: Report): string | undefined => report.projects[0]?.verdict

test('a project is complete when every copy was delivered', t => {
  const report = reportOf(ledger => {
    ledger.add('1', 'accepted', 120_331, 1000)
    ledger.add('1', 'delivered', 120_331, 1000)
  })

  t.equal(report.complete, true)
  t.equal(verdict(report), 'complete')
  t.match(report.projects[0], { accepted: 120_331, delivered: 120_331, missing: 0, pending: 0, completeness: 1, acceptedBytes: 1000, deliveredBytes: 1000 })
  t.end()
})

test('what is missing is said by cause, and what still waits is said apart', t => {
  const report = reportOf(ledger => {
    ledger.add('1', 'accepted', 120_331)
    ledger.add('1', 'delivered', 120_324)
    ledger.add('1', 'dead', 2, 0, '400')
    ledger.add('1', 'dead', 1, 0, 'expired')
    ledger.add('1', 'dropped', 1, 0, 'spool_full')
  })

  t.equal(report.complete, false)
  t.equal(verdict(report), '7 of 120,331 missing: 1 dropped (spool_full), 2 dead (400), 1 dead (expired), 3 still waiting')
  t.match(report.projects[0], { missing: 7, pending: 3 })
  t.end()
})

test('a copy that only waits is missing', t => {
  const report = reportOf(ledger => { ledger.add('1', 'accepted') })

  t.equal(report.complete, false)
  t.equal(verdict(report), '1 of 1 missing: 1 still waiting')
  t.end()
})

test('a dead letter that was replayed and delivered is missing no more', t => {
  const waiting = reportOf(ledger => {
    countTwoDead(ledger)
    replay(ledger)
  })
  const delivered = reportOf(ledger => {
    countTwoDead(ledger)
    replay(ledger)
    ledger.add('1', 'delivered', 2)
  })

  t.equal(verdict(waiting), '2 of 3 missing: 2 still waiting')
  t.equal(verdict(delivered), 'complete')
  t.match(delivered.totals, { accepted: 3, delivered: 3, dead: {}, completeness: 1 })
  t.end()
})

test('a dead letter that died again after a replay is missing once', t => {
  const report = reportOf(ledger => {
    countTwoDead(ledger)
    replay(ledger)
    ledger.add('1', 'dead', 2, 0, '413')
  })

  t.equal(verdict(report), '2 of 3 missing: 2 dead (413)')
  t.end()
})

test('the replay of dead letters from before the window does not hide those in it', t => {
  const report = reportOf(ledger => {
    countTwoDead(ledger)
    replay(ledger)
    ledger.add('1', 'accepted', 2)
    ledger.add('1', 'delivered', 2)
    ledger.add('1', 'dead', 2, 0, '400')
  }, { sinceMs: NOW })

  t.equal(verdict(report), '2 of 4 missing: 2 dead (400)')
  t.end()
})

test('a project that lacks a copy is not hidden by one that counts too many', t => {
  const report = reportOf(ledger => {
    ledger.add('1', 'accepted', 5)
    ledger.add('1', 'delivered', 4)
    ledger.add('2', 'accepted', 5)
    ledger.add('2', 'delivered', 6)
  })

  t.equal(report.complete, false)
  t.equal(report.totals.missing, 1)
  t.end()
})

test('a ledger that cannot be read whole proves nothing', async t => {
  const ledger = createLedger({ writer: 'w', now: () => NOW })
  ledger.add('1', 'accepted')
  ledger.add('1', 'delivered')
  ledger.add('2', 'accepted')
  const rows = ledger.takeDirty().map((row, i) => i === 0 ? row : { key: row.key, value: row.value.subarray(1) })

  const report = createReport(sumRows(rows), 0, NOW)

  t.equal(report.damagedRows, 1)
  t.equal(report.complete, false)
  t.match(await render('txt', report), '1 rows of the ledger cannot be read')
})

test('requests that the upstream took and no rule lets the endpoint have are told apart', async t => {
  const report = reportOf(ledger => {
    ledger.add('1', 'received', 16)
    ledger.add('1', 'answered_ok', 3)
    ledger.add('1', 'answered_ok', 10, 0, 'endpoint')
    ledger.add('1', 'answered_ok', 1, 0, 'method')
    ledger.add('1', 'answered_other', 2, 0, '429')
    ledger.add('1', 'skipped', 12, 0, 'endpoint')
    ledger.add('1', 'accepted', 4)
    ledger.add('1', 'delivered', 4)
  })

  t.equal(report.complete, true, 'what was never copied by rule is not missing')
  t.match(report.projects[0], { received: 16, answeredOk: 14, answeredOther: { 429: 2 }, skippedThoughTaken: { endpoint: 10, method: 1 } })
  t.match(await render('txt', report), /Taken by Relay, lacking in RUM\n1 +10 never copied \(endpoint\), 1 never copied \(method\)/)
})

test('a project of which nothing was copied is complete, and says why', async t => {
  t.equal(verdict(reportOf(ledger => {
    ledger.add('7', 'received', 2)
    ledger.add('7', 'skipped', 2, 0, 'off')
  })), 'nothing was copied (skipped: 2 off)')
  t.equal(reportOf(() => {}).complete, true)
  t.match(await render('txt', reportOf(() => {})), 'nothing was counted')
})

test('hours before the window and other projects are left out; the first hour counts whole', t => {
  t.equal(reportOf(countAroundWindow).since, '2026-08-19T12:00:00.000Z')
  t.match(reportOf(countAroundWindow).totals, { accepted: 2 })
  t.match(reportOf(countAroundWindow, { project: '1' }).totals, { accepted: 1 })
  t.match([...hourReports(sumOf(countAroundWindow, { sinceMs: 0, project: '1' }))].sort((a, b) => a.hour < b.hour ? -1 : 1), [
    { hour: '2026-08-19T11:00:00.000Z', accepted: 1 }, { hour: '2026-08-19T12:00:00.000Z', accepted: 1 }
  ])
  t.end()
})

test('100 % is said only when it is so', async t => {
  const report = reportOf(ledger => {
    ledger.add('1', 'accepted', 1_000_000)
    ledger.add('1', 'delivered', 999_999)
  })

  t.match(await render('txt', report), '99.999 %')
  t.notMatch(await render('txt', report), '100 %')
})

test('the forms for people list some copies and count the rest; CSV and JSON list all', async t => {
  const copies = Array.from({ length: 25 }, (_, i) => missing({ eventId: String(i).padStart(32, '0') }))
  const report = reportOf(ledger => { ledger.add('1', 'accepted', 25) })

  for (const form of ['txt', 'md'] as const) {
    const text = await render(form, report, copies)
    t.match(text, '19'.padStart(32, '0'))
    t.match(text, 'and 5 more')
    t.notMatch(text, '20'.padStart(32, '0'))
  }
  t.equal((await render('csv', report, copies)).split('\r\n').filter(line => line.startsWith('copy,1,')).length, 25)
  t.strictSame(JSON.parse(await render('json', report, copies)), { ...report, hours: HOURS, notDelivered: copies })
  t.strictSame(JSON.parse(await render('json', report)), { ...report, hours: HOURS, notDelivered: [] })
})

test('every record of the CSV has a cell for every heading', async t => {
  const report = reportOf(ledger => {
    ledger.add('1', 'accepted', 2)
    ledger.add('1', 'dropped', 1, 0, 'spool_full')
  })

  const [headings = [], ...records] = parseCsv(await render('csv', report, [missing({ eventId: null }), missing({ eventId: 'a"b' })]))
  const table = records.map(cells => Object.fromEntries(headings.map((heading, i) => [heading, cells[i]])))

  t.ok(records.every(cells => cells.length === headings.length))
  t.match(table, [
    { record: 'project', project: '1', accepted: '2', pending: '1', dropped: '1', completeness: '0', verdict: '2 of 2 missing: 1 dropped (spool_full), 1 still waiting', event_id: '' },
    { record: 'all', accepted: '2', missing: '2' },
    { record: 'copy', project: '1', accepted: '', event_id: '', request_id: 'a'.repeat(32), state: 'dead', reason: '400' },
    { record: 'copy', event_id: 'a"b' }
  ])
})

test('what a client chose as event id cannot steer a terminal, a table or a spreadsheet', async t => {
  const report = reportOf(ledger => { ledger.add('1', 'accepted', 2) })
  const copies = [missing({ eventId: '\u001B[2J|x\n' }), missing({ eventId: '=1+1' })]

  t.notMatch(await render('txt', report, copies), '\u001B')
  t.match(await render('md', report, copies), String.raw`?[2J\|x?`)
  t.match(await render('csv', report, copies), ",'=1+1,")
})
