/** What is not in order, worst first, and what to do about each. Pure. */
import type { ConfigStatus, DeadLetterCount, Finding, Headline, MirrorStatus, SpoolStatus, TrafficStatus } from './status.ts'
import { bytesWords, countWords, durationWords, fateWords, plural, clockWords } from './words.ts'
import type { Readiness } from '../admin/server.ts'

export interface FindingsInput {
  readonly readiness: Readiness
  readonly mirror: MirrorStatus | null
  readonly traffic: TrafficStatus
  readonly spool: SpoolStatus | null
  readonly deadLetters: readonly DeadLetterCount[]
  /** Copies dropped within 24 h, by reason. */
  readonly drops: ReadonlyMap<string, number>
  readonly config: Pick<ConfigStatus, 'lastReload'>
}

/** Of `spool.max_bytes`: from here on there should be somebody who knows. */
const SPOOL_NEARLY_FULL = 0.8
/** A backlog this old while the endpoint takes copies is none that drains at once. */
const OLD_BACKLOG_MS = 10 * 60_000

export function findingsOf (input: FindingsInput, now: number): Finding[] {
  const findings = [
    ...endpointFindings(input),
    ...spoolFindings(input, now),
    ...lossFindings(input),
    ...upstreamFindings(input),
    ...configFindings(input, now)
  ]
  return [...findings.filter(({ level }) => level === 'trouble'), ...findings.filter(({ level }) => level === 'warning')]
}

function endpointFindings ({ mirror }: FindingsInput): Finding[] {
  if (mirror === null) return []
  const { endpoint, projects } = mirror
  const findings: Finding[] = []
  if (endpoint.state === 'down') {
    findings.push({ level: 'trouble', words: `The endpoint ${endpoint.host} is ${endpoint.words}.`, advice: 'Nothing is lost: copies wait in the spool and go out once it answers. Run mirror-router doctor to see where the way there ends.' })
  } else if (endpoint.state === 'failing') {
    findings.push({ level: 'warning', words: `The endpoint ${endpoint.host} is ${endpoint.words}.`, advice: 'Attempts are made again by themselves; run mirror-router doctor if this stays.' })
  } else if (endpoint.state === 'held') {
    findings.push({ level: 'warning', words: `The endpoint ${endpoint.host} ${endpoint.words}.`, advice: 'Copies wait in the spool until then; if this comes again, ask for a higher quota at the endpoint.' })
  }
  if (endpoint.state === 'down') return findings
  for (const { project, state, words } of projects) {
    if (state === 'down') findings.push({ level: 'trouble', words: `Project ${project} is ${words}.`, advice: `Check the path of ${project === 'default' ? 'mirror.default' : `mirror.projects.${project}`}: does its service exist, and is its quota used up?` })
  }
  return findings
}

function spoolFindings ({ spool, mirror }: FindingsInput, now: number): Finding[] {
  if (spool === null) return []
  const findings: Finding[] = []
  if (!spool.works) findings.push({ level: 'trouble', words: 'The spool cannot be written: copies are kept in memory, and are lost if the router stops.', advice: 'Check the disk at spool.path: is it full, read-only, or gone? It is used again as soon as it works.' })
  const share = spool.maxBytes === 0 ? 0 : spool.pendingBytes / spool.maxBytes
  if (share >= SPOOL_NEARLY_FULL) findings.push({ level: 'trouble', words: `The spool is ${Math.floor(share * 100)} % full (${bytesWords(spool.pendingBytes)} of ${bytesWords(spool.maxBytes)}).`, advice: 'Raise spool.max_bytes and restart, or get the endpoint to take copies: at the bound copies are dropped.' })
  const ageMs = spool.oldestTakenAt === null ? 0 : now - spool.oldestTakenAt
  if (mirror?.endpoint.state === 'up' && ageMs > OLD_BACKLOG_MS) {
    findings.push({ level: 'warning', words: `${plural(spool.pending, 'copy', 'copies')} waiting, oldest ${durationWords(ageMs)}, though the endpoint takes copies.`, advice: 'A backlog of an outage drains by itself. Otherwise see which wait and why: mirror-router spool ls --pending.' })
  }
  return findings
}

function lossFindings ({ drops, deadLetters, mirror }: FindingsInput): Finding[] {
  const findings: Finding[] = []
  for (const [reason, count] of drops) {
    if (count > 0) findings.push({ level: 'trouble', words: `${plural(count, 'copy was', 'copies were')} dropped in the last 24 h: ${fateWords(reason)}.`, advice: reason === 'spool_full' ? 'They are lost; mirror-router report names them. Raise spool.max_bytes.' : 'They are lost; mirror-router report names them. Check the disk at spool.path.' })
  }
  const dead = deadLetters.reduce((sum, { count }) => sum + count, 0)
  if (dead > 0) {
    const lately = mirror?.success.some(({ window, dead }) => window === '1h' && dead > 0) === true
    const rows = deadLetters.slice(0, 3).map(({ project, reason, count }) => `project ${project}: ${countWords(count)} ${fateWords(reason)}`)
    findings.push({ level: lately ? 'trouble' : 'warning', words: `${plural(dead, 'dead letter', 'dead letters')} (${rows.join('; ')}${deadLetters.length > 3 ? '; …' : ''}).`, advice: 'Look inside with mirror-router spool ls, repair the cause, then send them again: mirror-router spool replay --all.' })
  }
  return findings
}

function upstreamFindings ({ traffic }: FindingsInput): Finding[] {
  return traffic.upstreams
    .filter(({ state }) => state === 'failing')
    .map(({ name, words, errors, servers }): Finding => ({
      level: errors > 0 || servers.every(({ answeredAt }) => answeredAt === null) ? 'trouble' : 'warning',
      words: `Upstream ${name}: ${words}.`,
      advice: `Does it run, and can it be reached from here under the address in upstreams.${name}?`
    }))
}

function configFindings ({ config: { lastReload }, readiness }: FindingsInput, now: number): Finding[] {
  const findings: Finding[] = []
  if (lastReload?.result === 'failure') findings.push({ level: 'warning', words: `The last reload, at ${clockWords(lastReload.at, now)}, failed: ${lastReload.message}`, advice: 'The configuration before it is still in force. Repair the file (mirror-router check), then reload again.' })
  if (readiness !== 'ready') findings.push({ level: 'warning', words: readiness === 'starting' ? 'The router is starting.' : 'The router is stopping.', advice: readiness === 'starting' ? 'Wait a moment.' : 'What waits stays in the spool and goes out after the next start.' })
  return findings
}

export function headlineOf (findings: readonly Finding[], mirror: MirrorStatus | null): Headline {
  const [worst] = findings
  if (worst !== undefined) return { level: worst.level, words: worst.words }
  if (mirror === null) return { level: 'ok', words: 'All is well. Nothing is mirrored.' }
  const day = mirror.success.find(({ window }) => window === '24h')
  if (day === undefined || day.delivered === 0) return { level: 'ok', words: 'All is well. No copies were delivered in the last 24 h.' }
  return { level: 'ok', words: `All is well: ${plural(day.delivered, 'copy', 'copies')} delivered in the last 24 h, none lost.` }
}
