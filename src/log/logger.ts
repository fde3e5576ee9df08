/**
 * The program's own log: JSON lines on standard error, or coloured text on a terminal.
 * The access log (access-log.ts) goes to standard output, as with nginx's image.
 */
import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import pretty from 'pino-pretty'
import type { Config, LogConfig } from '../config/config.ts'
import { createScrub, scrubLine, secretsOf } from './scrub.ts'

const STDERR = 2
/** Lines that wait for a stuck standard error, in bytes; beyond it they are dropped. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Mapped paths give write access to the endpoint, headers carry keys and cookies: neither is logged, wherever it turns up. */
const SECRETS = ['target', 'mappedPath', 'headers', 'dsn', 'body', 'token', 'cookie', 'authorization'].flatMap(name => [name, `*.${name}`, `*.*.${name}`])

/** @param scrub - Of each text that is written. */
export function loggerOptions (level: LogConfig['level'], scrub: (text: string) => string = createScrub([])): LoggerOptions {
  return {
    level,
    base: { pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: { paths: SECRETS, censor: '[secret]' },
    hooks: { streamWrite: line => scrubLine(line, scrub) }
  }
}

export interface ClosableLogger {
  readonly log: Logger
  /** What must not be seen from the next line on, beside the secrets of every configuration before. */
  hide (config: Pick<Config, 'mirror' | 'admin'>): void
  /** Writes what waits; before the process ends. */
  flush (): void
}

/**
 * @param config - For the level, and for what must not be seen.
 * @param terminal - Whether standard error is one.
 */
export function createLogger (config: Pick<Config, 'log' | 'mirror' | 'admin'>, terminal: boolean): ClosableLogger {
  // Not synchronous: a reader that is stuck must not hold up requests.
  const file = terminal ? null : destination({ fd: STDERR, sync: false, maxLength: MAX_WAITING_BYTES })
  const secrets = new Set<string>()
  let scrub = createScrub([])
  const log = pino(loggerOptions(config.log.level, text => scrub(text)), file ?? prettyStream())

  function hide (next: Pick<Config, 'mirror' | 'admin'>): void {
    for (const secret of secretsOf(next)) secrets.add(secret)
    scrub = createScrub([...secrets])
  }

  hide(config)
  return {
    log,
    hide,
    flush () {
      try {
        file?.flushSync()
      } catch {
        // The stream is not open yet or closed already: there is nobody left to tell.
      }
    }
  }
}

function prettyStream (): DestinationStream {
  return pretty({ destination: STDERR, sync: true, colorize: true, ignore: 'pid', translateTime: 'SYS:HH:MM:ss.l' })
}
