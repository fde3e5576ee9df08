/** A soak's result for people, and for files. */
import type { Evidence } from './evidence.ts'
import { growthOf } from './growth.ts'
import { anonymousOf, descriptorsOf } from './samples.ts'
import type { Soaked, SoakOptions } from './soak.ts'

type Settings = Omit<SoakOptions, 'log'>

export function printSoaked (soaked: Soaked, settings: Settings): string {
  const { evidence, checks } = soaked
  const rows = figures(evidence).map(([name, value]) => `  ${name.padEnd(48)}${value}`)
  const failed = checks.filter(({ ok }) => !ok)
  return [
    `soak: ${settings.minutes} minutes, seed ${settings.seed}, ${settings.workers} worker(s), ${settings.rate} requests/s`,
    ...rows,
    '',
    ...checks.map(({ name, ok, says }) => `${ok ? 'ok    ' : 'FAILED'}  ${name}\n          ${says}`),
    '',
    failed.length === 0 ? 'All checks hold.' : `${failed.length} of ${checks.length} checks failed. The same faults again: --seed ${settings.seed}. The router wrote last:\n${soaked.output.split('\n').slice(-40).join('\n')}`
  ].join('\n')
}

export function jsonOf (soaked: Soaked, settings: Settings, date: Date): object {
  const { evidence, checks, faults } = soaked
  return {
    date: date.toISOString(),
    ...settings,
    ok: checks.every(({ ok }) => ok),
    figures: Object.fromEntries(figures(evidence)),
    checks,
    growth: growthOf(evidence.samples, evidence.lastKillAt),
    ledger: evidence.ledger,
    report: evidence.report.totals,
    faults,
    samples: evidence.samples
  }
}

function figures (evidence: Evidence): ReadonlyArray<readonly [name: string, value: string]> {
  const { tally, book, endpoint, samples, first, last, faultCount } = evidence
  const begun = Object.entries(tally.begun).filter(([kind]) => !kind.includes(':')).reduce((sum, [, count]) => sum + count, 0)
  const [memory] = growthOf(samples, evidence.lastKillAt)
  const ms = (weather: 'calm' | 'endpoint' | 'primary'): string => {
    const latency = tally.latency[weather]
    return latency.count === 0 ? 'none' : `p50 ${latency.percentile(50)} ms, p99 ${latency.percentile(99)} ms, max ${latency.max} ms (${latency.count})`
  }
  return [
    ['requests begun', `${begun}, ${tally.heldBack} held back`],
    ['  of them clients that left, malformed', `${tally.begun['abort'] ?? 0}, ${tally.begun['malformed'] ?? 0}`],
    ['faults', String(faultCount)],
    ['failed clients, all explained but', `${tally.failed}, ${tally.unexplainedCount}`],
    ['copies owed, lost', `${book.owed}, ${book.lost.length}`],
    ['copies delivered, dead, duplicates', `${book.delivered}, ${book.refused}, ${endpoint.duplicates}`],
    ['answers, no fault', ms('calm')],
    ['answers, endpoint at fault', ms('endpoint')],
    ['answers, Relay, UI, disk or process at fault', ms('primary')],
    ['memory, first and last quarter', `${mb(memory?.firstQuarter ?? 0)}, ${mb(memory?.lastQuarter ?? 0)}`],
    ['memory, before and after', `${mb(anonymousOf(first))}, ${mb(anonymousOf(last))}`],
    ['descriptors, before, most, after', `${descriptorsOf(first)}, ${Math.max(0, ...samples.map(descriptorsOf))}, ${descriptorsOf(last)}`],
    ['spool files, before, most, after', `${first.files}, ${Math.max(0, ...samples.map(({ files }) => files))}, ${last.files}`],
    ['spool on disk, most, after', `${mb(Math.max(0, ...samples.map(({ fileBytes }) => fileBytes)))}, ${mb(last.fileBytes)}`],
    ['copies waiting, most', String(Math.max(0, ...samples.map(({ pending }) => pending)))]
  ]
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
