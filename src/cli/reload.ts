/** `reload`: the running router takes its configuration anew, or says why not. */
import type { ReloadAnswer } from '../admin/reload-route.ts'
import { adminFetch, refusal } from './admin-client.ts'
import { CommandError, CONFIG_OPTION, loadConfig, readArguments, type Command } from './command.ts'

export const reload: Command = {
  name: 'reload',
  summary: 'Make the running router take its configuration anew.',
  usage: 'reload [--config FILE]',
  options: CONFIG_OPTION,
  details: `Asks the running router that --config belongs to; it loads the file that it was started with. Requests under way are finished under the old configuration. A file with a fault, or with a change that needs a restart, changes nothing.`,
  examples: [
    { line: 'reload', does: 'Take over what was changed in the file.' },
    { line: 'reload --config router.yaml', does: 'The same for the router that runs with this file.' }
  ],
  exitCodes: {
    0: 'Every process serves by the new configuration.',
    1: 'The old one is in force, and why; or no router can be asked.'
  },

  async run (args, io) {
    const { values } = readArguments(args, CONFIG_OPTION)
    const { admin } = await loadConfig(values.config, io)
    const response = await adminFetch(admin, '/-/reload', { method: 'POST' })
    const answer = await response.json().catch(() => null) as ReloadAnswer | null
    if (answer === null || (answer.result !== 'success' && answer.result !== 'failure')) throw new CommandError(refusal(admin, response, answer))
    if (answer.result === 'failure') throw new CommandError([...answer.faults, 'Not reloaded; the old configuration is in force.'].join('\n'))
    io.stdout.write(`Reloaded. ${answer.message}\n`)
    return 0
  }
}
