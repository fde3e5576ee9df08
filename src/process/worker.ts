/** One of several processes; the supervisor starts it and tells it what to do. */
import { createApp, type App } from '../app.ts'
import { createLogger, type ClosableLogger } from '../log/logger.ts'
import { createFdWriter } from '../log/access-log-writer.ts'
import { createSteadyNow } from '../mirror/clock.ts'
import { unpackConfig, type CarriedConfig } from './carry-config.ts'
import { giveBackMemory, tuneGarbageCollection } from './garbage-collection.ts'
import { logLastWords } from './last-words.ts'
import type { FromWorker, ToWorker } from './messages.ts'

/** How much of its counters a worker that is killed may take with it. */
const REPORT_INTERVAL_MS = 500

let app: App | null = null
let logger: ClosableLogger | null = null

process.on('message', (message: ToWorker) => { void receive(message) })
// The supervisor is gone: nobody will replace or stop this process.
process.on('disconnect', () => { void stop(0) })
// Signals to the whole group are the supervisor's to act on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) process.on(signal, () => {})

async function receive (message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'start':
      await start(message)
      break
    case 'report':
      await report(message.request)
      break
    case 'apply':
      await tell({ type: 'applied', request: message.request, fault: apply(message.config) })
      break
    case 'adopt':
      app?.adopt(message.partitions)
      break
    case 'poll':
      app?.poll()
      break
    case 'stop':
      await stop(message.deadlineMs)
      break
  }
}

async function start ({ config: carried, partition, clockZeroMs }: Extract<ToWorker, { type: 'start' }>): Promise<void> {
  tuneGarbageCollection()
  const config = unpackConfig(carried)
  logger = createLogger(config, process.stderr.isTTY)
  logLastWords(logger)
  try {
    app = createApp({ config, log: logger.log, onOutage: event => { void tell({ type: 'outage', event }) }, reusePort: true, partition, steadyNow: createSteadyNow(clockZeroMs), writeAccessLog: createFdWriter(process.stdout.fd) })
    giveBackMemory()
    await app.listen()
  } catch (error) {
    await fail(String(error))
    return
  }
  setInterval(() => { void report(null) }, REPORT_INTERVAL_MS).unref()
  void tell({ type: 'ready' })
}

/** @returns Why it is not in force, or `null`. */
function apply (carried: CarriedConfig): string | null {
  try {
    const config = unpackConfig(carried)
    logger?.hide(config)
    app?.apply(config)
    return null
  } catch (error) {
    return String(error)
  }
}

async function fail (message: string): Promise<void> {
  await tell({ type: 'failed', message })
  process.exit(1)
}

async function stop (deadlineMs: number): Promise<void> {
  await app?.close(deadlineMs)
  if (process.connected) await report(null)
  process.exit(0)
}

async function report (request: number | null): Promise<void> {
  if (app !== null) await tell({ type: 'report', request, report: app.report() })
}

/** Resolves once the message is out, or cannot be sent. */
function tell (message: FromWorker): Promise<void> {
  return new Promise(resolve => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, undefined, undefined, () => { resolve() })
  })
}
