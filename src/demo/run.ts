/**
 * The demo from end to end: stand-ins, a router of its own in front of them, traffic
 * from the Sentry SDK through it, and a table of who has seen what.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts, readMetrics, removeFolder, startRouterProcess, sumMetric, type RouterProcess } from './router-process.ts'
import { startEndpoint, startRelay, startUi } from './stand-ins.ts'
import { renderLine, renderTable, type TableRow } from './table.ts'
import { createTally, type DemoProject, type Tally } from './tally.ts'
import { loadSdk, REQUESTS_PER_ROUND, startTraffic, type Traffic } from './traffic.ts'

export interface DemoOptions {
  /** Send a fixed number of events, compare both ends, and end. Otherwise: until `signal`. */
  readonly once: boolean
  /** Whether the output is a terminal, on which the table is drawn in place. */
  readonly terminal: boolean
  readonly write: (text: string) => void
  readonly signal: AbortSignal
}

interface Stage {
  readonly router: RouterProcess
  readonly traffic: Traffic
  readonly tally: Tally
  readonly adminPort: number
  /** Aborted by the user, or because the router is gone. */
  readonly signal: AbortSignal
  readonly options: DemoOptions
}

const PROJECTS: readonly DemoProject[] = [
  { id: '1', mirrorPath: '/rum/sentry/demo/shop' },
  { id: '2', mirrorPath: '/rum/sentry/demo/billing' },
  { id: '3', mirrorPath: null }
]

const ONCE_ROUNDS = 20
const ONCE_PAUSE_MS = 50
const ONCE_TIMEOUT_MS = 30_000
const ROUND_PAUSE_MS = 1000
/** A line per so many rounds where there is no terminal. */
const ROUNDS_PER_LINE = 5

/**
 * @returns The exit code: 1 when something that was sent is missing at either end
 *   (`once`), when the router ended by itself, or when there is no SDK; otherwise 0.
 */
export async function runDemo (options: DemoOptions): Promise<number> {
  const sdk = await loadSdk()
  if (sdk === null) {
    options.write('The demo sends with the real Sentry SDK, @sentry/node, which is not installed: run npm install with development dependencies.\n')
    return 1
  }

  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(await mkdtemp(join(tmpdir(), 'mirror-router-demo-')), removeFolder)
  const tally = createTally(PROJECTS)
  const [relay, endpoint, web, webRum] = await Promise.all([
    startRelay(tally.atRelay), startEndpoint(tally.atEndpoint), startUi('web'), startUi('web-rum')
  ])
  for (const standIn of [relay, endpoint, web, webRum]) stack.defer(() => standIn.close())

  const [port = 0, rumPort = 0, adminPort = 0] = await freePorts(3)
  options.write('Starting stand-ins for relay, web, web-rum and the RUM endpoint, and the router …\n')
  const router = await startRouterProcess({
    listeners: [
      { port, host: '127.0.0.1', ui: 'web' },
      { port: rumPort, host: '127.0.0.1', ui: 'web-rum' }
    ],
    upstreams: {
      relay: { servers: [`127.0.0.1:${relay.port}`] },
      web: { servers: [`127.0.0.1:${web.port}`] },
      'web-rum': { servers: [`127.0.0.1:${webRum.port}`] }
    },
    mirror: {
      endpoint: `http://127.0.0.1:${endpoint.port}`,
      default: 'off',
      projects: Object.fromEntries(PROJECTS.map(({ id, mirrorPath }) => [id, mirrorPath ?? 'off']))
    },
    spool: { path: join(folder, 'spool') },
    admin: { host: '127.0.0.1', port: adminPort },
    workers: 2,
    log: { access: 'off' }
  }, folder)
  stack.defer(async () => { await router.stop() })
  const gone = new AbortController()
  router.child.once('exit', () => { gone.abort() })

  const traffic = startTraffic(sdk, `http://127.0.0.1:${port}`, PROJECTS.map(({ id }) => id), tally.sent)
  stack.defer(() => traffic.close())

  options.write(`
  Sentry UI (web)          http://127.0.0.1:${port}/
  Sentry UI (web-rum)      http://127.0.0.1:${rumPort}/
  status page              http://127.0.0.1:${adminPort}/
  metrics                  http://127.0.0.1:${adminPort}/metrics

`)
  const stage = { router, traffic, tally, adminPort, options, signal: AbortSignal.any([options.signal, gone.signal]) }
  const code = options.once ? await sendOnce(stage) : await sendUntilStopped(stage)
  if (!gone.signal.aborted) return code
  options.write(`The router ended by itself. Its output:\n${router.output()}\n`)
  return 1
}

