/**
 * The way to the endpoint, stage by stage, and what it says to an envelope without
 * items: one for each mapped path. Such an envelope is what every copy is, and there
 * is nothing in it that could be stored.
 */
import type { MirrorConfig } from '../config/config.ts'
import { causeWords, plural } from '../status/words.ts'
import { ask, type Answer, type Question, type Reply } from './ask.ts'
import { fault, ok, skipped, warning, type Finding } from './finding.ts'

/** More services than that are not all asked. */
const MOST_SERVICES = 20
/** An authority of the usual kind renews a month ahead. */
const SOON_DAYS = 14
const DAY_MS = 86_400_000

/** One mapped path. */
export interface Service {
  /** The setting that names it: `mirror.projects.1`. */
  readonly setting: string
  /** A secret. */
  readonly path: string
  /** In the envelope's URL; the path of no project is asked for 0, which RUM takes for "none". */
  readonly project: string
}

export async function examineEndpoint (mirror: MirrorConfig | null): Promise<Finding[]> {
  if (mirror === null) return [skipped('endpoint', 'the configuration has no mirror, so nothing is copied')]
  const services = servicesOf(mirror)
  const [first, ...others] = services.slice(0, MOST_SERVICES)
  // The way is looked at, whether or not anything goes there.
  const reply = await ask(questionOf(mirror, first ?? { setting: '', path: '', project: '0' }))
  const findings = [judgeScheme(mirror), ...judgeWay(mirror.endpoint, reply, Date.now())]
  if (reply.answer === null || first === undefined) return findings

  const replies = await Promise.all(others.map(async service => await ask(questionOf(mirror, service))))
  const answers = [first, ...others].map((service, i) => judgeReply(service, i === 0 ? reply : replies[i - 1] ?? reply))
  const left = services.length - MOST_SERVICES
  return [...findings, ...answers, ...left > 0 ? [skipped('endpoint service', `${plural(left, 'service is', 'services are')} not asked`)] : []]
}

/** Each mapped path once. */
export function servicesOf (mirror: Pick<MirrorConfig, 'default' | 'projects'>): Service[] {
  const all = [...mirror.projects].map(([project, path]) => ({ setting: `mirror.projects.${project}`, path, project }))
  const services = [{ setting: 'mirror.default', path: mirror.default, project: '0' }, ...all]
  return services.filter((service): service is Service => service.path !== null && services.findIndex(({ path }) => path === service.path) === services.indexOf(service))
}

function questionOf ({ endpoint, host, ca }: MirrorConfig, { path, project }: Service): Question {
  const secure = endpoint.protocol === 'https:'
  return {
    host: unbracketed(endpoint.hostname),
    port: endpoint.port === '' ? (secure ? 443 : 80) : Number(endpoint.port),
    tls: secure ? { name: unbracketed(host.replace(/:\d+$/, '')), ca } : null,
    method: 'POST',
    path: `${path}/api/${project}/envelope/?sentry_version=7&sentry_key=doctor`,
    headers: { Host: host, 'Content-Type': 'application/x-sentry-envelope', 'User-Agent': 'mirror-router-doctor' },
    body: '{}\n'
  }
}

export function judgeScheme ({ endpoint }: Pick<MirrorConfig, 'endpoint'>): Finding {
  if (endpoint.protocol === 'https:') return ok('endpoint scheme', 'https: copies are encrypted on their way')
  return warning('endpoint scheme', 'http: envelopes and mapped paths cross the network in clear text', 'Write https:// in mirror.endpoint; the document has http, and RUM takes https too.')
}

/** Name, connection and certificate; nothing of stages that were not reached. */
export function judgeWay ({ host, hostname, port, protocol }: URL, { addresses, certificate, failure }: Reply, now: number): Finding[] {
  if (failure?.stage === 'dns') return [fault('endpoint name', `${hostname} has no address here (${causeWords(failure.reason)})`, 'Is it spelled as in the console of RUM, and can this machine resolve names of the internet?')]
  const name = ok('endpoint name', `${hostname} is ${addresses.slice(0, 3).join(', ')}${addresses.length > 3 ? ', …' : ''}`)
  const at = port === '' ? `port ${protocol === 'https:' ? 443 : 80}` : `port ${port}`
  if (failure?.stage === 'connect') {
    const advice = failure.reason === 'refused' ? 'Nobody listens there: is the port in mirror.endpoint right?' : 'Does a firewall or a security group let this machine out to that port?'
    return [name, fault('endpoint connection', `${host}: ${causeWords(failure.reason)} at ${at}`, advice)]
  }
  const way = [name, ok('endpoint connection', `accepted at ${at}`)]
  if (protocol === 'https:') way.push(judgeCertificate(hostname, certificate?.validTo ?? null, failure?.stage === 'tls' ? failure.reason : null, now))
  if (failure?.stage === 'answer') way.push(fault('endpoint answer', causeWords(failure.reason), failure.reason === 'invalid_response' ? 'What listens there does not speak HTTP: is the port right, and is it https?' : 'It takes connections and says nothing: is a proxy in between, or the endpoint in trouble? Copies wait in the spool.'))
  return way
}

