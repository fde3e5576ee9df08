/** What a command is, and how it reads its arguments. `commands.ts` lists them all. */
import { parseArgs } from 'node:util'
import type { Config } from '../config/config.ts'
import { findConfigFile, loadConfigFile } from '../config/config-file.ts'
import { formatFault } from '../config/fault.ts'
import { didYouMean } from '../config/suggest.ts'

export interface Output {
  write (text: string): unknown
  /** Whether a person is looking. */
  readonly isTTY?: boolean
  /** Of the terminal; they change with its window. */
  readonly columns?: number
  readonly rows?: number
}

/** The process around a command. Nothing below `main.ts` reaches for its own. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** May be given more than once. */
  readonly multiple?: boolean
  /** What the value is, in the help: `FILE`. */
  readonly value?: string
  readonly description: string
}

export type CommandOptions = Readonly<Record<string, CommandOption>>

export interface Example {
  /** What follows the program's name. */
  readonly line: string
  /** A sentence. */
  readonly does: string
}

export interface Command {
  readonly name: string
  /** One line, in the overview and at the head of the command's help. */
  readonly summary: string
  /** What follows the program's name: `check [--config FILE]`. */
  readonly usage: string
  readonly options?: CommandOptions
  /** Printed below the options of the command's help. Indented lines stay as they are, others are wrapped. */
  readonly details?: string
  /** At least one. */
  readonly examples: readonly Example[]
  /** What they mean, by code; 2 is the frame's. */
  readonly exitCodes: Readonly<Record<number, string>>
  /** What its first argument may be, for completion: one of these words, or a file. */
  readonly completes?: readonly string[] | 'files'
  /**
   * @param args - What follows the command's name.
   * @returns The exit code.
   * @throws {UsageError} When the arguments make no sense; the frame prints it.
   * @throws {CommandError} When it cannot do its work; the frame prints it.
   */
  run (args: readonly string[], io: Io): Promise<number>
}

/** What keeps a command from its work, and what to do about it, in words for who typed it; exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** The command line is wrong; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

type ValuesOf<O extends CommandOptions> = {
  readonly [K in keyof O]?: O[K] extends { multiple: true }
    ? readonly (O[K]['type'] extends 'boolean' ? boolean : string)[]
    : O[K]['type'] extends 'boolean' ? boolean : string
}

export interface Arguments<O extends CommandOptions> {
  readonly values: ValuesOf<O>
  readonly positionals: readonly string[]
}

/** `--config`, which every command that needs the configuration takes. */
export const CONFIG_OPTION = {
  config: {
    type: 'string',
    short: 'c',
    value: 'FILE',
    description: 'The configuration; a FILE ending in .conf is read as nginx.conf. Default: $MIRROR_ROUTER_CONFIG, /etc/mirror-router/router.yaml, /etc/nginx/nginx.conf, or the one shipped.'
  }
} as const satisfies CommandOptions

/**
 * The configuration that a command is about.
 *
 * @param given - Value of `--config`.
 * @throws {CommandError} With every fault, a line each.
 */
export async function loadConfig (given: string | undefined, { env, cwd }: Pick<Io, 'env' | 'cwd'>): Promise<Config> {
  const { config, faults } = await loadConfigFile(findConfigFile({ given, env, cwd }), env)
  if (faults !== undefined) throw new CommandError(faults.map(formatFault).join('\n'))
  return config
}

/**
 * Options and positionals of a command line, `--name value` or `--name=value`.
 *
 * @param positionals - Names of the arguments that must stand there, in order; a last
 *   name ending in `…` takes any number.
 * @throws {UsageError}
 */
export function readArguments<const O extends CommandOptions> (args: readonly string[], options: O, positionals: readonly string[] = []): Arguments<O> {
  const parsed = parse(args, options)
  const open = positionals.at(-1)?.endsWith('…') ?? false
  const needed = open ? positionals.length - 1 : positionals.length
  const missing = positionals.slice(0, needed)[parsed.positionals.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing`)
  const extra = open ? undefined : parsed.positionals[needed]
  if (extra !== undefined) throw new UsageError(`${extra}: one argument too many`)
  return { values: parsed.values, positionals: parsed.positionals }
}

function parse (args: readonly string[], options: CommandOptions): { values: object, positionals: string[] } {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (option === undefined) throw new UsageError(`${token.rawName}: unknown option${suggest(token.rawName, options)}`)
    const takesNext = token.value?.startsWith('-') === true && token.inlineValue === false
    if (option.type === 'string' && (token.value === undefined || takesNext)) throw new UsageError(`${token.rawName}: ${option.value ?? 'a value'} is missing`)
    if (option.type === 'boolean' && token.value !== undefined) throw new UsageError(`${token.rawName}: takes no value`)
  }
  return parseArgs({ args: [...args], options, allowPositionals: true })
}

function suggest (rawName: string, options: CommandOptions): string {
  if (!rawName.startsWith('--')) return ''
  return didYouMean(rawName, ['--help', ...Object.keys(options).map(name => `--${name}`)])
}
