/**
 * Entries that memory knows better about than the environment, and that are not in the
 * window: claimed, waiting in memory for another attempt, or settled and not yet so on
 * disk. Those that the environment has, or is about to have, are hidden from whoever
 * reads it.
 */
import { Roster } from '../roster.ts'
import type { Entry } from './entry.ts'

export interface Held extends Iterable<Entry> {
  /** Once is enough. */
  add (entry: Entry): void
  remove (entry: Entry): void
  /** A checkpoint brings them to disk. */
  saving (entries: readonly Entry[]): void
  /** @param key - Of a copy that the environment has. */
  hides (key: Buffer): boolean
}

export function createHeld (): Held {
  const entries = new Roster<Entry>()
  /** Keys as text. Few: what is delivered at once never gets into the environment. */
  const hidden = new Set<string>()

  function hide (entry: Entry): void {
    hidden.add(nameOf(entry.key))
    entry.isHidden = true
  }

  return {
    add (entry) {
      entry.seat ??= entries.add(entry)
      if (entry.disk !== 'none' || entry.isGoing) hide(entry)
    },

    remove (entry) {
      if (entry.seat !== null) entries.remove(entry.seat)
      entry.seat = null
      if (entry.isHidden) hidden.delete(nameOf(entry.key))
      entry.isHidden = false
    },

    saving (going) {
      for (const entry of going) if (entry.seat !== null) hide(entry)
    },

    hides: key => hidden.size > 0 && hidden.has(nameOf(key)),
    [Symbol.iterator]: () => entries[Symbol.iterator]()
  }
}

function nameOf (key: Buffer): string {
  return key.toString('latin1')
}
