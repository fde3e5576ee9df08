/**
 * May the access key of `.env` read the store that the second Sentry reads? Asks SLS for
 * the store's settings, which changes nothing; the secret signs and is not sent.
 */
import { createHmac } from 'node:crypto'
import { isIP } from 'node:net'
import { causeWords } from '../status/words.ts'
import { ask, type Reply } from './ask.ts'
import { fault, ok, warning, type Finding } from './finding.ts'

export interface SlsAccess {
  /** Host, with a port and a scheme where they differ from https and 443. */
  readonly endpoint: string
  readonly keyId: string
  readonly secret: string
  readonly project: string
  readonly logstore: string
}

const CHECK = 'SLS access'

export async function examineSls (access: SlsAccess, now: number): Promise<Finding[]> {
  const { scheme, host, port } = placeOf(access.endpoint)
  // As the SDKs of SLS do it: the project is a part of the name, where there is a name.
  const name = isIP(host) === 0 ? `${access.project}.${host}` : host
  const reply = await ask({
    host: name,
    port: port ?? (scheme === 'http' ? 80 : 443),
    tls: scheme === 'http' ? null : { name, ca: null },
    method: 'GET',
    path: `/logstores/${encodeURIComponent(access.logstore)}`,
    headers: { Host: `${access.project}.${host}`, ...signedHeaders(access, now) }
  })
  return [judgeSls(reply)]
}

function placeOf (endpoint: string): { scheme: 'http' | 'https', host: string, port: number | null } {
  const [, scheme, host = '', port] = /^(?:(https?):\/\/)?([^/:]*)(?::(\d+))?\/?$/.exec(endpoint) ?? []
  return { scheme: scheme === 'http' ? 'http' : 'https', host, port: port === undefined ? null : Number(port) }
}

/** SLS, signature of version 1: "Request signatures" of its API reference. */
export function signedHeaders ({ keyId, secret, logstore }: Pick<SlsAccess, 'keyId' | 'secret' | 'logstore'>, now: number): Record<string, string> {
  const date = new Date(now).toUTCString()
  const headers = { 'x-log-apiversion': '0.6.0', 'x-log-bodyrawsize': '0', 'x-log-signaturemethod': 'hmac-sha1' }
  // Neither a body's digest nor its type, for there is no body.
  const signed = ['GET', '', '', date, ...Object.entries(headers).map(([name, value]) => `${name}:${value}`), `/logstores/${logstore}`].join('\n')
  return { ...headers, Date: date, Authorization: `LOG ${keyId}:${createHmac('sha1', secret).update(signed).digest('base64')}` }
}

export function judgeSls ({ answer, failure }: Pick<Reply, 'answer' | 'failure'>): Finding {
  if (answer === null) {
    const reason = failure?.reason ?? ''
    if (failure?.stage === 'dns') return fault(CHECK, `the project's host has no address here (${causeWords(reason)})`, 'Is the region in SLS_ENDPOINT right, and can this machine resolve names of the internet?')
    return fault(CHECK, `SLS cannot be reached: ${causeWords(reason)}`, 'Does a firewall let this machine out? Inside Alibaba Cloud the host of the intranet is another one.')
  }
  const code = /"errorCode"\s*:\s*"(\w+)"/.exec(answer.body)?.[1] ?? ''
  const words = `SLS answers ${answer.status}${code === '' ? '' : ` ${code}`}`
  if (answer.status === 200) return ok(CHECK, 'the access key may read the logstore')
  if (code === 'ProjectNotExist') return fault(CHECK, words, 'Correct SLS_PROJECT: the console of RUM names the project; or SLS_ENDPOINT, if it is in another region.')
  if (code === 'LogStoreNotExist') return fault(CHECK, words, 'SLS_LOGSTORE is always logstore-rum, in the project that the console of RUM names: correct SLS_PROJECT.')
  if (code === 'SignatureNotMatch') return fault(CHECK, words, 'SLS_ACCESS_KEY_SECRET does not belong to SLS_ACCESS_KEY_ID: copy it once more.')
  if (code === 'RequestTimeExpired' || code === 'RequestTimeTooSkewed') return fault(CHECK, words, 'The clock of this machine is wrong: set it.')
  if (answer.status === 401 && code !== 'Unauthorized') return fault(CHECK, words, 'Is the access key there still, and enabled? See the RAM console.')
  if (answer.status === 401 || answer.status === 403) return fault(CHECK, words, 'Give the RAM user AliyunLogReadOnlyAccess; step 2 of the document.')
  return warning(CHECK, words, 'Try again later; if it stays, compare SLS_ENDPOINT with the console.')
}
