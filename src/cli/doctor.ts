/** `doctor`: looks at the whole chain, and says what to do about what is wrong. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { text as readStream } from 'node:stream/consumers'
import { findConfigFile } from '../config/config-file.ts'
import { examine, type EnvSource } from '../doctor/examine.ts'
import { findingLines, isFaulty } from '../doctor/render.ts'
import { CONFIG_OPTION, readArguments, UsageError, type Command, type Io } from './command.ts'
import { printableJson } from '../printable.ts'
import { colour } from './screen.ts'

const OPTIONS = {
  'env-file': { type: 'string', value: 'FILE', description: 'The .env of self-hosted Sentry, with the SLS_* variables. Default: .env, where there is one.' },
  // Not --env-file -: Node reads that option too, wherever it stands, and knows no "-".
  'env-stdin': { type: 'boolean', description: 'Read the .env from stdin: from outside a container, which has none.' },
  json: { type: 'boolean', description: 'Print one JSON object: { ok, checks: [{ check, state, words, advice }] }.' },
  ...CONFIG_OPTION
} as const

const STDIN: EnvSource = { name: 'stdin', path: null, read: () => readStream(process.stdin) }

export const doctor: Command = {
  name: 'doctor',
  summary: 'Look at the whole chain, and say what to do about each fault.',
  usage: 'doctor [--env-file FILE|--env-stdin] [--json] [--config FILE]',
  options: OPTIONS,
  details: [
    'One line for each check: ✓ well, ! look at this, ✗ a fault and what to do, – not looked at. Run it where the router runs: names and ports are those of that place.',
    '',
    'It changes nothing. It asks the health pages of Relay and Sentry, a running router for its state, SLS for the settings of the logstore, and sends the endpoint one envelope without items for each service. No secret is printed.'
  ].join('\n'),
  examples: [
    { line: 'doctor', does: 'With the configuration that is found.' },
    { line: 'doctor --config router.yaml --env-file .env', does: 'With these files.' },
    { line: 'doctor --env-stdin < .env', does: 'In a container, after docker compose exec -T nginx: with the .env outside.' },
    { line: "doctor --json | jq '.checks[] | select(.state == \"fault\")'", does: 'The faults alone, for programs.' }
  ],
  exitCodes: {
    0: 'No fault; there may be warnings.',
    1: 'A fault, or several.'
  },

  async run (args, io) {
    const { values } = readArguments(args, OPTIONS)
    if (values['env-stdin'] === true && values['env-file'] !== undefined) throw new UsageError('only one of --env-file and --env-stdin can be had at a time')
    const file = findConfigFile({ given: values.config, env: io.env, cwd: io.cwd })
    const findings = await examine({ file, nameOf: path => nameOf(path, io), env: io.env, envFile: values['env-stdin'] === true ? STDIN : findEnvFile(values['env-file'], io) })
    if (values.json === true) io.stdout.write(printableJson({ ok: !isFaulty(findings), checks: findings }))
    else io.stdout.write(findingLines(findings).map(({ text, kind }) => `${hasColour(io) ? colour(text, kind) : text}\n`).join(''))
    return isFaulty(findings) ? 1 : 0
  }
}

/** One that was named is looked for nowhere else, and by itself only where it is. */
function findEnvFile (given: string | undefined, io: Io): EnvSource | null {
  const path = resolve(io.cwd, given ?? '.env')
  return given === undefined && !existsSync(path) ? null : { name: nameOf(path, io), path, read: () => readFile(path, 'utf8') }
}

/** Relative where it is below, so that lines stay short. */
function nameOf (path: string, { cwd }: Pick<Io, 'cwd'>): string {
  const short = relative(cwd, path)
  return short === '' || short.startsWith('..') || short.length > path.length ? path : short
}

/** See no-color.org. */
function hasColour ({ stdout, env }: Pick<Io, 'stdout' | 'env'>): boolean {
  return stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}
