/** Is there somebody behind each upstream, and does it answer as Sentry does? */
import { isIP } from 'node:net'
import type { Config, ServerAddress, UpstreamConfig } from '../config/config.ts'
import { causeWords } from '../status/words.ts'
import { ask, type Reply } from './ask.ts'
import { fault, ok, skipped, warning, type Finding } from './finding.ts'

/** What stands behind an upstream: Relay and Sentry's web have different health pages. */
export type Kind = 'relay' | 'web'

export const HEALTH_PATHS: Readonly<Record<Kind, string>> = { relay: '/api/relay/healthcheck/live/', web: '/_health/' }

export async function examineUpstreams (config: Pick<Config, 'upstreams' | 'routes' | 'listeners'>): Promise<Finding[]> {
  const kinds = kindsOf(config)
  const findings = await Promise.all(Object.values(config.upstreams).map(async upstream => {
    const kind = kinds.get(upstream.name)
    if (kind === undefined) return [skipped(`upstream ${upstream.name}`, 'no route and no listener leads to it')]
    return await Promise.all(upstream.servers.map(async server => await examine(upstream, server, kind)))
  }))
  return findings.flat()
}

async function examine (upstream: Pick<UpstreamConfig, 'name'>, server: ServerAddress, kind: Kind): Promise<Finding> {
  const reply = await ask({ ...server, tls: null, method: 'GET', path: HEALTH_PATHS[kind], headers: { Host: bracketed(server.host), 'User-Agent': 'mirror-router-doctor' } })
  return judgeServer(upstream.name, server, kind, reply)
}

/** By name, of those that are used. What a listener has as its UI, and what takes `/`, is Sentry's web. */
export function kindsOf ({ routes, listeners }: Pick<Config, 'routes' | 'listeners'>): ReadonlyMap<string, Kind> {
  const kinds = new Map<string, Kind>()
  for (const { upstream } of routes) if (upstream !== null && upstream !== 'ui') kinds.set(upstream, 'relay')
  for (const { upstream, location } of routes) if (upstream !== null && upstream !== 'ui' && location === '/') kinds.set(upstream, 'web')
  if (routes.some(({ upstream }) => upstream === 'ui')) for (const { ui } of listeners) kinds.set(ui, 'web')
  return kinds
}

export function judgeServer (name: string, { host, port }: ServerAddress, kind: Kind, { answer, failure }: Pick<Reply, 'answer' | 'failure'>): Finding {
  const check = `upstream ${name}`
  const address = `${bracketed(host)}:${port}`
  const path = HEALTH_PATHS[kind]
  if (answer === null) return unreached(check, name, address, serviceOf(name, host), failure?.reason ?? '', failure?.stage === 'answer')
  const words = `${address} answers ${answer.status} to GET ${path}`
  const service = serviceOf(name, host)
  if (answer.status < 400) return ok(check, words)
  if (answer.status >= 500) return fault(check, words, `It runs and is not well: docker compose logs ${service} says why.`)
  return warning(check, words, `Something answers there; is it ${kind === 'relay' ? 'Relay' : "Sentry's web"}? upstreams.${name} says where it is looked for.`)
}

function unreached (check: string, name: string, address: string, service: string, reason: string, connected: boolean): Finding {
  const found = `${address}: ${causeWords(reason)}`
  const until = 'The router answers 502 for it until then, and uses it as soon as it appears.'
  if (connected) return fault(check, `${found}, though it takes connections`, `It hangs, or is no HTTP server: docker compose logs ${service}.`)
  switch (reason) {
    case 'dns': return fault(check, found, `There is no container of that name in this network: docker compose up -d ${service}, or correct upstreams.${name}; run the doctor where the router runs. ${until}`)
    case 'refused': return fault(check, found, `It does not run, or is starting still: docker compose ps ${service}. ${until}`)
    default: return fault(check, found, `Can it be reached from here under the address in upstreams.${name}? ${until}`)
  }
}

/** What compose calls it: the host, where that is a name. */
function serviceOf (upstream: string, host: string): string {
  return isIP(host) === 0 ? host : upstream
}

function bracketed (host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
