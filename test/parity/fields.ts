/**
 * What can be compared of an observation. A field takes one value out of it,
 * normalised: what two correct servers may do differently is evened out here.
 */
import { valuesOf } from './head.ts'
import { BACKENDS, type BackendName, type Header, type Observation, type ParityCase, type RequestSeen } from './types.ts'

/** Names by port, so that a `Location` is the same whatever port a run was given. */
export type PortNames = Readonly<Record<string, string>>

type Field = (observation: Observation, parityCase: ParityCase, ports: PortNames) => unknown

export const DEFAULT_FIELDS: readonly string[] = [
  'status', 'interim', 'headers', 'body', 'framing', 'complete', 'conn', ...BACKENDS
]

const HTTP_DATE = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/
const REQUEST_ID = /^[0-9a-f]{32}$/
/** The date every backend's answer bears. */
const BACKEND_DATE = 'Mon, 01 Jan 2024 00:00:00 GMT'

/** The same of every response on every connection. */
const perResponse = (pick: (response: Observation['conns'][number]['responses'][number]) => unknown): Field =>
  observation => observation.conns.map(connection => connection.responses.map(pick))

export const FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  ['status', ({ conns }) => conns.map(({ responses, partial }) => responses.map(response => response.status).join() || (partial ? `partial:${partial.status}` : 'none'))],
  ['reason', perResponse(response => response.reason)],
  ['version', perResponse(response => response.version)],
  ['interim', ({ conns }) => conns.map(connection => connection.interim.join())],
  ['headers', ({ conns }, parityCase, ports) => conns.map(({ responses }) => responses.map(({ headers }) => clientHeaders(headers, parityCase, ports)))],
  ['ctype', perResponse(response => valuesOf(response.headers, 'content-type')[0])],
  ['connhdr', perResponse(response => valuesOf(response.headers, 'connection').map(value => value.toLowerCase()))],
  ['body', perResponse(response => `${response.bodyLen}:${response.bodySha}`)],
  ['bodyLen', perResponse(response => response.bodyLen)],
  ['framing', perResponse(response => response.framing)],
  ['complete', perResponse(response => response.complete)],
  ['conn', ({ conns }) => conns.map(({ end }) => end === 'open' || end === 'client' ? end : 'closed')],
  ['rid', requestIds],
  ...BACKENDS.flatMap(backendFields)
])

function backendFields (name: BackendName): [string, Field][] {
  const perRequest = (pick: (request: RequestSeen, parityCase: ParityCase) => unknown): Field =>
    (observation, parityCase) => observation.backends[name].map(request => pick(request, parityCase))
  return [
    [name, perRequest((request, parityCase) => ({
      line: request.line,
      headers: backendHeaders(request.headers, parityCase),
      framing: request.framing,
      body: bodyOf(request),
      ...(parityCase.trackAbort === true ? { abort: abortOf(request) } : {})
    }))],
    [`${name}Count`, observation => observation.backends[name].length],
    [`${name}Line`, perRequest(request => request.line)],
    [`${name}Body`, perRequest(bodyOf)],
    [`${name}Abort`, perRequest(abortOf)],
    [`${name}Framing`, perRequest(request => request.framing)]
  ]
}

function bodyOf (request: RequestSeen): string {
  return request.complete ? `${request.bodyLen}:${request.bodySha}` : 'incomplete'
}

function abortOf (request: RequestSeen): string {
  return request.abortPhase ?? 'no'
}

/** Relay and the endpoint get the same id, one each, and no two requests share one. */
function requestIds ({ backends }: Observation): unknown {
  const forwarded = backends.relay.map(requestIdsOf)
  const mirrored = backends.rum.map(requestIdsOf)
  const both = [...forwarded, ...mirrored]
  return {
    wellFormed: both.flat().every(id => REQUEST_ID.test(id)),
    oneEach: both.every(values => values.length === 1),
    sameAsMirror: forwarded.length > 0 && mirrored.length > 0 ? joined(forwarded) === joined(mirrored) : null,
    unique: new Set(forwarded.flat()).size === forwarded.length
  }
}

function requestIdsOf ({ headers }: RequestSeen): string[] {
  return valuesOf(headers, 'x-request-id')
}

function joined (values: readonly string[][]): string {
  return values.flat().toSorted().join()
}

function clientHeaders (headers: readonly Header[], parityCase: ParityCase, ports: PortNames): string[] {
  return headers
    .map(([name, value]) => `${name.toLowerCase()}: ${clientValue(name.toLowerCase(), value, parityCase, ports)}`)
    .filter(line => !/^(?:server: <own>|connection: keep-alive|keep-alive:|content-length:|transfer-encoding:)/.test(line))
    .toSorted()
}

function clientValue (name: string, value: string, { strict = false }: ParityCase, ports: PortNames): string {
  switch (name) {
    case 'date':
      if (!HTTP_DATE.test(value)) return value
      return strict && value === BACKEND_DATE ? '<upstream-date>' : '<date>'
    case 'server':
      return strict && value.startsWith('upstream') ? value : '<own>'
    case 'location':
      return Object.entries(ports).reduce((text, [port, label]) => text.replace(`:${port}`, `:${label}`), value)
    case 'content-type':
      return value.startsWith('multipart/byteranges') ? value.replace(/boundary=.*/, 'boundary=<b>') : value
    default:
      return value
  }
}

function backendHeaders (headers: readonly Header[], { strict = false }: ParityCase): string[] {
  return headers
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name, value]) => name !== 'content-length' && name !== 'transfer-encoding' && (strict || name !== 'connection' || value !== 'keep-alive'))
    .map(([name, value]) => `${name}: ${name === 'x-request-id' && REQUEST_ID.test(value) ? '<rid>' : value}`)
    .toSorted()
}
