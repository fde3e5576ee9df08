/**
 * The alternative with the given packages: fastify and @fastify/http-proxy with
 * every cure their documentation has, undici for the copy. The plugin is no
 * dependency of ours: ALTERNATIVES names a folder that has it in node_modules.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import fastify, { type FastifyError, type FastifyInstance, type FastifyPluginCallback, type FastifyReply, type FastifyRequest } from 'fastify'
import { KNOWN_METHODS, mirrorAgent, sendCopy, statusOfError, statusOfParseError, upstreamAgent } from './legs.ts'
import { createProduct, MAX_BODY_BYTES, MAX_HEADER_BYTES, type Fields, type Forward } from './product.ts'

interface Kept {
  readonly forward: Forward
  readonly body: Buffer
}

const httpProxy = createRequire(join(process.env['ALTERNATIVES'] ?? '.', 'package.json'))('@fastify/http-proxy') as FastifyPluginCallback<Record<string, unknown>>
const product = createProduct(process.env)
const upstreams = upstreamAgent(product.timeouts)
const endpoint = mirrorAgent(product.timeouts)
const bodies = new WeakMap<IncomingMessage, Buffer>()
const kept = new WeakMap<IncomingMessage, Kept>()

for (const port of [product.ports.p80, product.ports.p81]) await serve(port)

async function serve (port: number): Promise<void> {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    keepAliveTimeout: product.timeouts.keepaliveMs,
    connectionTimeout: product.timeouts.clientMs,
    requestTimeout: 0,
    exposeHeadRoutes: false,
    // The option for node's own server.
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: product.timeouts.clientMs },
    routerOptions: { maxParamLength: 16_384, caseSensitive: true },
    return503OnClosing: false,
    frameworkErrors: (_error, _request, reply: FastifyReply) => { void reply.code(400).header('Connection', 'close').send('') },
    clientErrorHandler: (error, socket) => {
      const status = statusOfParseError(error.code)
      if (socket.writable) socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
      else socket.destroy()
    }
  })
  for (const method of KNOWN_METHODS) {
    if (method !== 'GET' && method !== 'HEAD') app.addHttpMethod(method, { hasBody: true, overrideExisting: true })
  }
  readBodiesWhole(app)
  app.addHook('onRequest', async request => dropMalformedContentType(request))
  app.setErrorHandler((error: FastifyError, _request, reply) => { void reply.code(error.statusCode ?? 500).header('Connection', 'close').type('text/html').send('') })
  await app.register(httpProxy, {
    upstream: '',
    httpMethods: KNOWN_METHODS,
    undici: upstreams,
    proxyPayloads: false,
    disableRequestLogging: true,
    internalRewriteLocationHeader: false,
    disableCache: true,
    preRewrite: (target: string) => product.rewrite(target),
    preHandler: (request: FastifyRequest, reply: FastifyReply, done: () => void) => prepare(port, request, reply, done),
    replyOptions: {
      retryDelay: () => null,
      getUpstream: (request: FastifyRequest) => kept.get(request.raw)?.forward.origin,
      rewriteRequestHeaders: (request: FastifyRequest) => requestHeaders(kept.get(request.raw)),
      rewriteHeaders: (headers: Record<string, string | string[]>, request: FastifyRequest) => responseHeaders(headers, kept.get(request.raw)?.forward.hidden ?? []),
      onError: (reply: FastifyReply, { error }: { error: { cause?: { code?: string }, code?: string } }) => { void reply.code(statusOfError(error.cause?.code ?? error.code)).type('text/html').send('') }
    }
  })
  await app.listen({ port, host: '127.0.0.1' })
}

/** As a stream: the plugin would encode a buffer once more if it is JSON. */
function readBodiesWhole (app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    const whole = Buffer.isBuffer(body) ? body : Buffer.from(body)
    bodies.set(request.raw, whole)
    done(null, Readable.from([whole]))
  })
}

/** Fastify answers 415 for one it cannot read; the header still goes upstream. */
function dropMalformedContentType (request: FastifyRequest): void {
  const type = request.raw.headers['content-type']
  if (type !== undefined && !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+/.test(type)) delete request.raw.headers['content-type']
}

function prepare (port: number, request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const decision = product.decide({
    method: request.method,
    target: request.raw.url ?? '/',
    rawHeaders: request.raw.rawHeaders,
    peer: request.raw.socket.remoteAddress ?? '',
    port,
    minorVersion: request.raw.httpVersionMinor === 0 ? 0 : 1
  })
  if ('answer' in decision) {
    if (decision.answer === 400 || decision.answer === 405) reply.header('Connection', 'close')
    if (decision.location !== undefined) reply.header('Location', decision.location)
    void reply.code(decision.answer).type('text/html').send('')
    return
  }

  const body = bodies.get(request.raw) ?? Buffer.alloc(0)
  kept.set(request.raw, { forward: decision.forward, body })
  const { copy } = decision.forward
  if (copy !== null) sendCopy(endpoint, product.endpointOrigin, request.method, copy, body)
  done()
}

function requestHeaders (request: Kept | undefined): Record<string, string | string[]> {
  return request === undefined ? {} : grouped(request.forward.fields(request.body.length))
}

function responseHeaders (headers: Record<string, string | string[]>, hidden: readonly string[]): Record<string, string | string[]> {
  const raw = Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap(text => [name, text]))
  return grouped(product.responseFields(raw, hidden))
}

/** The plugin takes an object: a field that comes twice is a list. */
function grouped (fields: Fields): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = {}
  for (const [name, value] of fields) {
    const before = out[name]
    out[name] = before === undefined ? value : [before, value].flat()
  }
  return out
}
