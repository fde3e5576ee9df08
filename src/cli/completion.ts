/** `completion`: makes a shell complete command lines of this program. */
import { readArguments, UsageError, type Command } from './command.ts'
import { COMMANDS } from './commands.ts'
import { SHELLS, type Completed, type Shell } from './completion-scripts.ts'

const NAMES = Object.keys(SHELLS) as Shell[]

export const completion: Command = {
  name: 'completion',
  summary: 'Print what makes a shell complete command lines of this program.',
  usage: 'completion bash|zsh|fish',
  details: 'Commands, their options, the verbs of spool and names of files are completed. Print it anew after an update of the program.',
  examples: [
    { line: 'completion bash > /etc/bash_completion.d/mirror-router', does: 'For every new bash.' },
    { line: 'completion zsh > "${fpath[1]}/_mirror-router"', does: 'For every new zsh.' },
    { line: 'completion fish > ~/.config/fish/completions/mirror-router.fish', does: 'For every new fish.' }
  ],
  exitCodes: { 0: 'It is printed.' },
  completes: NAMES,

  async run (args, io) {
    const { positionals: [word = ''] } = readArguments(args, {}, ['bash|zsh|fish'])
    const shell = NAMES.find(name => name === word)
    if (shell === undefined) throw new UsageError(`${word}: there is bash, zsh and fish`)
    io.stdout.write(SHELLS[shell](await completed()))
    return 0
  }
}

async function completed (): Promise<Completed[]> {
  const commands = await Promise.all(COMMANDS.map(async ({ aliases, load }) => {
    const { name, summary, options = {}, completes = [] } = await load()
    return { name, aliases, summary, options, completes }
  }))
  return [
    ...commands,
    { name: 'help', aliases: [], summary: 'Tell more about one command.', options: {}, completes: COMMANDS.map(({ name }) => name) }
  ]
}
