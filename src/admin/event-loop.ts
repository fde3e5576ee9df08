/**
 * How long this process keeps its work waiting. A timer notes how late it fires: by
 * that much anything else that was due came late. A delay that is longer than the
 * timer's interval hid ticks, each a little less late; they are counted too, so that
 * the share of observations is a share of time: one stall of a second every ten
 * seconds is a tenth of all, not one tick in two hundred.
 */

const INTERVAL_MS = 50
/** 10 s of hidden ticks; a process that was stopped for an hour needs no more. */
const MOST_TICKS = 200

/**
 * @param observe - Told of every delay, in seconds.
 * @returns Ends it. It keeps no process alive.
 */
export function watchEventLoop (observe: (seconds: number) => void): () => void {
  let dueAt = performance.now() + INTERVAL_MS
  const timer = setInterval(() => {
    const now = performance.now()
    for (const delayMs of delays(now - dueAt)) observe(delayMs / 1000)
    dueAt = now + INTERVAL_MS
  }, INTERVAL_MS)
  timer.unref()
  return () => { clearInterval(timer) }
}

/** The delay of a tick, and of those it hid: 120 ms late hid one that was 70 ms late and one that was 20 ms late. */
export function delays (lateMs: number): number[] {
  const all = [Math.max(lateMs, 0)]
  for (let hidden = lateMs - INTERVAL_MS; hidden > 0 && all.length < MOST_TICKS; hidden -= INTERVAL_MS) all.push(hidden)
  return all
}
