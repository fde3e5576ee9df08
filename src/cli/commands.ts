/**
 * The frame of the command line: finds the command, prints help, turns a wrong
 * command line into exit code 2. Commands are loaded when they are asked for, so that
 * `check` does not load what only `start` needs.
 */
import { didYouMean } from '../config/suggest.ts'
import { CommandError, UsageError } from './command.ts'
import type { Command, Io } from './command.ts'
import { helpOf, overview, PROGRAM } from './help.ts'
import { VERSION } from '../version.ts'

interface CommandEntry {
  readonly name: string
  readonly aliases: readonly string[]
  /** The same as in the command itself. */
  readonly summary: string
  readonly load: () => Promise<Command>
}

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'start', aliases: [], summary: 'Run the router.', load: async () => (await import('./start.ts')).start },
  { name: 'check', aliases: ['-t'], summary: 'Check a configuration and name every fault in it.', load: async () => (await import('./check.ts')).check },
  { name: 'explain', aliases: [], summary: 'Show what would be done with a request.', load: async () => (await import('./explain.ts')).explain },
  { name: 'import-nginx', aliases: [], summary: 'Turn an nginx.conf into a router.yaml.', load: async () => (await import('./import-nginx.ts')).importNginx },
  { name: 'status', aliases: [], summary: 'Show how a running router is, once or all the time.', load: async () => (await import('./status.ts')).status },
  { name: 'reload', aliases: [], summary: 'Make the running router take its configuration anew.', load: async () => (await import('./reload.ts')).reload },
  { name: 'spool', aliases: [], summary: 'List, show, replay or purge dead letters.', load: async () => (await import('./spool.ts')).spool },
  { name: 'report', aliases: [], summary: 'Show what was copied, what was delivered, and what is missing.', load: async () => (await import('./report.ts')).report },
  { name: 'doctor', aliases: [], summary: 'Look at the whole chain, and say what to do about each fault.', load: async () => (await import('./doctor.ts')).doctor },
  { name: 'demo', aliases: [], summary: 'Show the whole thing on this machine, with stand-ins and real traffic.', load: async () => (await import('./demo.ts')).demo },
  { name: 'completion', aliases: [], summary: 'Print what makes a shell complete command lines of this program.', load: async () => (await import('./completion.ts')).completion }
]

const HELP = ['--help', '-h']

/** @returns The exit code: the command's own, or 2 when the command line is wrong. */
export async function runCommandLine (args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io)
  } catch (error) {
    if (error instanceof CommandError) {
      io.stderr.write(`${error.message}\n`)
      return 1
    }
    if (!(error instanceof UsageError)) throw error
    io.stderr.write(`${PROGRAM}: ${error.message}\n`)
    return 2
  }
}

async function dispatch ([word, ...rest]: readonly string[], io: Io): Promise<number> {
  if (word === undefined) {
    io.stderr.write(overview(COMMANDS))
    return 2
  }
  if (HELP.includes(word) || (word === 'help' && rest[0] === undefined)) {
    io.stdout.write(overview(COMMANDS))
    return 0
  }
  if (word === '--version' || word === '-v') {
    io.stdout.write(`${PROGRAM} ${VERSION}\n`)
    return 0
  }

  const asksHelp = word === 'help' || rest.slice(0, endOfOptions(rest)).some(arg => HELP.includes(arg))
  const command = await find(word === 'help' ? rest[0] ?? '' : word)
  if (asksHelp) {
    io.stdout.write(helpOf(command))
    return 0
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(`${error.message}\nusage: ${PROGRAM} ${command.usage}\n${PROGRAM} help ${command.name} tells more`)
  }
}

async function find (word: string): Promise<Command> {
  const entry = COMMANDS.find(({ name, aliases }) => name === word || aliases.includes(word))
  if (entry !== undefined) return await entry.load()
  const kind = word.startsWith('-') ? 'option' : 'command'
  const known = kind === 'option' ? ['--help', '--version'] : COMMANDS.map(({ name }) => name)
  throw new UsageError(`${word}: unknown ${kind}${didYouMean(word, known) || `; see ${PROGRAM} --help`}`)
}

function endOfOptions (args: readonly string[]): number {
  const end = args.indexOf('--')
  return end === -1 ? args.length : end
}
