/** What a crash left of body files: some without a record, some missing. */
import type { Logger } from 'pino'
import { partitionEnd, partitionOf, partitionStart } from './keys.ts'
import type { Environment } from './store.ts'

export interface SweepOptions {
  readonly environment: Environment
  /** Those that are there. */
  readonly files: readonly Buffer[]
  /** Whose owner is gone: nobody adds files of theirs meanwhile. */
  readonly partitions: readonly number[]
  /** Files of this run; their records may be on the way. */
  readonly isOurs: (fileId: Buffer) => boolean
  readonly log: Pick<Logger, 'warn' | 'error'>
}

/** Says what it finds, once. @returns Files that no record names, to be removed. @throws What the environment says. */
export function sweepBodies ({ environment, files, partitions, isOurs, log }: SweepOptions): readonly Buffer[] {
  const swept = files.filter(fileId => partitions.includes(partitionOf(fileId)) && !isOurs(fileId))
  const orphans = swept.filter(fileId => environment.get('files', fileId) === undefined)
  const present = new Set(swept.map(fileId => fileId.toString('hex')))
  let missing = 0
  for (const partition of partitions) {
    for (const fileId of environment.keys('files', { start: partitionStart(partition), end: partitionEnd(partition) })) {
      if (!present.has(fileId.toString('hex')) && !isOurs(fileId)) missing++
    }
  }
  if (orphans.length > 0) log.warn({ files: orphans.length }, 'Body files without a copy were removed from the spool: their copies had not been taken, or were done.')
  if (missing > 0) log.error({ files: missing }, 'Body files are missing from the spool: their copies become dead letters (body_lost).')
  return orphans
}
