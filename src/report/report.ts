/**
 * Is everything that was copied where it belongs? What the ledger says, as one object
 * that every form of the report is printed from. Pure.
 */
import { hourOf, HOUR_MS, type LedgerField, type Tallies } from '../spool/ledger-row.ts'
import type { LedgerSum } from '../spool/ledger-sum.ts'
import { verdictOf } from './verdict.ts'

/** By status or reason; none is 0. */
export type Counts = Readonly<Record<string, number>>

export interface Numbers {
  /** Complete requests on mirrored routes. */
  readonly received: number
  /** Of them, answered 2xx by the upstream. */
  readonly answeredOk: number
  /** Of them, answered otherwise, by status; 499: the client left first. */
  readonly answeredOther: Counts
  /** Not copied, by rule. */
  readonly skipped: Counts
  /** Answered 2xx, but not copied by rule: the upstream took it, the endpoint was not meant to. */
  readonly skippedThoughTaken: Counts
  /** Copies taken. One that died and was replayed counts in the hour of its replay instead. */
  readonly accepted: number
  readonly acceptedBytes: number
  readonly delivered: number
  readonly deliveredBytes: number
  /** Waiting for delivery, or being delivered. */
  readonly pending: number
  /** Given up, less those replayed. Purged ones stay: nobody got them. */
  readonly dead: Counts
  readonly dropped: Counts
  /** Copies taken and not delivered: pending, dead and dropped. */
  readonly missing: number
  /** Delivered ÷ accepted; `null` when nothing was copied. */
  readonly completeness: number | null
}

export interface ProjectReport extends Numbers {
  readonly project: string
  /** One line: `complete`, or how many are missing and why. */
  readonly verdict: string
}

export interface HourReport extends Numbers {
  /** Begin of the hour, ISO. */
  readonly hour: string
  readonly project: string
}

export interface Report {
  /** ISO. */
  readonly generatedAt: string
  /** Begin of the first hour counted, ISO: the hour of a copy is the one it was taken in. */
  readonly since: string
  /** Nothing is missing, and every row of the ledger could be read. */
  readonly complete: boolean
  /** Rows of the ledger that could not be read: the numbers are too small by what they counted. */
  readonly damagedRows: number
  readonly totals: Numbers
  readonly projects: readonly ProjectReport[]
}

/**
 * @param sum - Of the hours from that of `sinceMs` on.
 * @param sinceMs - Milliseconds since the epoch; the whole hour counts.
 */
export function createReport (sum: LedgerSum, sinceMs: number, nowMs: number): Report {
  const projects = [...sum.projects].map(([name, tallies]) => {
    const numbers = numbersOf([tallies])
    return Object.assign({ project: name, verdict: verdictOf(numbers) }, numbers)
  })
  // By project: one that counts too much must not hide what another lacks.
  const missing = projects.reduce((all, project) => all + project.missing, 0)
  return {
    generatedAt: new Date(nowMs).toISOString(),
    since: isoOfHour(hourOf(sinceMs)),
    complete: sum.damaged === 0 && missing === 0,
    damagedRows: sum.damaged,
    totals: { ...numbersOf([...sum.projects.values()]), missing },
    projects
  }
}

/** The report by the hour, one by one: there may be many. */
export function * hourReports ({ hours }: LedgerSum): Generator<HourReport> {
  for (const { hour, project, tallies } of hours) yield { hour: isoOfHour(hour), project, ...numbersOf([tallies]) }
}

function numbersOf (several: readonly Tallies[]): Numbers {
  const counts = (field: LedgerField): Record<string, number> => countsOf(several, field)
  const { '': takenAndCopied = 0, ...skippedThoughTaken } = counts('answered_ok')
  const delivered = total(counts('delivered'))
  const buried = counts('dead')
  const revived = counts('revived')
  const dead = less(buried, revived)
  const taken = total(counts('accepted')) + total(counts('replayed'))
  const accepted = Math.max(0, taken - total(revived))
  const dropped = counts('dropped')
  // What the ledger closes by; less than 0 only when rows of it are lost.
  const pending = Math.max(0, taken - delivered - total(buried) - total(dropped))
  const missing = pending + total(dead) + total(dropped)
  return {
    received: total(counts('received')),
    answeredOk: takenAndCopied + total(skippedThoughTaken),
    answeredOther: counts('answered_other'),
    skipped: counts('skipped'),
    skippedThoughTaken,
    accepted,
    acceptedBytes: bytesOf(several, 'accepted'),
    delivered,
    deliveredBytes: bytesOf(several, 'delivered'),
    pending,
    dead,
    dropped,
    missing,
    completeness: accepted === 0 ? null : delivered / accepted
  }
}

function countsOf (several: readonly Tallies[], field: LedgerField): Record<string, number> {
  const counts = new Map<string, number>()
  for (const tallies of several) {
    for (const [detail, { count }] of tallies[field]) counts.set(detail, (counts.get(detail) ?? 0) + count)
  }
  return Object.fromEntries([...counts].filter(([, count]) => count > 0).sort(([a], [b]) => a < b ? -1 : 1))
}

function bytesOf (several: readonly Tallies[], field: LedgerField): number {
  let sum = 0
  for (const tallies of several) {
    for (const { bytes } of tallies[field].values()) sum += bytes
  }
  return sum
}

function less (dead: Counts, revived: Counts): Counts {
  return Object.fromEntries(Object.entries(dead)
    .map(([reason, count]) => [reason, count - (revived[reason] ?? 0)] as const)
    .filter(([, count]) => count > 0))
}

export function total (counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function isoOfHour (hour: number): string {
  // A key can hold hours beyond what a Date can.
  const ms = hour * HOUR_MS
  return ms <= 8.64e15 ? new Date(ms).toISOString() : `hour ${hour}`
}
