/** When the next checkpoint is due: soon while little happens, later while much does. */

export interface CheckpointClock {
  /** It is due; stays so until `restart`. */
  readonly isDue: boolean
  /** A frame was written that the environment lacks. */
  frame (): void
  /** It is due now, whatever the clock says. */
  advance (): void
  /** Whether a time is set for it. */
  readonly isSet: boolean
  /** A checkpoint begins. */
  restart (): void
  stop (): void
}

/** After the first frame. Seldom enough to cost nothing, even if that is all there is. */
const SOON_MS = 100
/** While more than `FEW_FRAMES` were written since the last: by then most copies are delivered. */
const LATER_MS = 1000
const FEW_FRAMES = 64

export function createCheckpointClock (onDue: () => void): CheckpointClock {
  let isDue = false
  let timer: NodeJS.Timeout | null = null
  let frames = 0
  let lastAt = 0

  function look (): void {
    const remainingMs = lastAt + LATER_MS - performance.now()
    if (frames > FEW_FRAMES && remainingMs > 0) {
      timer = setTimeout(look, remainingMs).unref()
      return
    }
    timer = null
    isDue = true
    onDue()
  }

  function stop (): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
  }

  return {
    get isDue () { return isDue },
    get isSet () { return timer !== null },

    frame () {
      frames++
      timer ??= setTimeout(look, SOON_MS).unref()
    },

    advance () { isDue = true },

    restart () {
      stop()
      isDue = false
      frames = 0
      lastAt = performance.now()
    },

    stop
  }
}
