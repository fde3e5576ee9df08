/**
 * One line per client request, as nginx writes it. Lines are collected and written
 * once per second or per 64 KiB; when the reader is stuck they are dropped and
 * counted: a request never waits for its line.
 */
import { formatJson, formatMain, createClock } from './access-log-format.ts'
import type { LogConfig } from '../config/config.ts'
import type { Settled } from '../proxy/ports.ts'

/** Writes whole lines and says when it is done. Called again only after `done`. */
export type WriteLines = (lines: Buffer, done: () => void) => void

export interface AccessLogOptions {
  readonly format: LogConfig['access']
  readonly write: WriteLines
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface AccessLog {
  settled (request: Settled): void
  /** Writes this form from the next line on. */
  use (format: LogConfig['access']): void
  /** Lines given up so far because `write` did not finish. */
  droppedLines (): number
  /** Writes what is collected, and waits until it is out; for no longer than `deadlineMs`. */
  close (options: { deadlineMs: number }): Promise<void>
}

const FLUSH_MS = 1000
const PAGE_BYTES = 64 * 1024
/** Collected while a write is under way, at most. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024

export function createAccessLog (options: AccessLogOptions): AccessLog {
  const { write, now } = options
  const clock = createClock()
  let format = formatterOf(options.format)
  /** Bytes, not text: a line is made of pieces of its request's head, and would keep all of it in memory. */
  let page = Buffer.allocUnsafeSlow(PAGE_BYTES)
  let used = 0
  let fullPages: Buffer[] = []
  let waitingBytes = 0
  let writing = false
  let dropped = 0
  let timer: NodeJS.Timeout | null = null
  let onWritten: (() => void) | null = null

  function flush (): void {
    if (writing || waitingBytes === 0) return
    const lines = fullPages.length === 0 ? page.subarray(0, used) : Buffer.concat([...fullPages, page.subarray(0, used)])
    if (fullPages.length === 0) page = Buffer.allocUnsafeSlow(PAGE_BYTES)
    fullPages = []
    used = 0
    waitingBytes = 0
    writing = true
    write(lines, () => {
      writing = false
      if (waitingBytes >= PAGE_BYTES || onWritten !== null) flush()
      if (!writing) onWritten?.()
    })
  }

  function append (line: string): void {
    if (waitingBytes + line.length > MAX_WAITING_BYTES) {
      dropped++
      return
    }
    if (line.length > PAGE_BYTES - used) {
      fullPages.push(page.subarray(0, used))
      page = Buffer.allocUnsafeSlow(Math.max(PAGE_BYTES, line.length))
      used = 0
    }
    used += page.write(line, used, 'latin1')
    waitingBytes += line.length
    if (waitingBytes >= PAGE_BYTES) flush()
    timer ??= setTimeout(() => {
      timer = null
      flush()
    }, FLUSH_MS)
  }

  return {
    settled (request) { if (format !== null) append(format(request, clock(now()))) },
    use (next) { format = formatterOf(next) },
    droppedLines: () => dropped,
    async close ({ deadlineMs }) {
      if (timer !== null) clearTimeout(timer)
      await new Promise<void>(resolve => {
        const deadline = setTimeout(resolve, deadlineMs)
        onWritten = () => {
          clearTimeout(deadline)
          resolve()
        }
        flush()
        if (!writing) onWritten()
      })
    }
  }
}

/** @returns `null` when nothing is written. */
function formatterOf (format: LogConfig['access']): typeof formatMain | null {
  switch (format) {
    case 'main': return formatMain
    case 'json': return formatJson
    case 'off': return null
  }
}
