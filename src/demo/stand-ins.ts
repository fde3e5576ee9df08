/**
 * Small servers on loopback in the places of Relay, the two UIs and the RUM
 * endpoint: enough of each for a real Sentry SDK, and for a person with a browser.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Envelope } from '../envelope/envelope.ts'
import { readEnvelope } from '../envelope/read-envelope.ts'

export interface StandIn {
  readonly port: number
  close (): Promise<void>
}

/** An envelope that arrived at Relay's or the endpoint's stand-in. */
export interface Received {
  readonly project: string
  /** Path and query as received. */
  readonly target: string
  readonly requestId: string
  /** Of the body as received, content coding and all. Hex. */
  readonly sha256: string
  readonly body: Buffer
  readonly envelope: Envelope | null
}

export type OnReceived = (received: Received) => void

/** Relay's own CORS answers (relay-server, middlewares/cors.rs). */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'x-sentry-error,x-sentry-rate-limits,retry-after',
  vary: 'origin, access-control-request-method, access-control-request-headers'
}
const PREFLIGHT = {
  ...CORS,
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'x-sentry-auth,x-requested-with,x-forwarded-for,origin,referer,accept,content-type,authentication,authorization,content-encoding,transfer-encoding',
  'access-control-max-age': '3600'
}

const ENVELOPE_AT_RELAY = /^\/api\/(\d+)\/envelope\/?(?:\?|$)/
const ENVELOPE_AT_ENDPOINT = /^\/rum\/sentry\/[^/]+\/[^/]+\/api\/(\d+)\/envelope\/?(?:\?|$)/

/** Answers `POST /api/<id>/envelope/` and its preflight as Relay does, 401 without a key, 404 elsewhere. */
export function startRelay (onReceived: OnReceived): Promise<StandIn> {
  return listen(async (request, response) => {
    const received = await receive(request, ENVELOPE_AT_RELAY)
    if (received === null) return answer(response, 404, { detail: 'no such path' }, CORS)
    if (request.method === 'OPTIONS') return answer(response, 200, null, PREFLIGHT)
    if (request.method !== 'POST') return answer(response, 405, { detail: 'POST only' }, CORS)
    if (!hasKey(request, received.envelope)) return answer(response, 401, { detail: 'missing authorization information' }, CORS)

    onReceived(received)
    const id = received.envelope?.eventId
    answer(response, 200, id === null || id === undefined ? {} : { id }, CORS)
  })
}

/** Takes `POST /rum/sentry/<workspace>/<service>/api/<id>/envelope/`; does not look at the key, as RUM does not. */
export function startEndpoint (onReceived: OnReceived): Promise<StandIn> {
  return listen(async (request, response) => {
    const received = await receive(request, ENVELOPE_AT_ENDPOINT)
    if (received === null || request.method !== 'POST') return answer(response, 404, { error: 'not found' })
    onReceived(received)
    answer(response, 200, { code: 200, message: 'success' })
  })
}

/** A page on every path that says which UI it is and what it was asked for. */
export function startUi (name: string): Promise<StandIn> {
  return listen(async (request, response) => {
    request.resume()
    if (request.url === '/_health/') return answer(response, 200, { problems: [] })
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(`<!doctype html>
<title>${name}</title>
<style>body { font: 16px/1.5 system-ui; max-width: 40em; margin: 4em auto }</style>
<h1>${name}</h1>
<p>This page stands in for the Sentry UI <b>${name}</b>. The router sent you here.
<dl>
<dt>Path<dd><code>${escapeHtml(request.url ?? '')}</code>
<dt>Your address<dd><code>${escapeHtml(String(request.headers['x-forwarded-for'] ?? 'not told'))}</code>
<dt>Request id<dd><code>${escapeHtml(String(request.headers['x-request-id'] ?? 'none'))}</code>
</dl>
`)
  })
}

async function receive (request: IncomingMessage, path: RegExp): Promise<Received | null> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const target = request.url ?? ''
  const project = path.exec(target)?.[1]
  if (project === undefined) return null

  const body = Buffer.concat(chunks)
  return {
    project,
    target,
    requestId: String(request.headers['x-request-id'] ?? ''),
    sha256: createHash('sha256').update(body).digest('hex'),
    body,
    envelope: (await readEnvelope(body, request.headers['content-encoding'])).envelope
  }
}

/** The places Relay looks for the public key (relay-server, extractors/request_meta.rs). */
function hasKey (request: IncomingMessage, envelope: Envelope | null): boolean {
  const query = new URL(request.url ?? '/', 'http://stand-in').searchParams
  return /sentry_key=\w/.test(String(request.headers['x-sentry-auth'] ?? request.headers.authorization ?? '')) ||
    Boolean(query.get('sentry_key')) ||
    Boolean(envelope?.dsn)
}

function answer (response: ServerResponse, status: number, body: object | null, headers: Record<string, string> = {}): void {
  const text = body === null ? '' : JSON.stringify(body)
  response.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

async function listen (handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<StandIn> {
  const listener: RequestListener = (request, response) => {
    // A request cut short has nobody left to answer.
    handle(request, response).catch(() => { response.destroy() })
  }
  // Longer than the router keeps a pooled connection, as at Relay's and uWSGI's.
  const server = createServer({ keepAliveTimeout: 15_000 }, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    }
  }
}

function escapeHtml (text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
