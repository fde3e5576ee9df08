/**
 * The document's step 8: does the Sentry that reads from SLS answer, through the router
 * and behind it, and where to look when its list of issues is empty?
 */
import type { Config } from '../config/config.ts'
import { causeWords } from '../status/words.ts'
import { ask, type Reply } from './ask.ts'
import { fault, ok, skipped, type Finding } from './finding.ts'
import type { Running } from './running.ts'

/** The services of the document's step 4, in the network of self-hosted Sentry. */
const WEB_RUM = 'web-rum'
const SNUBA_API_RUM = { host: 'snuba-api-rum', port: 1218 } as const
const ANY_ADDRESS: Readonly<Record<string, string>> = { '::': '127.0.0.1', '0.0.0.0': '127.0.0.1' }

/** Whether the configuration has the Sentry of port 81. */
export function hasSecondSentry ({ listeners, upstreams }: Pick<Config, 'listeners' | 'upstreams'>): boolean {
  const names = Object.values(upstreams).filter(({ name, servers }) => name === WEB_RUM || servers.some(({ host }) => host === WEB_RUM)).map(({ name }) => name)
  return listeners.some(({ ui }) => names.includes(ui))
}

/** Every listener, asked as a browser would ask it. */
export async function examineListeners (config: Pick<Config, 'listeners' | 'file'>, running: Running): Promise<Finding[]> {
  if (running.state !== 'runs' || running.status.config.file !== config.file) return []
  return await Promise.all(config.listeners.filter(({ port }) => port !== 0).map(async ({ host, port, ui }) => {
    const reply = await ask({ host: ANY_ADDRESS[host] ?? host, port, tls: null, method: 'GET', path: '/_health/', headers: { Host: 'localhost', 'User-Agent': 'mirror-router-doctor' } })
    return judgeListener({ port, ui }, reply)
  }))
}

export function judgeListener ({ port, ui }: { readonly port: number, readonly ui: string }, { answer, failure }: Pick<Reply, 'answer' | 'failure'>): Finding {
  const check = `through port ${port}`
  if (answer === null) return fault(check, `the router does not answer: ${causeWords(failure?.reason ?? '')}`, 'Look at its log: docker compose logs nginx.')
  if (answer.status < 400) return ok(check, `${ui} answers ${answer.status}`)
  if ([502, 503, 504].includes(answer.status)) return fault(check, `the router answers ${answer.status} for ${ui}`, `What is wrong with upstream ${ui} is said above.`)
  return fault(check, `${ui} answers ${answer.status} to GET /_health/`, `docker compose logs ${ui} says why.`)
}

/** Named only where web-rum is looked for under the document's name: then Snuba's name is the document's too. */
export async function examineSnuba (config: Pick<Config, 'listeners' | 'upstreams'>): Promise<Finding[]> {
  const isCompose = Object.values(config.upstreams).some(({ servers }) => servers.some(({ host }) => host === WEB_RUM))
  if (!hasSecondSentry(config) || !isCompose) return []
  return [judgeSnuba(await ask({ ...SNUBA_API_RUM, tls: null, method: 'GET', path: '/health', headers: { Host: SNUBA_API_RUM.host } }))]
}

export function judgeSnuba ({ answer, failure }: Pick<Reply, 'answer' | 'failure'>): Finding {
  const check = 'snuba-api-rum'
  const consequence = 'Without it the list of issues at port 81 is empty.'
  if (answer === null) return fault(check, `snuba-api-rum:1218: ${causeWords(failure?.reason ?? '')}`, `docker compose up -d snuba-api-rum; docker compose logs snuba-api-rum says why it does not run. ${consequence}`)
  if (answer.status < 400) return ok(check, `snuba-api-rum:1218 answers ${answer.status} to GET /health`)
  return fault(check, `snuba-api-rum:1218 answers ${answer.status} to GET /health`, `docker compose logs snuba-api-rum says why. ${consequence}`)
}

/** What nobody but a person in front of a browser can see. */
export function adviseOnIssues (config: Pick<Config, 'listeners' | 'upstreams' | 'mirror'>): Finding[] {
  if (!hasSecondSentry(config)) return []
  return [skipped('list of issues', 'only you can see it: open the Sentry of port 81 and a project that gets copies', 'If it is empty though all of the above is well: are copies delivered (mirror-router report), does docker compose ps show web-rum and snuba-api-rum as healthy, and what do docker compose logs web-rum snuba-api-rum say (of web-rum: events from SLS, issues from SLS)? Events from before the mirror are not there: nothing is read from ClickHouse. To go back, stop web-rum and snuba-api-rum: the standard Sentry goes on as before')]
}