/** @param problem - Of the handshake or the certificate; `null`: none. */
export function judgeCertificate (name: string, validTo: number | null, problem: string | null, now: number): Finding {
  const days = validTo === null ? null : Math.floor((validTo - now) / DAY_MS)
  switch (problem) {
    case null: break
    case 'CERT_HAS_EXPIRED': return fault('endpoint certificate', days === null || days >= 0 ? 'it, or one above it, has expired' : `it expired ${plural(-days, 'day', 'days')} ago`, 'Whoever runs the endpoint must renew it. If the clock of this machine is wrong, set that.')
    case 'CERT_NOT_YET_VALID': return fault('endpoint certificate', 'it is not valid yet', 'Is the clock of this machine right?')
    case 'ERR_TLS_CERT_ALTNAME_INVALID': return fault('endpoint certificate', 'it belongs to another name', `The name in mirror.endpoint (or mirror.host, where that is set) must stand in it; does ${name} lead to the right machine?`)
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE': return fault('endpoint certificate', `no authority that is known here vouches for it (${problem})`, 'If it is your own endpoint, or a proxy of your company decrypts what goes out, name the file with its authority in mirror.ca.')
    case 'timeout': return fault('endpoint certificate', 'the TLS handshake does not end', 'Is the port that of https?')
    default: return fault('endpoint certificate', `the TLS handshake fails (${problem})`, 'Is the port that of https, and http:// the scheme of an endpoint without TLS?')
  }
  if (days === null) return ok('endpoint certificate', 'valid')
  const left = `valid for ${plural(days, 'day', 'days')} more`
  return days < SOON_DAYS ? warning('endpoint certificate', left, 'Whoever runs the endpoint should renew it; copies wait in the spool once it has expired.') : ok('endpoint certificate', left)
}

function judgeReply (service: Service, { answer, failure }: Reply): Finding {
  if (answer !== null) return judgeAnswer(service, answer)
  return fault(`endpoint service ${service.setting}`, causeWords(failure?.reason ?? ''), 'Others were reached: is the endpoint overloaded?')
}

/** What a copy would meet with; see the rules of retrying in docs/spool.md. */
export function judgeAnswer ({ setting }: Pick<Service, 'setting'>, { status, location }: Pick<Answer, 'status' | 'location'>): Finding {
  const check = `endpoint service ${setting}`
  const words = `answers ${status} to an envelope without items`
  if (status >= 200 && status < 300) return ok(check, `takes envelopes (${status})`)
  if (status >= 300 && status < 400) return fault(check, `${words}, and sends on to ${originOf(location)}`, 'Redirects are not followed: write where it leads as mirror.endpoint. Copies become dead letters until then.')
  switch (status) {
    case 400: return warning(check, words, 'It was reached and does not like an envelope that is empty, which may be all; mirror-router spool ls shows whether it takes real ones.')
    case 401: return fault(check, words, 'RUM does not ask who sends: is that RUM, or a proxy in front of it?')
    case 403: return fault(check, words, `The storage behind RUM says so when a quota is exceeded (then copies are tried again until mirror.retry.max_age), and RUM may say it of a workspace that is not yours: look at the quota in the console, and compare the path in ${setting} with it.`)
    case 404: return fault(check, words, `There is no such service: compare workspace and service in ${setting}, and the region in mirror.endpoint, with the console of RUM. Copies become dead letters until then; mirror-router spool replay --reason 404 sends them again.`)
    case 405: return fault(check, words, 'What listens there takes no envelopes: is mirror.endpoint the address from the console of RUM?')
    case 408:
    case 425:
    case 429: return warning(check, words, 'It asks for a pause; copies wait in the spool for it. If this stays, ask for a higher quota.')
    default: break
  }
  if (status >= 500) return fault(check, words, 'It is in trouble; copies wait in the spool and go out once it answers. If this stays, ask whoever runs it.')
  return fault(check, words, `Copies become dead letters: compare ${setting} with the console of RUM; mirror-router spool show ID shows what it answers to real ones.`)
}

/** The rest may hold a mapped path. */
function originOf (location: string | null): string {
  const url = location === null ? null : URL.parse(location)
  return url === null ? 'another path' : url.origin
}

function unbracketed (host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
