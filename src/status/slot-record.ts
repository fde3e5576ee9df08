/**
 * A slot as bytes: JSON, so that a later version may add to it. What cannot be read is
 * skipped: the history is a picture, no ledger.
 */
import type { Slot } from './slots.ts'

const VERSION = 1

export function encodeSlot ({ step, counts, pending, oldestSeconds }: Slot): Buffer {
  return Buffer.from(JSON.stringify({ v: VERSION, step, pending, oldestSeconds, counts: Object.fromEntries(counts) }))
}

/** @returns `null` for what is damaged, or of another version. */
export function decodeSlot (bytes: Buffer): Slot | null {
  try {
    const { v, step, pending, oldestSeconds, counts } = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>
    if (v !== VERSION || !isCount(step) || !isCount(pending) || !isCount(oldestSeconds) || typeof counts !== 'object' || counts === null) return null
    const entries = Object.entries(counts)
    return entries.every(([, count]) => isCount(count)) ? { step, pending, oldestSeconds, counts: new Map(entries as [string, number][]) } : null
  } catch {
    return null
  }
}

function isCount (value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
