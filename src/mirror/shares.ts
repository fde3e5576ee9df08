/**
 * What of the width one project may take. While others send too, a quarter is kept
 * from each: a project whose copies hang cannot fill the width before that is known.
 * A project that is at its share and gets no answer is silent: its further copies
 * wait elsewhere.
 */
export interface Shares {
  underWay (project: string): number
  began (project: string, now: number): void
  ended (project: string, now: number): void
  hasRoom (project: string, width: number, now: number): boolean
  isSilent (project: string, now: number): boolean
}

/** How long after its last attempt a project still counts as one that sends. */
const ACTIVE_MS = 10_000
/** Longer than a healthy answer takes, shorter than others may be made to wait. */
export const SILENCE_MS = 500
/** One of so many places is kept for the others. */
const RESERVE = 4

interface Lane {
  underWay: number
  beganAt: number
  /** Of the last attempt that ended; or when the first one began that now is under way. */
  heardAt: number
}

export function createShares (): Shares {
  /** As many as there are labels. */
  const lanes = new Map<string, Lane>()

  function othersActive (own: Lane, now: number): boolean {
    for (const lane of lanes.values()) {
      if (lane !== own && now - lane.beganAt < ACTIVE_MS) return true
    }
    return false
  }

  return {
    underWay: project => lanes.get(project)?.underWay ?? 0,

    began (project, now) {
      const lane = lanes.get(project)
      if (lane === undefined) {
        lanes.set(project, { underWay: 1, beganAt: now, heardAt: now })
        return
      }
      if (lane.underWay === 0) lane.heardAt = now
      lane.underWay++
      lane.beganAt = now
    },

    ended (project, now) {
      const lane = lanes.get(project)
      if (lane === undefined) return
      lane.underWay--
      lane.heardAt = now
    },

    hasRoom (project, width, now) {
      const lane = lanes.get(project)
      if (lane === undefined || lane.underWay < Math.max(width - Math.ceil(width / RESERVE), 1)) return true
      return !othersActive(lane, now)
    },

    isSilent (project, now) {
      const lane = lanes.get(project)
      return lane !== undefined && lane.underWay > 0 && now - lane.heardAt >= SILENCE_MS
    }
  }
}
