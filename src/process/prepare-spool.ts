/** What must be done to the spool's folder before any process uses it. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { readPartitions } from '../spool/partitions-on-disk.ts'
import { recoverLeftLogs } from '../spool/wal/recovery.ts'
import { openEnvironment, SpoolFormatError } from '../spool/store.ts'

/**
 * Makes the folder, and removes request bodies that a killed run was still receiving:
 * nobody was told that they had arrived.
 *
 * @returns Partitions that hold copies of earlier runs. None when the disk fails: the router runs all the same.
 * @throws {SpoolFormatError}
 */
export async function prepareSpool (path: string, log: Pick<Logger, 'warn'>): Promise<readonly number[]> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await rm(join(path, 'incoming'), { recursive: true, force: true })
    const environment = openEnvironment(path)
    await recoverLeftLogs(environment, path, log)
    const found = readPartitions(environment)
    await environment.close()
    return found
  } catch (error) {
    if (error instanceof SpoolFormatError) throw error
    log.warn({ error: String(error) }, 'The spool cannot be looked into at the start: what earlier runs left waits until the next one. Is the folder of spool.path there, and may this user write it?')
    return []
  }
}
