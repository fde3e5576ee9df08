/**
 * One line per client request, as nginx writes it. Lines are collected and written
 * once per second or per 64 KiB; when the reader is stuck they are dropped and
 * counted: a request never waits for its line.
 */
import { formatJson, formatMain, createClock } from './access-log-format.ts'
import type { LogConfig } from '../config/config.ts'
import type { Settled } from '../proxy/ports.ts'

/** Writes ASCII text and says when it is done. Called again only after `done`. */
export type WriteText = (text: string, done: () => void) => void

export interface AccessLogOptions {
  readonly format: LogConfig['access']
  readonly write: WriteText
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
const FLUSH_CHARACTERS = 64 * 1024
/** Collected while a write is under way, at most. */
const MAX_WAITING_CHARACTERS = 4 * 1024 * 1024

export function createAccessLog (options: AccessLogOptions): AccessLog {
  const { write, now } = options
  const clock = createClock()
  let format = formatterOf(options.format)
  let collected = ''
  let writing = false
  let dropped = 0
  let timer: NodeJS.Timeout | null = null
  let onWritten: (() => void) | null = null

  function flush (): void {
    if (writing || collected === '') return
    const text = collected
    collected = ''
    writing = true
    write(text, () => {
      writing = false
      if (collected.length >= FLUSH_CHARACTERS || onWritten !== null) flush()
      if (!writing) onWritten?.()
    })
  }

  function append (line: string): void {
    if (collected.length + line.length > MAX_WAITING_CHARACTERS) {
      dropped++
      return
    }
    collected += line
    if (collected.length >= FLUSH_CHARACTERS) flush()
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
