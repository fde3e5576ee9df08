/** `demo`: the whole thing on one machine. What it does is in demo/run.ts. */
import { runDemo } from '../demo/run.ts'
import { readArguments, type Command, type CommandOptions } from './command.ts'

const OPTIONS = {
  once: { type: 'boolean', description: 'Send a fixed number of events, compare what arrived at relay and at RUM, and end.' }
} as const satisfies CommandOptions

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export const demo: Command = {
  name: 'demo',
  summary: 'Show the whole thing on this machine, with stand-ins and real traffic.',
  usage: 'demo [--once]',
  options: OPTIONS,
  details: `Starts stand-ins for relay, web, web-rum and the RUM endpoint, a router in front of them, and the real
Sentry SDK for three projects, one of which is not mirrored. Everything is on loopback, on free ports, in a
temporary folder, and gone after Ctrl-C.`,
  examples: [
    { line: 'demo', does: 'Watch it until Ctrl-C.' },
    { line: 'demo --once', does: 'Try it and be told whether all arrived.' }
  ],
  exitCodes: {
    0: 'With --once: every request the SDK made arrived at both ends byte for byte.',
    1: 'With --once: not so.'
  },

  async run (args, io) {
    const { values } = readArguments(args, OPTIONS)
    const stop = new AbortController()
    const onSignal = (): void => { stop.abort() }
    // Asked twice, or left by its terminal, it still stops in order: nothing it started may outlive it.
    for (const signal of SIGNALS) process.on(signal, onSignal)
    try {
      return await runDemo({
        once: values.once ?? false,
        terminal: io.stdout.isTTY ?? false,
        write: text => { io.stdout.write(text) },
        signal: stop.signal
      })
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal)
    }
  }
}
