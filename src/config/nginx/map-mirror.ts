/**
 * The mirror of the document: an internal location whose proxy_pass is the endpoint, a
 * map's variable and `$request_uri`. Becomes the `mirror` section.
 *
 * Mapped paths are secrets: no fault and no note repeats one.
 */
import { endpointUrl, hostHeader } from '../schema/addresses.ts'
import { headerName, mappedPath } from '../schema/http.ts'
import { agreed } from './agree.ts'
import type { Account } from './account.ts'
import { checkValue } from './check-value.ts'
import { time } from './map-settings.ts'
import type { FindUpstream } from './map-upstreams.ts'
import type { Directive } from './parser.ts'
import { readProjects, type MirrorPaths } from './projects.ts'
import { effective, owned, type Scope } from './scope.ts'

export interface MirrorSettings extends MirrorPaths {
  /** Origin: scheme, host, and a port that is not the scheme's own. */
  readonly endpoint: string
  /** `null`: the endpoint's own name. */
  readonly host: string | null
  readonly dropHeaders: readonly string[]
  readonly connectTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly readTimeoutMs: number
}

// The endpoint, then a fixed path or one variable, then the client's request target.
const TARGET = /^(https?):\/\/([^/$]+)(?:(\/[^$]*?)|\$(\w+))?\$request_uri$/i

/** @returns `null` after a fault. */
export function mapMirror (scope: Scope, find: FindUpstream, account: Account): MirrorSettings | null {
  const pass = owned(scope, 'proxy_pass')[0]
  if (scope.node !== null && owned(scope, 'internal').length === 0) {
    account.fault(scope.node, 'clients can reach the location of the mirror; write "internal;" in it')
  }
  if (pass === undefined) {
    if (scope.node !== null && !account.isFaulty(scope.node)) account.fault(scope.node, 'the location of the mirror has no proxy_pass; write "proxy_pass http://ENDPOINT$VARIABLE$request_uri"')
    return null
  }
  const [, scheme = '', authority = '', path, variable] = TARGET.exec(plainVariables(pass.args[0] ?? '')) ?? []
  const block = authority === '' ? null : find(authority)
  if (block === null) {
    account.fault(pass, 'the proxy_pass of the mirror is not carried over; write "http://ENDPOINT$VARIABLE$request_uri", where a map sets the variable')
    return null
  }
  account.mapped(pass, 'mirror.endpoint')
  if (block.servers.length > 1) account.fault(block.node ?? pass, 'there is one endpoint; leave one server in its upstream')

  const endpoint = origin(scheme.toLowerCase(), block.node === null ? authority : block.servers[0] ?? '')
  if (scheme.toLowerCase() === 'https') account.note('The certificate of the endpoint is verified, which nginx does not do unless told to.')
  checkValue(pass, endpointUrl, endpoint, account)
  if (path !== undefined) checkValue(pass, mappedPath, path, account)
  const headers = readHeaders(scope, authority, account)
  const own = endpoint.slice(endpoint.indexOf('//') + 2)
  return {
    endpoint,
    host: headers.host === own ? null : headers.host,
    dropHeaders: headers.dropped,
    ...(variable === undefined ? { default: path ?? null, projects: new Map() } : readProjects(variable, pass, scope, account)),
    connectTimeoutMs: agreed([scope], time('proxy_connect_timeout', 'mirror.connect_timeout'), 'the mirror', account),
    sendTimeoutMs: agreed([scope], time('proxy_send_timeout', 'mirror.send_timeout'), 'the mirror', account),
    readTimeoutMs: agreed([scope], time('proxy_read_timeout', 'mirror.read_timeout'), 'the mirror', account)
  }
}

/** `${name}` as `$name`. */
export function plainVariables (text: string): string {
  return text.replaceAll(/\$\{(\w+)\}/g, '$$$1')
}

function origin (scheme: string, address: string): string {
  const port = scheme === 'https' ? ':443' : ':80'
  return `${scheme}://${address.endsWith(port) ? address.slice(0, -port.length) : address}`
}

// What the router sends to the endpoint whatever the file says.
const SENT: Readonly<Record<string, string>> = {
  connection: '', 'x-forwarded-for': '$proxy_add_x_forwarded_for', 'x-forwarded-proto': '$scheme', 'x-request-id': '$request_id'
}

function readHeaders (scope: Scope, authority: string, account: Account): { host: string, dropped: string[] } {
  let host = authority
  let hosts = 0
  const dropped: string[] = []
  const missing = new Set(Object.keys(SENT))
  for (const directive of effective(scope, 'proxy_set_header')) {
    const name = directive.args[0] ?? ''
    const value = plainVariables(directive.args[1] ?? '')
    missing.delete(name.toLowerCase())
    if (name.toLowerCase() === 'host') {
      hosts++
      if (value !== '$proxy_host') host = readHost(directive, value, account)
      account.mapped(directive, 'mirror.host')
    } else if (Object.hasOwn(SENT, name.toLowerCase())) {
      const sent = SENT[name.toLowerCase()] ?? ''
      account.mapped(directive, 'what every copy carries')
      if (value !== sent) account.fault(directive, `a copy carries ${name} as ${sent === '' ? '""' : sent} only; write that in the location of the mirror`)
    } else if (value === '') {
      dropped.push(name)
      checkValue(directive, headerName, name, account)
      account.mapped(directive, 'mirror.drop_headers')
    } else {
      account.fault(directive, `"${name}" cannot be set on copies; take it out, or set it in front of the router`)
    }
  }
  if (hosts === 0) account.note(`The location of the mirror sets no Host, so nginx sends "${authority}"; mirror.host keeps that.`)
  if (missing.size > 0) account.note(`The location of the mirror does not set ${[...missing].join(', ')}; every copy carries them as in the document.`)
  return { host, dropped }
}

function readHost (directive: Directive, value: string, account: Account): string {
  if (value === '' || /[$\s]/.test(value)) account.fault(directive, 'a copy carries the name of the endpoint as Host; write that name in the location of the mirror')
  else checkValue(directive, hostHeader, value, account)
  return value
}
