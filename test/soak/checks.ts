/** What must hold after a soak. Pure: evidence in, verdicts out. */
import type { Evidence } from './evidence.ts'
import { growthOf } from './growth.ts'

export interface Check {
  /** A sentence that is to be true. */
  readonly name: string
  readonly ok: boolean
  /** The figures it was judged by; where to look, when it failed. */
  readonly says: string
}

const DESCRIPTORS_TO_SPARE = 6
const FILES_TO_SPARE = 8
/** What the log may say at level error: the faults that were done to it. */
const EXPECTED_ERRORS = [/^A worker ended; another takes its place/, /configuration was not reloaded/i]

export function judge (evidence: Evidence): readonly Check[] {
  return [
    ...copies(evidence),
    ...accounts(evidence),
    ...clients(evidence),
    ...resources(evidence),
    ...program(evidence)
  ]
}

function copies ({ book, report, endpoint, wrongs }: Evidence): Check[] {
  const named = new Set(report.notDelivered.map(({ requestId }) => requestId.slice(0, 16)))
  const unnamed = book.lost.filter(({ requestId }) => !named.has(requestId))
  const nameless = unnamed.filter(({ requestId }) => requestId === '').length
  const dropped = sum(report.totals.dropped)
  return [
    {
      name: 'every answered request whose copy is due has arrived, or is named by the report',
      // One that never reached Relay has no id that the harness could know.
      ok: unnamed.length === nameless && book.lost.length <= named.size,
      says: `${book.owed} owed, ${book.lost.length} not taken by the endpoint, of them ${book.lost.length - unnamed.length} named by the report (${dropped} dropped); lacking: ${list(unnamed.map(({ number, status, requestId }) => `${number} (status ${status}, id ${requestId || 'unknown'})`))}`
    },
    { name: 'no byte was altered, nothing went where it must not go, and every replay moved what there was', ok: wrongs.length === 0, says: list(wrongs) },
    { name: 'nothing was copied that is not to be copied', ok: book.uncalledFor.length === 0, says: list(book.uncalledFor.map(({ number }) => String(number))) },
    {
      name: 'a copy that arrived twice was sent while its answer may have been lost',
      ok: endpoint.unexplained === 0,
      says: `${endpoint.duplicates} duplicates of ${endpoint.delivered} deliveries, ${endpoint.unexplained} unexplained`
    }
  ]
}

function accounts ({ book, ledger, report }: Evidence): Check[] {
  const { accepted, replayed, delivered, dead, dropped } = ledger
  const { totals } = report
  const refusedInLedger = dead - replayed
  const unaccounted = book.delivered + book.refused + dropped - accepted
  return [
    {
      name: 'the ledger balances to the unit: accepted + replayed = delivered + dead + dropped',
      ok: accepted + replayed === delivered + dead + dropped,
      says: `${accepted} + ${replayed} = ${delivered} + ${dead} + ${dropped}`
    },
    {
      name: 'the report says the same as the ledger, and that nothing waits',
      ok: totals.pending === 0 && report.damagedRows === 0 && totals.delivered === delivered && sum(totals.dropped) === dropped && totals.accepted === delivered + sum(totals.dead) + dropped,
      says: `accepted ${totals.accepted}, delivered ${totals.delivered}, pending ${totals.pending}, dead ${JSON.stringify(totals.dead)}, dropped ${JSON.stringify(totals.dropped)}`
    },
    {
      name: 'the ledger has what clients sent and the endpoint got; only requests that the end of a process cut off may be missing from it',
      ok: unaccounted >= 0 && unaccounted <= book.cutOff && accepted >= book.owed && accepted <= book.possible &&
        delivered <= book.delivered && book.delivered - delivered <= book.cutOff && refusedInLedger <= book.refused && book.refused - refusedInLedger <= book.cutOff,
      says: `accepted ${accepted}; owed ${book.owed}, possible ${book.possible}; taken by the endpoint ${book.delivered}, refused by it ${book.refused}, delivered ${delivered}, dead less replayed ${refusedInLedger}; ${unaccounted} unaccounted for, ${book.cutOff} cut off`
    },
    { name: 'no copy was lost to the spool', ok: (totals.dropped['spool_error'] ?? 0) === 0, says: JSON.stringify(totals.dropped) }
  ]
}

function clients ({ tally }: Evidence): Check[] {
  const { calm, endpoint } = tally.latency
  const bound = Math.max(1_500, 3 * calm.percentile(99))
  return [
    {
      name: 'a client failed only while a fault on its own way explains it',
      ok: tally.unexplainedCount === 0,
      says: `${tally.failed} failed, ${tally.unexplainedCount} unexplained: ${list(tally.unexplained.map(({ kind, from, says }) => `at ${(from / 1_000).toFixed(1)} s ${kind}: ${says}`))}`
    },
    {
      name: 'what the endpoint does shows in no answer\'s time',
      ok: endpoint.count === 0 || endpoint.percentile(99) <= bound,
      says: `p99 ${calm.percentile(99)} ms when all is well (${calm.count}), ${endpoint.percentile(99)} ms in the endpoint's faults (${endpoint.count}); bound ${bound} ms`
    }
  ]
}

function resources ({ samples, first, last, lastKillAt, leftFiles, minutes }: Evidence): Check[] {
  const growth = growthOf(samples, lastKillAt)
  const worst = last.processes.map(({ pid, descriptors }, i) => {
    // By role: the first is the supervisor, the others are workers.
    const baseline = first.processes[Math.min(i, first.processes.length - 1)]?.descriptors ?? 0
    return { pid, descriptors, baseline }
  })
  return [
    ...growth.map(({ what, firstQuarter, lastQuarter, bound, fitted, samples: count }) => ({
      name: `${what} does not grow`,
      ok: minutes < 5 || count < 8 || (lastQuarter <= bound && fitted <= bound),
      says: `median of the first quarter ${mb(firstQuarter)}, of the last ${mb(lastQuarter)}, line fitted ends at ${mb(fitted)}, bound ${mb(bound)}, ${count} samples${minutes < 5 ? '; not judged below 5 minutes' : ''}`
    })),
    {
      name: 'descriptors are back where they began',
      ok: worst.every(({ descriptors, baseline }) => descriptors <= baseline + DESCRIPTORS_TO_SPARE),
      says: worst.map(({ pid, descriptors, baseline }) => `process ${pid}: ${descriptors} (${baseline} before)`).join(', ')
    },
    {
      name: 'no file is left that nobody needs',
      ok: leftFiles.bodies === 0 && leftFiles.incoming === 0 && last.files <= first.files + FILES_TO_SPARE,
      says: `${leftFiles.bodies} bodies, ${leftFiles.incoming} half received; ${last.files} files in the spool, ${first.files} before`
    }
  ]
}

function program ({ surprises, errors, exitCode }: Evidence): Check[] {
  const unexpected = [...errors].filter(([message]) => !EXPECTED_ERRORS.some(expected => expected.test(message)))
  return [
    { name: 'no process ended by itself, and the last end was in order', ok: surprises.length === 0 && exitCode === 0, says: `exit code ${exitCode}; ${list(surprises)}` },
    { name: 'the log has no error that was not asked for', ok: unexpected.length === 0, says: list(unexpected.map(([message, { count, first }]) => `${count} × ${message}: ${first}`)) }
  ]
}

function sum (counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0)
}

function list (items: readonly string[]): string {
  if (items.length === 0) return 'none'
  const shown = items.slice(0, 10).join('; ')
  return items.length > 10 ? `${shown}; … ${items.length - 10} more` : shown
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
