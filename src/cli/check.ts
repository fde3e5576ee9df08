/** `check`: is this configuration right, and what is in force with it? */
import { relative } from 'node:path'
import type { Config } from '../config/config.ts'
import { formatFault } from '../config/fault.ts'
import { configWarnings } from '../config/warnings.ts'
import { CONFIG_OPTION, readArguments } from './command.ts'
import type { Command } from './command.ts'
import { findConfigFile, loadConfigFile } from '../config/config-file.ts'

export const check: Command = {
  name: 'check',
  summary: 'Check a configuration and name every fault in it.',
  usage: 'check [--config FILE]',
  options: CONFIG_OPTION,
  details: 'Reads the file and what it names, and asks nobody else: no port is opened, nothing is sent.',
  examples: [
    { line: 'check', does: 'Check the configuration that is found.' },
    { line: 'check --config router.yaml', does: 'Check this one.' },
    { line: '-t --config nginx.conf', does: 'The same for an nginx.conf, in the words of nginx.' }
  ],
  exitCodes: {
    0: 'Right; one line says what is in force. There may be warnings.',
    1: 'Faults, each as file:line:column: what is wrong; what to write.'
  },

  async run (args, io) {
    const { values } = readArguments(args, CONFIG_OPTION)
    const file = findConfigFile({ given: values.config, env: io.env, cwd: io.cwd })
    const name = shorten(file, io.cwd)
    const loaded = await loadConfigFile(file, io.env)

    if (loaded.faults) {
      for (const fault of loaded.faults) io.stderr.write(`${formatFault({ ...fault, file: shorten(fault.file, io.cwd) })}\n`)
      return 1
    }
    for (const warning of configWarnings(loaded.config)) io.stderr.write(`${name}: warning: ${warning}\n`)
    io.stdout.write(`${name}: ok: ${describe(loaded.config)}\n`)
    return 0
  }
}

/** The configuration in one line, without its secrets. */
export function describe (config: Config): string {
  const listeners = config.listeners.map(({ host, port, ui }) => `${host.includes(':') ? `[${host}]` : host}:${port} (ui: ${ui})`)
  return [
    `listens on ${listeners.join(', ')}`,
    `upstreams ${Object.keys(config.upstreams).join(', ')}`,
    count(config.routes.length, 'route'),
    describeMirror(config)
  ].join('; ')
}

function describeMirror ({ mirror }: Config): string {
  if (mirror === null) return 'no mirror'
  const mapped = [...mirror.projects.values()].filter(path => path !== null).length
  const others = mirror.default === null ? 'others off' : 'others by default'
  return `mirror to ${mirror.endpoint.host}, ${count(mapped, 'project')} mapped, ${others}`
}

function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Relative where that is shorter, so that a terminal's links stay readable. */
function shorten (file: string, cwd: string): string {
  const short = relative(cwd, file)
  return short !== '' && short.length < file.length && !short.startsWith('..') ? short : file
}
