/** How many connections the descriptors of one process are enough for. */
import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { MOST_REFUSED_AT_ONCE } from '../http1/refusals.ts'

/** The spool, logs, channels between processes, the admin listener, files that are served. */
const OTHER_FILES = 64

/** Linux, proc_pid_limits(5). @returns Infinity where there is no limit, or none can be read. */
export function readOpenFilesLimit (): number {
  try {
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return most === undefined ? Infinity : Number(most)
  } catch {
    // No such file, or no descriptor left to read it with.
    return Infinity
  }
}

/**
 * Each client may need a connection to an upstream beside its own, so that clients
 * alone never use up the descriptors.
 *
 * @param concurrency - Connections to the endpoint.
 */
export function connectionsFor (openFiles: number, concurrency: number): number {
  return Math.max(Math.floor((openFiles - OTHER_FILES - MOST_REFUSED_AT_ONCE - concurrency) / 2), 1)
}

/** One sentence, if clients cannot have as many connections as the configuration says. Pure. */
export function openFilesWarnings ({ client, mirror }: Pick<Config, 'client' | 'mirror'>, openFiles: number): string[] {
  const most = connectionsFor(openFiles, mirror?.concurrency ?? 0)
  if (most >= client.maxConnections) return []
  return [`client.max_connections is ${client.maxConnections}, but a process may open ${openFiles} files, enough for ${most} connections; raise that limit (ulimit -n; LimitNOFILE in a unit; ulimits: { nofile: 65536 } in a compose file), or write a smaller number`]
}
