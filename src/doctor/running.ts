/** Does a router run with this configuration, and how is it? */
import { adminFetch, adminOrigin, whyFetchFailed } from '../cli/admin-client.ts'
import { CommandError } from '../cli/command.ts'
import type { Config } from '../config/config.ts'
import type { Status } from '../status/status.ts'
import { durationWords, plural } from '../status/words.ts'
import { fault, ok, skipped, warning, type Finding } from './finding.ts'

const TIMEOUT_MS = 5_000

export type Running =
  | { readonly state: 'runs', readonly status: Status }
  /** Nobody listens at the admin listener's address. */
  | { readonly state: 'absent' }
  /** Somebody does, and is no router that can be asked. */
  | { readonly state: 'stranger', readonly why: string }
  /** `admin.port` is 0. */
  | { readonly state: 'unknown' }

export async function findRunning ({ admin }: Pick<Config, 'admin'>): Promise<Running> {
  if (adminOrigin(admin) === null) return { state: 'unknown' }
  try {
    const health = await adminFetch(admin, '/healthz', { timeoutMs: TIMEOUT_MS })
    if (!health.ok || await health.text() !== 'ok\n') return { state: 'stranger', why: `answers ${health.status} to /healthz, as no router does` }
    const status = await adminFetch(admin, '/status.json', { timeoutMs: TIMEOUT_MS })
    if (!status.ok) return { state: 'stranger', why: `is well, but answers ${status.status} to /status.json` }
    return { state: 'runs', status: await status.json() as Status }
  } catch (error) {
    const cause = error instanceof CommandError ? error.cause ?? error : error
    const why = whyFetchFailed(cause)
    return why === 'ECONNREFUSED' ? { state: 'absent' } : { state: 'stranger', why: `cannot be asked (${why})` }
  }
}

/** @param file - The configuration that is looked at. */
export function judgeRunning (running: Running, { file, admin }: Pick<Config, 'file' | 'admin'>): Finding[] {
  switch (running.state) {
    case 'unknown': return [skipped('router', 'admin.port is 0, so a running one cannot be found')]
    case 'absent': return [skipped('router', `none runs at port ${admin.port}`, 'If it should: docker compose up -d nginx; run the doctor where it runs: docker compose exec nginx mirror-router doctor.')]
    case 'stranger': return [fault('router', `what listens at port ${admin.port} ${running.why}`, 'Stop that, or change admin.port; if it is a router, restart it.')]
    case 'runs': return judgeStatus(running.status, file)
  }
}

/** The running router knows best what is not in order: its findings are the doctor's. */
function judgeStatus ({ version, readiness, at, startedAt, config, findings, mirror, spool }: Status, file: string): Finding[] {
  const router = readiness === 'ready'
    ? ok('router', `mirror-router ${version} is ready, running for ${durationWords(at - startedAt)}`)
    : warning('router', `mirror-router ${version} is ${readiness}`, 'Wait a moment, and look again.')
  const other = config.file === file ? [] : [warning('router', `it runs with ${config.file}, not with ${file}`, 'What is said here of the configuration is not what is in force: --config names the one that is.')]
  const reported = findings.map(({ level, words, advice }) => (level === 'trouble' ? fault : warning)('router', words.replace(/\.$/, ''), withoutDoctor(advice)))
  return [router, ...other, ...reported, ...mirror === null ? [] : [ok('deliveries', `endpoint ${mirror.endpoint.words}; ${plural(spool?.pending ?? 0, 'copy waits', 'copies wait')}, ${plural(spool?.dead ?? 0, 'dead letter', 'dead letters')}`)]]
}

/** The status page sends its reader here. */
function withoutDoctor (advice: string): string {
  return advice.replace(/[;.] run mirror-router doctor[^.]*/i, '')
}
