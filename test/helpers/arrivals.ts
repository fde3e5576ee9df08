/** Things that arrive one by one, and a way to wait for them that says how many came. */
export interface Arrivals<Item> {
  readonly all: readonly Item[]
  readonly add: (item: Item) => void
  /** Resolves once there are `count`; rejects after `timeoutMs`. */
  readonly atLeast: (count: number, timeoutMs?: number) => Promise<readonly Item[]>
}

/** @param what - Plural noun for the message: `requests at relay`. */
export function createArrivals<Item> (what: string): Arrivals<Item> {
  const all: Item[] = []
  const waiting = new Set<() => void>()

  return {
    all,
    add: item => {
      all.push(item)
      for (const wake of waiting) wake()
    },
    atLeast: (count, timeoutMs = 10_000) => new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer)
        waiting.delete(wake)
      }
      const wake = (): void => {
        if (all.length < count) return
        finish()
        resolve(all)
      }
      const timer = setTimeout(() => {
        finish()
        reject(new Error(`After ${timeoutMs} ms: ${all.length} of ${count} ${what}.`))
      }, timeoutMs)
      waiting.add(wake)
      wake()
    })
  }
}
