/**
 * The time by which copies are taken, wait and expire: whole milliseconds since the epoch
 * as they were at the start of the program, and from there on as many as have passed. A
 * clock that is set, by hand or by NTP, moves no backoff. All processes of the program
 * have the same, however late they start: what one of them writes another reads. What is
 * kept on disk outlives the program; a later one may read it with another clock, and is
 * prepared for it (`claimDue` in turn.ts).
 */
export type SteadyNow = () => number

/** When the machine's monotonic clock was 0, by the wall clock as it is now: in milliseconds since the epoch. */
export function clockZeroNow (): number {
  return Date.now() - monotonicMs()
}

/** @param clockZeroMs - Of the process that came first. */
export function createSteadyNow (clockZeroMs: number): SteadyNow {
  // Against `performance.now()`, which costs less and runs at the same pace.
  const originMs = clockZeroMs + monotonicMs() - performance.now()
  return () => Math.floor(originMs + performance.now())
}

/** The same in all processes of a machine: CLOCK_MONOTONIC. */
function monotonicMs (): number {
  return Number(process.hrtime.bigint()) / 1e6
}
