/** `status`: how is the running router? Once, or all the time. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AdminConfig } from '../config/config.ts'
import type { Status } from '../status/status.ts'
import { statusLines, type StatusLine } from '../status/text.ts'
import { adminJson } from './admin-client.ts'
import { CommandError, CONFIG_OPTION, loadConfig, readArguments, UsageError, type Command, type Io } from './command.ts'
import { colour, createScreen, type Screen } from './screen.ts'
import { printableJson } from '../printable.ts'

const OPTIONS = {
  watch: { type: 'boolean', short: 'w', description: 'Draw it anew every second until Ctrl-C; where no person is looking, print it whenever something changes.' },
  json: { type: 'boolean', description: 'Print one JSON object: what /status.json of the admin listener says.' },
  ...CONFIG_OPTION
} as const

const EVERY_MS = 1000
/** A router that takes longer to say how it is, is not well. */
const TIMEOUT_MS = 10_000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export const status: Command = {
  name: 'status',
  summary: 'Show how a running router is, once or all the time.',
  usage: 'status [--watch|--json] [--config FILE]',
  options: OPTIONS,
  details: 'Shows what the status page shows: what is not in order and what to do about it; the endpoint, the spool and each project; dead letters; requests and errors by route and upstream; the configuration in force. Asks the running router that --config belongs to.',
  examples: [
    { line: 'status', does: 'Is everything in order?' },
    { line: 'status --watch', does: 'The same, all the time.' },
    { line: 'status --json | jq .mirror.endpoint', does: 'For programs.' }
  ],
  exitCodes: {
    0: 'All is well, or there are warnings only.',
    1: 'Copies or requests fail, or are lost; or no router can be asked.'
  },

  async run (args, io) {
    const { values } = readArguments(args, OPTIONS)
    if (values.watch === true && values.json === true) throw new UsageError('only one of --watch and --json can be had at a time; /events of the admin listener has both')
    const { admin } = await loadConfig(values.config, io)
    if (values.watch === true) return await watchUntilSignal(admin, io)

    const now = await ask(admin)
    io.stdout.write(values.json === true ? printableJson(now) : blockOf(statusLines(now), io))
    return now.headline.level === 'trouble' ? 1 : 0
  }
}

async function watchUntilSignal (admin: AdminConfig, io: Io): Promise<number> {
  const stop = new AbortController()
  const onSignal = (): void => { stop.abort() }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    await watch({ admin, io, signal: stop.signal, everyMs: EVERY_MS })
    return 0
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}

export interface WatchOptions {
  readonly admin: AdminConfig
  readonly io: Pick<Io, 'stdout' | 'env'>
  /** Ends it. */
  readonly signal: AbortSignal
  readonly everyMs: number
}

/** Until the signal. A router that is away is waited for: it may be restarting. */
export async function watch ({ admin, io, signal, everyMs }: WatchOptions): Promise<void> {
  const screen = io.stdout.isTTY === true && io.env['TERM'] !== 'dumb' ? createScreen(io.stdout) : null
  let last = ''
  try {
    while (!signal.aborted) {
      const { lines, state } = await look(admin, signal)
      if (signal.aborted) break
      if (screen !== null) draw(screen, lines, io)
      else if (state !== last) io.stdout.write(`${new Date().toISOString()}\n${blockOf(lines, io)}\n`)
      last = state
      await sleep(everyMs, undefined, { signal }).catch(() => {})
    }
  } finally {
    screen?.close()
  }
}

function draw (screen: Screen, lines: readonly StatusLine[], { env }: Pick<Io, 'env'>): void {
  screen.draw([...lines, { text: '', kind: 'plain' }, { text: `${new Date().toLocaleTimeString('en-GB')}, every second; Ctrl-C ends it`, kind: 'quiet' }], !hasColour(env) ? (text => text) : (text, kind) => colour(text, kind))
}

/** `state`: what a person would call a change; numbers and times alone are none. */
async function look (admin: AdminConfig, signal: AbortSignal): Promise<{ lines: readonly StatusLine[], state: string }> {
  try {
    const now = await ask(admin, signal)
    return { lines: statusLines(now), state: stateOf(now) }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return { lines: [{ text: error.message, kind: 'trouble' }], state: error.message }
  }
}

function stateOf ({ readiness, headline, findings, mirror, spool, traffic, deadLetters, config, startedAt }: Status): string {
  return JSON.stringify([
    readiness, headline.level, findings.length, startedAt, config.loadedAt, config.lastReload?.result, spool?.works, mirror?.endpoint.state,
    mirror?.projects.map(({ project, state }) => [project, state]),
    traffic.upstreams.map(({ name, state }) => [name, state]),
    deadLetters.map(({ project, reason }) => `${project} ${reason}`).toSorted((a, b) => a < b ? -1 : 1)
  ])
}

/** @throws {CommandError} */
async function ask (admin: AdminConfig, signal?: AbortSignal): Promise<Status> {
  return await adminJson(admin, '/status.json', { timeoutMs: TIMEOUT_MS, ...signal !== undefined && { signal } }) as Status
}

function blockOf (lines: readonly StatusLine[], { stdout, env }: Pick<Io, 'stdout' | 'env'>): string {
  const coloured = stdout.isTTY === true && hasColour(env)
  return lines.map(({ text, kind }) => `${coloured ? colour(text, kind) : text}\n`).join('')
}

/** See no-color.org. */
function hasColour (env: Io['env']): boolean {
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}
