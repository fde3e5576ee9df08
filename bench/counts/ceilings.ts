/** What is counted per request, what a ceiling leaves to chance, and which counts are above theirs. */
import type { Counted, Counts } from './count.ts'
import type { CountedWork } from './works.ts'

export const COUNT_NAMES = ['heapBytes', 'promotedBytes', 'bufferBytes', 'reads', 'writes', 'epoll', 'futex', 'sync', 'memory', 'other'] as const
export type CountName = typeof COUNT_NAMES[number]

export interface Limit {
  /** Median of the runs when the table was written. */
  readonly measured: number
  readonly ceiling: number
}

export type Limits = Readonly<Record<CountName, Limit>>

interface Kind {
  readonly title: string
  /** A ceiling is this share above what was measured. */
  readonly share: number
  /** And at least this much above it: a share of almost nothing says nothing. */
  readonly least: number
}

/** Shares by what runs differ in on two cores, at rest and with ten other processes running. How often a busy process waits is up to its neighbours most. */
export const KINDS: Readonly<Record<CountName, Kind>> = {
  heapBytes: { title: 'bytes on V8\'s heap', share: 0.25, least: 500 },
  // A request whose parts all outlive it is some 5 KB.
  promotedBytes: { title: 'of them kept as long-lived', share: 1, least: 700 },
  bufferBytes: { title: 'bytes in buffers', share: 0.15, least: 300 },
  reads: { title: 'reads', share: 0.2, least: 0.1 },
  writes: { title: 'writes', share: 0.25, least: 0.1 },
  epoll: { title: 'epoll calls', share: 1, least: 0.6 },
  futex: { title: 'futex calls', share: 1, least: 0.3 },
  sync: { title: 'fdatasync and the like', share: 0.4, least: 0.2 },
  memory: { title: 'mmap and the like', share: 1, least: 0.3 },
  other: { title: 'other system calls', share: 0.25, least: 0.4 }
}

export interface Fault {
  readonly name: CountName
  readonly message: string
}

export function faults (work: CountedWork, counts: Counts, limits: Limits): Fault[] {
  return COUNT_NAMES.flatMap(name => {
    const now = counts[name]
    const { measured, ceiling } = limits[name]
    if (now === undefined || now <= ceiling) return []
    const message = `${work.title}: ${KINDS[name].title} per request went up from ${show(measured)} to ${show(now)}; the ceiling is ${show(ceiling)}`
    return [{ name, message }]
  })
}

/** Of several runs: whatever else goes on on the machine adds to a count, and takes nothing away. */
export function leastOf (counted: readonly Counted[]): Counts {
  return Object.fromEntries(COUNT_NAMES.flatMap(name => {
    const values = valuesOf(name, counted)
    return values.length === 0 ? [] : [[name, Math.min(...values)]]
  }))
}

/** @throws When a count is missing: such a table would guard nothing. */
export function limitsOf (counted: readonly Counted[]): Limits {
  return Object.fromEntries(COUNT_NAMES.map(name => {
    const values = valuesOf(name, counted).toSorted((a, b) => a - b)
    const measured = values[values.length >> 1]
    const highest = values.at(-1)
    if (measured === undefined || highest === undefined) throw new Error(`${name} could not be counted: ${counted[0]?.notTraced}`)
    const { share, least } = KINDS[name]
    return [name, { measured: rounded(measured), ceiling: rounded(Math.max(measured + Math.max(measured * share, least), highest)) }]
  })) as Record<CountName, Limit>
}

function valuesOf (name: CountName, counted: readonly Counted[]): number[] {
  return counted.flatMap(({ counts }) => counts[name] ?? [])
}

/** Bytes to the next ten, calls to the next hundredth. */
function rounded (value: number): number {
  return value >= 100 ? Math.ceil(value / 10) * 10 : Math.ceil(value * 100) / 100
}

export function show (value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}
