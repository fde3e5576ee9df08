/** The router's wall clock, in a test's hands: see clock-preload.ts. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Clock {
  /** What a process must have in its environment to live by it. */
  readonly env: Readonly<Record<string, string>>
  readonly offsetMs: () => number
  readonly jump: (byMs: number) => Promise<void>
}

export function createClock (folder: string): Clock {
  const file = join(folder, 'clock')
  let offsetMs = 0
  return {
    env: { TEST_CLOCK: file, NODE_OPTIONS: `--import=${new URL('clock-preload.ts', import.meta.url).href}` },
    offsetMs: () => offsetMs,
    async jump (byMs) {
      offsetMs += byMs
      await writeFile(`${file}.new`, String(offsetMs))
      await rename(`${file}.new`, file)
    }
  }
}
