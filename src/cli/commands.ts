/**
 * The frame of the command line: finds the command, prints help, turns a wrong
 * command line into exit code 2. Commands are loaded when they are asked for, so that
 * `check` does not load what only `start` needs.
 */
import { readFileSync } from 'node:fs'
import { didYouMean } from '../config/suggest.ts'
import { CommandError, UsageError } from './command.ts'
import type { Command, CommandOption, Io } from './command.ts'

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
  { name: 'reload', aliases: [], summary: 'Make the running router take its configuration anew.', load: async () => (await import('./reload.ts')).reload },
  { name: 'spool', aliases: [], summary: 'List, show, replay or purge dead letters.', load: async () => (await import('./spool.ts')).spool },
  { name: 'report', aliases: [], summary: 'Show what was copied, what was delivered, and what is missing.', load: async () => (await import('./report.ts')).report },
  { name: 'demo', aliases: [], summary: 'Show the whole thing on this machine, with stand-ins and real traffic.', load: async () => (await import('./demo.ts')).demo }
]

const PROGRAM = 'mirror-router'
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
    io.stderr.write(overview())
    return 2
  }
  if (HELP.includes(word) || (word === 'help' && rest[0] === undefined)) {
    io.stdout.write(overview())
    return 0
  }
  if (word === '--version' || word === '-v') {
    io.stdout.write(`${PROGRAM} ${version()}\n`)
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
    throw new UsageError(`${error.message}\nusage: ${PROGRAM} ${command.usage}`)
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

function overview (): string {
  const rows = COMMANDS.map(({ name, summary }) => [name, summary] as const)
  return `usage: ${PROGRAM} COMMAND [OPTIONS]

Takes nginx's place in front of self-hosted Sentry and mirrors envelopes to Alibaba Cloud RUM.

${table(rows)}

${PROGRAM} help COMMAND tells more about one; ${PROGRAM} --version names the version.
`
}

function helpOf (command: Command): string {
  const options = Object.entries(command.options ?? {}).map(([name, option]) => [spell(name, option), option.description] as const)
  const parts = [`usage: ${PROGRAM} ${command.usage}`, command.summary]
  if (options.length > 0) parts.push(table(options))
  if (command.details !== undefined) parts.push(command.details.trim())
  return `${parts.join('\n\n')}\n`
}

function spell (name: string, { short, type, value }: CommandOption): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${type === 'string' ? ` ${value ?? 'VALUE'}` : ''}`
}

function table (rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`).join('\n')
}

function version (): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
