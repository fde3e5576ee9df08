/**
 * Loaded into the router by clock.ts: its wall clock is off by what a file says, and
 * follows the file when it changes, as when somebody sets the machine's clock. What a
 * set clock does not move stays: timers, `performance.now()`, the times of files.
 */
import { readFileSync } from 'node:fs'

const LOOK_INTERVAL_MS = 100

const RealDate = Date
const realNow = RealDate.now.bind(RealDate)
let offsetMs = readOffset()

function readOffset (): number {
  try {
    return Number(readFileSync(process.env['TEST_CLOCK'] ?? '', 'utf8')) || 0
  } catch {
    // Nobody has set the clock yet.
    return 0
  }
}

const shiftedNow = (): number => realNow() + offsetMs

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(shiftedNow()).toString(),
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget) as object,
  get: (target, key) => key === 'now' ? shiftedNow : Reflect.get(target, key) as unknown
})
// Read once at the start of a process: it stays as it was when the clock is set later.
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + offsetMs })
setInterval(() => { offsetMs = readOffset() }, LOOK_INTERVAL_MS).unref()
