/**
 * Notices that the configuration's files changed, by reading them once a second. That
 * is a few system calls, and the one way that sees every kind of change: an editor that
 * writes in place or renames over, a ConfigMap whose folder is swapped behind a symbolic
 * link, a bind mount, a network file system that tells nobody.
 */
import type { Reloader } from './reloader.ts'
import type { Source } from './source.ts'

const INTERVAL_MS = 1000
/** A file that held the same for this long is not being written. */
const SETTLE_MS = 200

/** @returns Ends it. It keeps no process alive. */
export function watchFiles (source: Pick<Source, 'fingerprint'>, reloader: Pick<Reloader, 'reloadIfChanged'>): () => void {
  let seen: string | null = null
  let timer: NodeJS.Timeout | null = null
  let ended = false

  async function look (): Promise<void> {
    const fingerprint = await source.fingerprint()
    const settled = fingerprint === seen
    seen = fingerprint
    if (settled) await reloader.reloadIfChanged(fingerprint)
    if (!ended) lookAfter(settled ? INTERVAL_MS : SETTLE_MS)
  }

  function lookAfter (ms: number): void {
    timer = setTimeout(() => { void look() }, ms).unref()
  }

  lookAfter(INTERVAL_MS)

  return () => {
    ended = true
    if (timer !== null) clearTimeout(timer)
  }
}
