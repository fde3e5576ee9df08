/** Where a process keeps the large request bodies that it is receiving; gone with the process. */
import { join } from 'node:path'

export function bodyFolderOf (spoolPath: string, pid: number): string {
  return join(spoolPath, 'incoming', String(pid))
}
