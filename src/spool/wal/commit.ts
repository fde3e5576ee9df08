/** A transaction of the environment, with the patience that a disk deserves and no more. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment, Write } from '../store.ts'

const SECOND_TRY_MS = 10
const FLUSH_TIMEOUT_MS = 30_000

/** A fault that passes at once must not look like a disk that is gone: tries twice. Rejects with what the environment says. */
export async function commit (open: Environment, bytes: number, fill: (write: Write) => void): Promise<void> {
  try {
    await open.commit(bytes, fill)
  } catch {
    await sleep(SECOND_TRY_MS)
    await open.commit(bytes, fill)
  }
}

/**
 * Resolves when everything committed survives a power cut. Rejects with what the
 * environment says, when it takes longer than 30 s, and with `signal`.
 */
export async function flush (open: Environment, signal: AbortSignal): Promise<void> {
  const waiting = new AbortController()
  try {
    const late = sleep(FLUSH_TIMEOUT_MS, null, { ref: false, signal: AbortSignal.any([waiting.signal, signal]) })
    await Promise.race([open.flushed(), late.then(() => { throw new Error(`flushing takes longer than ${FLUSH_TIMEOUT_MS / 1000} s`) })])
  } finally {
    waiting.abort()
  }
}
