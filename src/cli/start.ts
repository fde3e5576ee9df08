/** `mirror-router start`: runs until a signal, then finishes what is under way. */
import { createAdminServer } from '../admin/server.ts'
import { createMetricsRenderer } from '../admin/render-metrics.ts'
import { createApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import { formatFault } from '../config/fault.ts'
import { configWarnings } from '../config/warnings.ts'
import { createLogger } from '../log/logger.ts'
import { createFdWriter } from '../log/access-log-writer.ts'
import { ListenError, reservePorts } from '../process/reserve-ports.ts'
import { prepareSpool } from '../process/prepare-spool.ts'
import { singleProcess } from '../process/single.ts'
import { createSupervisor } from '../process/supervisor.ts'
import type { WorkerPool } from '../process/worker-pool.ts'
import { SpoolFormatError } from '../spool/store.ts'
import { CONFIG_OPTION, readArguments, type Command } from './command.ts'
import { findConfigFile, loadConfigFile } from '../config/config-file.ts'

/** How long requests and deliveries under way may take after the signal. */
const STOP_DEADLINE_MS = 30_000

export const start: Command = {
  name: 'start',
  summary: 'Run the router.',
  usage: 'start [--config FILE]',
  options: CONFIG_OPTION,
  details: 'SIGTERM, SIGINT and SIGQUIT stop it: requests under way are finished first, for up to 30 s.',

  async run (args, io) {
    const { values } = readArguments(args, CONFIG_OPTION)
    const file = findConfigFile({ given: values.config, env: io.env, cwd: io.cwd })
    const loaded = await loadConfigFile(file, io.env)
    if (loaded.faults !== undefined) {
      for (const fault of loaded.faults) io.stderr.write(`${formatFault(fault)}\n`)
      return 1
    }
    try {
      await serve(await reservePorts(loaded.config))
      return 0
    } catch (error) {
      if (!(error instanceof ListenError || error instanceof SpoolFormatError)) throw error
      io.stderr.write(`mirror-router: ${error.message}\n`)
      return 1
    }
  }
}

/** Resolves when a signal has stopped it. */
async function serve (config: Config): Promise<void> {
  const logger = createLogger(config.log.level, process.stderr.isTTY)
  const { log } = logger
  const renderer = createMetricsRenderer()
  const foundPartitions = config.mirror === null ? [] : await prepareSpool(config.spool.path, log)
  const pool: WorkerPool = config.workers === 1
    ? singleProcess(createApp({ config, log, reusePort: false, writeAccessLog: createFdWriter(process.stdout.fd), partition: 1 }), renderer, foundPartitions)
    : createSupervisor({ config, log, renderer, foundPartitions })
  const admin = createAdminServer({
    ...config.admin,
    readiness: () => pool.readiness(),
    metrics: { contentType: renderer.contentType, render: () => pool.metrics() }
  })

  for (const warning of configWarnings(config)) log.warn(warning)

  const stopped = nextSignal()
  try {
    await admin.listen()
  } catch (error) {
    throw new ListenError(`cannot listen on ${config.admin.host} port ${config.admin.port} (admin): ${String(error)}`, { cause: error })
  }
  await pool.start()
  log.info({
    file: config.file,
    listeners: config.listeners.map(({ host, port }) => ({ host, port })),
    admin: { host: config.admin.host, port: admin.port() },
    workers: config.workers,
    endpoint: config.mirror?.endpoint.host ?? 'off'
  }, 'listening')

  const signal = await stopped
  log.info({ signal }, 'stopping')
  await pool.stop(STOP_DEADLINE_MS)
  await admin.close()
  log.info('stopped')
  logger.flush()
}

function nextSignal (): Promise<string> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, () => { resolve(signal) })
  })
}
