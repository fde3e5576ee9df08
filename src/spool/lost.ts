/**
 * The table `lost`: copies that were dropped, so that a report can name them.
 *
 *   key    time it was dropped (6 bytes) | sequence (4) | process (4)
 *   value  JSON
 *
 * At most 100,000: older rows make room.
 */
import { writeTime } from './keys.ts'
import type { Environment, Write } from './store.ts'
import type { Copy, DropReason } from './types.ts'

export interface LostCopy {
  /** The `X-Request-Id`. */
  readonly id: string
  readonly project: string
  readonly reason: DropReason
  /** Milliseconds since the epoch. */
  readonly takenAt: number
  readonly droppedAt: number
  /** Of the envelope, where the body says it in clear; else `null`. */
  readonly eventId: string | null
}

const MAX_ROWS = 100_000
/** Rows that make room at once. */
const PRUNED_ROWS = 1000
/** An envelope's first line begins with it, if at all. */
const SEARCHED_BYTES = 512

export interface LostRow {
  readonly table: 'lost'
  readonly key: Buffer
  readonly value: Buffer
}

/** @param process - Tells the rows of processes apart. */
export function createLostRows (process: number): (copy: Copy, reason: DropReason, droppedAt: number) => LostRow {
  let sequence = 0
  return (copy, reason, droppedAt) => {
    const key = Buffer.allocUnsafe(14)
    writeTime(key, droppedAt, 0)
    key.writeUInt32BE(sequence++ >>> 0, 6)
    key.writeUInt32BE(process >>> 0, 10)
    const lost: LostCopy = { id: copy.id, project: copy.project, reason, takenAt: copy.takenAt, droppedAt, eventId: eventIdOf(copy) }
    return { table: 'lost', key, value: Buffer.from(JSON.stringify(lost)) }
  }
}

function eventIdOf ({ body }: Copy): string | null {
  const start = body.chunks?.[0]?.toString('latin1', 0, SEARCHED_BYTES) ?? ''
  return /^\{[^\n]*?"event_id":"([0-9a-f-]{32,36})"/.exec(start)?.[1] ?? null
}

export function * readLost (environment: Environment): Generator<LostCopy> {
  for (const { value } of environment.entries('lost', {})) {
    const lost = decodeLost(value)
    if (lost !== null) yield lost
  }
}

/** @returns `null` for a damaged row: it names nobody, but the ledger has counted the copy. */
export function decodeLost (value: Buffer): LostCopy | null {
  try {
    return JSON.parse(value.toString()) as LostCopy
  } catch {
    return null
  }
}

/** Removes the oldest rows when there are too many. */
export function pruneLost (environment: Environment): void {
  const excess: Buffer[] = []
  let rows = 0
  for (const key of environment.keys('lost', {})) {
    rows++
    if (excess.length < PRUNED_ROWS) excess.push(key)
  }
  if (rows <= MAX_ROWS) return
  environment.transaction((write: Write) => { for (const key of excess) write('lost', key, null) })
}
