/**
 * The composition root of the whole program: the processes that serve, the spool as
 * operators see it, and the admin listener in front of both.
 */
import type { Logger } from 'pino'
import { registerDeadLetterRoutes } from '../admin/dead-letter-routes.ts'
import { createDeepHealth } from '../admin/deep-health.ts'
import { createProber } from '../admin/probe.ts'
import { createMetricsRenderer } from '../admin/render-metrics.ts'
import { registerPageRoutes } from '../admin/page-route.ts'
import { registerNothingMirroredRoutes } from '../admin/nothing-mirrored-routes.ts'
import { registerReloadRoute } from '../admin/reload-route.ts'
import { registerReportRoutes } from '../admin/report-route.ts'
import { createAdminServer } from '../admin/server.ts'
import { registerStatusRoutes } from '../admin/status-routes.ts'
import { createApp } from '../app.ts'
import type { Config } from '../config/config.ts'
import { importedWords } from '../config/imported.ts'
import { configWarnings } from '../config/warnings.ts'
import { createFdWriter } from '../log/access-log-writer.ts'
import type { ClosableLogger } from '../log/logger.ts'
import { loadAssets } from '../page/assets.ts'
import { clockZeroNow, createSteadyNow } from '../mirror/clock.ts'
import { logOutage } from '../mirror/outage-log.ts'
import { createReloader } from '../reload/reloader.ts'
import type { Source } from '../reload/source.ts'
import { watchFiles } from '../reload/watch.ts'
import { reportLastDay } from '../report/collect.ts'
import { createReportSource } from '../report/spool-source.ts'
import { openSpoolReader, type SpoolReader } from '../spool/spool-reader.ts'
import { createStatusSource } from '../status/source.ts'
import { VERSION } from '../version.ts'
import { giveBackMemory, tuneGarbageCollection } from './garbage-collection.ts'
import { openFilesWarnings, readOpenFilesLimit } from './open-files.ts'
import { prepareSpool } from './prepare-spool.ts'
import { ListenError, listenError, reservePorts } from './reserve-ports.ts'
import { singleProcess } from './single.ts'
import { lookAround, surroundingsWarnings } from './surroundings.ts'
import { createSupervisor } from './supervisor.ts'
import type { WorkerPool } from './worker-pool.ts'

/** How long requests and deliveries under way may take after the signal. */
const STOP_DEADLINE_MS = 30_000

/** Workers of a supervisor that was killed finish what they had begun: by then they are gone, and what they left is found. */
const TAKE_OVER_MS = 10_000

const now = (): number => Date.now()

export interface ServeOptions {
  /** Where a reload finds the configuration. */
  readonly source: Source
  readonly logger: ClosableLogger
}

/**
 * Runs until a signal has stopped it.
 *
 * @param loaded - What the source held at the start.
 * @throws {ListenError}
 * @throws {SpoolFormatError}
 */
export async function serve (loaded: Config, { source, logger }: ServeOptions): Promise<void> {
  const { log } = logger
  tuneGarbageCollection()
  const config = await reservePorts(loaded)
  const renderer = createMetricsRenderer()
  const foundPartitions = config.mirror === null ? [] : await prepareSpool(config.spool.path, log)
  const clockZeroMs = clockZeroNow()
  const steadyNow = createSteadyNow(clockZeroMs)
  const app = config.workers === 1 ? createApp({ config, log, onOutage: event => { logOutage(log, event) }, reusePort: false, writeAccessLog: createFdWriter(process.stdout.fd), partition: 1, steadyNow }) : null
  const reader = config.mirror === null ? null : openSpoolReader(config.spool.path, { now: steadyNow, ...app !== null && { shared: app.spoolEnvironment } })
  const pool = app === null ? createSupervisor({ config, log, renderer, foundPartitions, recoverSpool: () => { reader?.recover(log) }, clockZeroMs }) : singleProcess(app, foundPartitions)
  const reloader = createReloader({ source, loaded, running: config, apply, count: result => { pool.reloads.reloaded(result) }, log, now })
  process.on('SIGHUP', () => { void reloader.reload() })
  const admin = createAdminServer({
    ...config.admin,
    access: () => reloader.config().admin,
    readiness: () => pool.readiness(),
    deepHealth: createDeepHealth({ reloader, pool, probe: createProber({ now }), now }),
    metrics: { contentType: renderer.contentType, render: async () => renderer.render((await pool.report()).metrics) }
  })
  registerReloadRoute(admin.app, reloader)
  if (reader === null) registerNothingMirroredRoutes(admin.app)
  else {
    registerDeadLetterRoutes(admin.app, { deadLetters: reader.deadLetters, pending: reader.pending, onReplayed: projects => { pool.replayed(projects) }, now: steadyNow })
    registerReportRoutes(admin.app, { source: createReportSource(reader), now })
  }

  const status = createStatusSource({ version: VERSION, readiness: () => pool.readiness(), report: () => pool.report(), total: snapshots => renderer.total(snapshots), spool: reader, reloader, now })
  registerStatusRoutes(admin.app, status)
  registerPageRoutes(admin.app, { loadAssets, source: status, report: async () => reader === null ? null : await reportLastDay(createReportSource(reader), now()) })

  async function apply (next: Config): Promise<void> {
    logger.hide(next)
    await pool.apply(next)
  }

  // A warning, for an imported file seldom lets through what is less.
  for (const warning of [importedWords(config) ?? [], configWarnings(config), surroundingsWarnings(config, lookAround(config)), openFilesWarnings(config, readOpenFilesLimit())].flat()) log.warn(warning)
  const stopped = nextSignal()
  try {
    await admin.listen()
  } catch (error) {
    throw listenError(config.admin, 'admin', error)
  }
  log.debug({ routes: admin.routes }, 'routes of the admin listener')
  giveBackMemory()
  await pool.start().catch((error: unknown) => {
    throw new ListenError(`the processes cannot start: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  })
  pool.reloads.configured()
  status.start()
  const takeOver = setTimeout(() => { takeOverWhatIsLeft(pool, reader, log) }, TAKE_OVER_MS)
  const unwatch = watchFiles(source, reloader)
  log.info({
    file: config.file,
    listeners: config.listeners.map(({ host, port }) => ({ host, port })),
    admin: { host: config.admin.host, port: admin.port() },
    workers: config.workers,
    endpoint: config.mirror?.endpoint.host ?? 'off'
  }, 'listening')

  const signal = await stopped
  log.info({ signal }, 'stopping')
  unwatch()
  clearTimeout(takeOver)
  await pool.stop(STOP_DEADLINE_MS)
  await admin.close()
  await status.close()
  await reader?.close()
  log.info('stopped')
}

function takeOverWhatIsLeft (pool: WorkerPool, reader: SpoolReader | null, log: Logger): void {
  try {
    reader?.recover(log)
    pool.adopt(reader?.partitions() ?? [])
  } catch (error) {
    log.warn({ error: String(error) }, 'The spool cannot be looked into; what workers of an earlier run left there in their last moments is delivered after the next start.')
  }
}

function nextSignal (): Promise<string> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, () => { resolve(signal) })
  })
}
