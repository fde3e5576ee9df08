/**
 * Every copy in the spool that was not delivered, with what is left of it: those
 * dropped, dead, and pending, in this order; the pending ones that failed first.
 *
 * Read by pages and not by one cursor: that would keep what is removed meanwhile on
 * disk, for as long as somebody reads slowly. Between pages copies may move, so that
 * one can be missed, or come twice.
 */
import { after } from './keys.ts'
import { decodeLost } from './lost.ts'
import type { Entry, Environment, Table } from './store.ts'
import { readFresh, readWithHistory, type PathOf, type StoredCopy } from './stored-copy.ts'
import type { Copy } from './types.ts'

export interface UndeliveredCopy {
  /** The `X-Request-Id`. */
  readonly id: string
  readonly project: string
  readonly state: 'dropped' | 'dead' | 'pending'
  /** Status or reason; empty for a pending one. */
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly takenAt: number
  /** `null`: it was dropped. */
  readonly copy: Pick<Copy, 'fields' | 'body'> | null
  /** Of a dropped one, if it could be read in time. */
  readonly eventId: string | null
}

/** Entries read at once; records have up to 256 KiB. */
const PAGE = 32

/** @param pathOf - Where a body's file lies. */
export function * readUndelivered (environment: Pick<Environment, 'entries'>, pathOf: PathOf): Generator<UndeliveredCopy> {
  for (const { value } of pages(environment, 'lost')) {
    const lost = decodeLost(value)
    if (lost !== null) yield { id: lost.id, project: lost.project, state: 'dropped', reason: lost.reason, takenAt: lost.takenAt, copy: null, eventId: lost.eventId }
  }
  for (const { value } of pages(environment, 'dead')) {
    const stored = readWithHistory(value, pathOf)
    yield undelivered(stored, 'dead', stored.history?.reason ?? 'corrupt')
  }
  for (const { value } of pages(environment, 'waiting')) yield undelivered(readWithHistory(value, pathOf), 'pending', '')
  for (const { value } of pages(environment, 'fresh')) yield undelivered(readFresh(value, pathOf), 'pending', '')
}

function * pages (environment: Pick<Environment, 'entries'>, table: Table): Generator<Entry> {
  for (let start: Buffer | null = Buffer.from([0]); start !== null;) {
    const page: readonly Entry[] = [...environment.entries(table, { start, limit: PAGE })]
    yield * page
    const last = page.at(-1)
    start = last === undefined || page.length < PAGE ? null : after(last.key)
  }
}

function undelivered ({ copy }: StoredCopy, state: 'dead' | 'pending', reason: string): UndeliveredCopy {
  const { id, project, takenAt } = copy
  return { id, project, state, reason, takenAt, copy, eventId: null }
}
