/** A mapped path gives write access to its service: shown is what tells services apart. Pure. */

/** Longest end of a path that is shown, and the least of it that stays hidden. */
const SHOWN = 4
const HIDDEN_SHARE = 3 / 4

/** `…ce-1` of `/rum/sentry/workspace/service-1`: at most the last 4 characters, and never more than a quarter. */
export function redactPath (path: string): string {
  const shown = Math.min(SHOWN, Math.floor(path.length * (1 - HIDDEN_SHARE)))
  return `…${shown === 0 ? '' : path.slice(-shown)}`
}
