/** Writes the access log to a file descriptor without ever blocking the event loop. */
import { fstatSync, write } from 'node:fs'
import type { WriteLines } from './access-log.ts'

/** Linux: PIPE_BUF. A pipe that several processes write to keeps what is no longer than this in one piece. */
const PIPE_BYTES = 4096
/** A descriptor in non-blocking mode that is full is tried again after this. */
const FULL_MS = 50

/** @param fd - Stays open. Whatever cannot be written (a reader that has gone) is lost silently, as nginx loses it. */
export function createFdWriter (fd: number): WriteLines {
  const pieceBytes = fstatSync(fd).isFIFO() ? PIPE_BYTES : Infinity

  return (bytes, done) => {
    let at = 0

    function next (): void {
      if (at === bytes.length) { done(); return }
      write(fd, bytes, at, pieceLength(bytes, at, pieceBytes), null, (error, written) => {
        if (error?.code === 'EAGAIN') { setTimeout(next, FULL_MS); return }
        at = error === null ? at + written : bytes.length
        next()
      })
    }

    next()
  }
}

/** How much of `bytes` goes out at once from `at` on: whole lines of `limit` bytes at most; a longer line goes alone. */
export function pieceLength (bytes: Buffer, at: number, limit: number): number {
  if (bytes.length - at <= limit) return bytes.length - at
  const end = bytes.lastIndexOf(10, at + limit - 1)
  if (end >= at) return end + 1 - at
  const longLineEnd = bytes.indexOf(10, at)
  return (longLineEnd === -1 ? bytes.length : longLineEnd + 1) - at
}
