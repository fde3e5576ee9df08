/** How V8 collects garbage in a process that serves. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Before the first request.
 *
 * V8 learns which objects live long, and allocates them where only a full collection
 * finds them. It learns that of a request's, for there are always some under way; with
 * them it then keeps all that they point to. A collection of the young took 12 ms
 * instead of 1 ms, a tenth of all CPU, and as much again on V8's own threads
 * (`node --trace-gc`, 2 KB envelopes at c=64).
 *
 * It begins a full collection for every 64 MB or so of buffers, however few are still
 * in use: with bodies of 64 KB fourteen a second, a quarter of all CPU. As a part of
 * the heap's own limit, buffers are collected with the young. That limit leaves 90 % of
 * room: V8's own is hardly more than what so small a heap has (docs/decisions/0010).
 */
export function tuneGarbageCollection (): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  setFlagsFromString('--heap-growing-percent=90')
}

/**
 * When all is loaded, and before the process listens, for it takes some 50 ms: what
 * loading left behind goes back to the machine, 17 MiB. V8 would keep it for as long as
 * little is asked of the process.
 */
export function giveBackMemory (): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
