/**
 * How a process ends that an unexpected error ends. Node would print the error as it
 * is, and an error may repeat what was being done: a mapped path, a header. So it goes
 * through the log, which takes secrets out; and a diagnostic report, should the
 * operator have asked Node for one, leaves out the environment.
 */
import type { ClosableLogger } from '../log/logger.ts'

/** As Node says it of an uncaught exception. */
const EXIT_CODE = 1

export function logLastWords ({ log, flush }: Pick<ClosableLogger, 'log' | 'flush'>): void {
  process.report.excludeEnv = true
  process.on('uncaughtException', error => {
    try {
      log.fatal({ error: error instanceof Error ? error.stack ?? error.message : String(error) }, 'An error nobody expected: the process ends.')
      flush()
    } finally {
      process.exit(EXIT_CODE)
    }
  })
}
