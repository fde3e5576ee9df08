/**
 * Whole milliseconds since the epoch as they were at the start of the process, and from
 * there on as many as have passed: a clock that is set, by hand or by NTP, moves no
 * backoff. What is kept on disk carries these times too; a later process may read
 * them with another clock, and is prepared for it (`claimDue` in delivery.ts).
 */
export function steadyNow (): number {
  return Math.floor(performance.timeOrigin + performance.now())
}
