/** Which partitions hold something. Costs a look per partition, however many copies there are. */
import { countsKey, decodeCounts } from './counts.ts'
import { partitionEnd, partitionOf, timeOf } from './keys.ts'
import type { Environment } from './store.ts'

export function readPartitions (environment: Environment): number[] {
  const found = new Set<number>()
  for (const table of ['fresh', 'ages'] as const) {
    for (let key = first(environment, table); key !== null; key = first(environment, table, partitionEnd(partitionOf(key)))) found.add(partitionOf(key))
  }
  // Who replays a dead letter gives it back to its partition: somebody must own that.
  for (const key of environment.keys('counts', {})) {
    const partition = partitionOf(key)
    const dead = decodeCounts(environment.get('counts', countsKey(partition, 'own'))).dead + decodeCounts(environment.get('counts', countsKey(partition, 'others'))).dead
    if (dead > 0) found.add(partition)
  }
  return [...found].sort((a, b) => a - b)
}

function first (environment: Environment, table: 'fresh' | 'ages', start?: Buffer): Buffer | null {
  for (const key of environment.keys(table, { limit: 1, ...(start === undefined ? {} : { start }) })) return key
  return null
}

/** Time in the last key of a partition; 0 when it has none. */
export function lastTime (environment: Environment, partition: number): number {
  let last = 0
  for (const table of ['fresh', 'ages'] as const) {
    for (const key of environment.keys(table, { start: partitionEnd(partition), reverse: true, limit: 1 })) {
      if (partitionOf(key) === partition) last = Math.max(last, timeOf(key))
    }
  }
  return last
}
