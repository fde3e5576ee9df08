/** Those who wait until what they said is written. All who came since the last write share one promise. */

export type Waiting = PromiseWithResolvers<void> | null

export interface Waiters {
  readonly isEmpty: boolean
  /** Resolves with the write that comes next. */
  join (): Promise<void>
  /** Those there are: they are resolved by whoever takes them. Who comes from now on waits for the write after. */
  take (): Waiting
  /** What these waited for failed: they wait for the next write. */
  giveBack (waiting: Waiting): void
  /** Nobody waits any more. */
  release (): void
}

export function createWaiters (): Waiters {
  let next: Waiting = null

  return {
    get isEmpty () { return next === null },

    join () {
      next ??= Promise.withResolvers()
      return next.promise
    },

    take () {
      const taken = next
      next = null
      return taken
    },

    giveBack (waiting) {
      if (next === null) next = waiting
      else waiting?.resolve(next.promise)
    },

    release () {
      next?.resolve()
      next = null
    }
  }
}
