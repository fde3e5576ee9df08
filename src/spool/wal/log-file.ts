/** A file of the log as the disk has it; a test puts one that fails in its place. */
import { constants, fdatasync, write } from 'node:fs'
import { open } from 'node:fs/promises'

export interface LogFile {
  /** Resolves when it survives the end of the process; if the file is synced, a power cut. Rejects with what the disk says. */
  write (bytes: Buffer, position: number): Promise<void>
  /** Resolves when all that was written survives a power cut. Rejects with what the disk says. */
  flush (): Promise<void>
  close (): Promise<void>
}

export type OpenLogFile = (path: string, synced: boolean) => Promise<LogFile>

const { O_CREAT, O_RDWR, O_TRUNC, O_DSYNC } = constants

/** Begins the file anew. */
export const openLogFile: OpenLogFile = async (path, synced) => {
  const file = await open(path, O_CREAT | O_RDWR | O_TRUNC | (synced ? O_DSYNC : 0), 0o600)
  return {
    write: (bytes, position) => writeAll(file.fd, bytes, position),
    flush: () => new Promise((resolve, reject) => {
      fdatasync(file.fd, error => {
        if (error === null) resolve()
        else reject(error)
      })
    }),
    close: () => file.close()
  }
}

/** With callbacks: this runs once per turn of the event loop. */
function writeAll (fd: number, bytes: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let written = 0
    function step (): void {
      write(fd, bytes, written, bytes.length - written, position + written, (error, count) => {
        written += count
        if (error !== null) reject(error)
        else if (written < bytes.length) step()
        else resolve()
      })
    }
    step()
  })
}