async function sendOnce (stage: Stage): Promise<number> {
  const { traffic, options, signal } = stage
  for (let round = 0; round < ONCE_ROUNDS && !signal.aborted; round++) {
    traffic.round()
    await pause(ONCE_PAUSE_MS, signal)
  }
  const deadline = Date.now() + ONCE_TIMEOUT_MS
  await traffic.flush(ONCE_TIMEOUT_MS)

  let missing = await whatIsMissing(stage)
  while (missing.length > 0 && Date.now() < deadline && !signal.aborted) {
    await pause(ONCE_PAUSE_MS, signal)
    missing = await whatIsMissing(stage)
  }

  options.write(renderTable(await tableRows(stage)).join('\n') + '\n\n')
  if (missing.length > 0) {
    options.write(`Missing after ${ONCE_TIMEOUT_MS / 1000} s:\n${missing.map(line => `  ${line}\n`).join('')}`)
    return 1
  }
  options.write('Every request arrived at relay and, unless its project is off, at the RUM endpoint, byte for byte.\n')
  return 0
}

async function sendUntilStopped (stage: Stage): Promise<number> {
  const { traffic, options, signal } = stage
  options.write('Ctrl-C stops everything and removes its files.\n\n')
  let drawnLines = 0

  for (let round = 0; !signal.aborted; round++) {
    traffic.round()
    await pause(ROUND_PAUSE_MS, signal)
    if (signal.aborted) break
    const rows = await tableRows(stage)
    if (options.terminal) {
      const lines = renderTable(rows)
      options.write(above(drawnLines) + lines.join('\n') + '\n')
      drawnLines = lines.length
    } else if (round % ROUNDS_PER_LINE === 0) {
      options.write(renderLine(rows) + '\n')
    }
  }

  options.write('\nStopping …\n')
  return 0
}

/** Moves the cursor up and clears what is below (ECMA-48 CUU, ED). */
function above (lines: number): string {
  return lines === 0 ? '' : `\u001b[${lines}A\u001b[0J`
}

async function whatIsMissing (stage: Stage): Promise<string[]> {
  const expected = ONCE_ROUNDS * REQUESTS_PER_ROUND
  const missing = stage.tally.missing()
  for (const row of await tableRows(stage)) {
    const delivered = row.mirrored ? row.sent : 0
    if (row.sent !== expected) missing.push(`project ${row.project}: the SDK made ${row.sent} of ${expected} requests`)
    if (row.delivered !== delivered) missing.push(`project ${row.project}: the router counts ${row.delivered} copies delivered, not ${delivered}`)
  }
  return missing
}

async function tableRows ({ tally, adminPort }: Stage): Promise<TableRow[]> {
  // Also drawn when the router has just gone: with zeros for what only it knew.
  const samples = await readMetrics(adminPort).catch(() => new Map<string, number>())
  return tally.rows().map(row => Object.assign(row, {
    delivered: sumMetric(samples, 'mirror_delivered_total', { project: row.project }),
    skipped: sumMetric(samples, 'mirror_skipped_total', { project: row.project })
  }))
}

async function pause (ms: number, signal: AbortSignal): Promise<void> {
  // Rejects when aborted; the callers look at the signal.
  await sleep(ms, undefined, { signal }).catch(() => {})
}
