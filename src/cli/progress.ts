/** A bar that shows how far a long command is, for a person who waits; nothing where nobody looks. */
import type { Output } from './command.ts'

export interface Progress {
  /** @param total - `null` while it is not known. */
  show (done: number, total: number | null): void
  /** Takes the bar away; before anything else is written. */
  clear (): void
}

const WIDTH = 30
/** Back to the start of the line, and clear it (ECMA-48 EL). */
const START_OVER = '\r\u001b[2K'

/** @param doing - `Replaying`. */
export function createProgress (output: Output, doing: string): Progress {
  if (output.isTTY !== true) return { show () {}, clear () {} }
  let drawn = false
  return {
    show (done, total) {
      drawn = true
      output.write(START_OVER + renderProgress(doing, done, total))
    },
    clear () {
      if (drawn) output.write(START_OVER)
      drawn = false
    }
  }
}

export function renderProgress (doing: string, done: number, total: number | null): string {
  if (total === null) return `${doing} … ${grouped(done)}`
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.floor(share * WIDTH)
  return `${doing} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${grouped(done)} of ${grouped(total)}, ${Math.floor(share * 100)} %`
}

function grouped (number: number): string {
  return number.toLocaleString('en-US')
}
