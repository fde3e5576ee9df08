/**
 * Resolves the name of one server, for every connection anew.
 *
 * A name service that hangs must not cost more than the name it hangs for: questions
 * are asked on the few threads that all names share, so there is one at a time for each
 * name, and connections that want it meanwhile wait for the same answer. While there is
 * none, the addresses that were last known serve, as nginx's do, which asks once at start.
 */
import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'

type Callback = Parameters<LookupFunction>[2]
type Ask = (host: string, options: LookupAllOptions, answered: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void

/** How long a connection waits for a fresh answer when an old one is there. */
const PATIENCE_MS = 1_000

/** @param ask - Asks the name service. */
export function createLookup (host: string, ask: Ask = (...question) => { lookup(...question) }, patienceMs = PATIENCE_MS): LookupFunction {
  /** With the end of each one's patience. */
  const waiting = new Map<Callback, NodeJS.Timeout | undefined>()
  let known: readonly LookupAddress[] | null = null
  let asking = false
  /** Somebody has lost patience with the question that is asked: nobody waits for it again. */
  let isLate = false

  function answered (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]): void {
    asking = false
    isLate = false
    if (error === null) known = addresses
    // There is no such name any more; of every other error the name service is the cause.
    else if (error.code === 'ENOTFOUND') known = null
    const all = [...waiting]
    waiting.clear()
    for (const [callback, timer] of all) {
      clearTimeout(timer)
      tell(callback, error)
    }
  }

  function tell (callback: Callback, error: NodeJS.ErrnoException | null): void {
    if (known === null) callback(error, [])
    else callback(null, [...known])
  }

  function lateFor (callback: Callback): void {
    isLate = true
    waiting.delete(callback)
    tell(callback, null)
  }

  return (_host, options, callback) => {
    if (isLate) {
      process.nextTick(tell, callback, null)
      return
    }
    waiting.set(callback, known === null ? undefined : setTimeout(lateFor, patienceMs, callback))
    if (asking) return
    asking = true
    ask(host, { ...options, all: true }, answered)
  }
}
