/** `mirror-router start`: runs until a signal, then finishes what is under way. */
import { findConfigFile, loadConfigFile } from '../config/config-file.ts'
import { formatFault } from '../config/fault.ts'
import { createLogger } from '../log/logger.ts'
import { logLastWords } from '../process/last-words.ts'
import { ListenError } from '../process/reserve-ports.ts'
import { serve } from '../process/serve.ts'
import { createSource } from '../reload/source.ts'
import { SpoolFormatError } from '../spool/store.ts'
import { CONFIG_OPTION, readArguments, type Command } from './command.ts'

export const start: Command = {
  name: 'start',
  summary: 'Run the router.',
  usage: 'start [--config FILE]',
  options: CONFIG_OPTION,
  details: 'SIGTERM, SIGINT and SIGQUIT stop it: requests under way are finished first, for up to 30 s. What waits in the spool stays there. SIGHUP, and every change of the file, makes it take its configuration anew.',
  examples: [
    { line: 'start', does: 'Run with the configuration that is found.' },
    { line: 'start --config router.yaml', does: 'Run with this one.' },
    { line: 'start --config nginx.conf', does: 'Run what an nginx.conf says.' }
  ],
  exitCodes: {
    0: 'A signal stopped it, and it finished what was under way.',
    1: 'It could not start: faults in the configuration, a port that cannot be had, a spool of a newer format.'
  },

  async run (args, io) {
    const { values } = readArguments(args, CONFIG_OPTION)
    const file = findConfigFile({ given: values.config, env: io.env, cwd: io.cwd })
    const loaded = await loadConfigFile(file, io.env)
    if (loaded.faults !== undefined) {
      for (const fault of loaded.faults) io.stderr.write(`${formatFault(fault)}\n`)
      return 1
    }

    const logger = createLogger(loaded.config, io.stderr.isTTY === true)
    logLastWords(logger)
    try {
      await serve(loaded.config, { source: createSource(file, io.env), logger })
      return 0
    } catch (error) {
      if (!(error instanceof ListenError || error instanceof SpoolFormatError)) throw error
      io.stderr.write(`mirror-router: ${error.message}\n`)
      return 1
    } finally {
      logger.flush()
    }
  }
}
