/**
 * The program's own log: JSON lines on standard error, or coloured text on a terminal.
 * The access log (access-log.ts) goes to standard output, as with nginx's image.
 */
import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import pretty from 'pino-pretty'
import type { LogConfig } from '../config/config.ts'

const STDERR = 2
/** Lines that wait for a stuck standard error, in bytes; beyond it they are dropped. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Mapped paths give write access to the endpoint, headers carry keys and cookies: neither is logged, wherever it turns up. */
const SECRETS = ['target', 'mappedPath', 'headers', 'dsn', 'body'].flatMap(name => [name, `*.${name}`, `*.*.${name}`])

export function loggerOptions (level: LogConfig['level']): LoggerOptions {
  return {
    level,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: { paths: SECRETS, censor: '[secret]' }
  }
}

export interface ClosableLogger {
  readonly log: Logger
  /** Writes what waits; before the process ends. */
  flush (): void
}

/** @param terminal - Whether standard error is one. */
export function createLogger (level: LogConfig['level'], terminal: boolean): ClosableLogger {
  if (terminal) return { log: pino(loggerOptions(level), prettyStream()), flush () {} }

  // Not synchronous: a reader that is stuck must not hold up requests.
  const stream = destination({ fd: STDERR, sync: false, maxLength: MAX_WAITING_BYTES })
  return {
    log: pino(loggerOptions(level), stream),
    flush () {
      try {
        stream.flushSync()
      } catch {
        // The stream is not open yet or closed already: there is nobody left to tell.
      }
    }
  }
}

function prettyStream (): DestinationStream {
  return pretty({ destination: STDERR, sync: true, colorize: true, ignore: 'pid', translateTime: 'SYS:HH:MM:ss.l' })
}
