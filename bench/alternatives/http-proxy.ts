/**
 * The alternative with the given packages: fastify and @fastify/http-proxy with
 * every cure their documentation has, undici for the copy. The plugin is no
 * dependency of ours: ALTERNATIVES names a folder that has it in node_modules.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import fastify, { type FastifyError, type FastifyInstance, type FastifyPluginCallback, type FastifyReply, type FastifyRequest } from 'fastify'
import { KNOWN_METHODS, mirrorAgent, sendCopy, statusOfError, statusOfParseError, upstreamAgent } from './legs.ts'
import { CLOSING, createProduct, MAX_BODY_BYTES, MAX_HEADER_BYTES, type Fields, type Forward, type Incoming } from './product.ts'

const httpProxy = createRequire(join(process.env['ALTERNATIVES'] ?? '.', 'package.json'))('@fastify/http-proxy') as FastifyPluginCallback<Record<string, unknown>>
const product = createProduct(process.env)
const upstreams = upstreamAgent(product.timeouts)
const endpoint = mirrorAgent(product.timeouts)
const bodies = new WeakMap<IncomingMessage, Buffer>()
const forwards = new WeakMap<IncomingMessage, Forward>()

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
  app.addHook('onRequest', (request, reply, done) => decide(port, request, reply, done))
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
    preHandler: (request: FastifyRequest, _reply: FastifyReply, done: () => void) => copy(request, done),
    replyOptions: {
      retryDelay: () => null,
      getUpstream: (request: FastifyRequest) => forwards.get(request.raw)?.origin,
      rewriteRequestHeaders: (request: FastifyRequest) => requestHeaders(request),
      rewriteHeaders: (headers: Record<string, string | string[]>, request: FastifyRequest) => responseHeaders(headers, forwards.get(request.raw)?.hidden ?? []),
      onError: (reply: FastifyReply, { error }: { error: { cause?: { code?: string }, code?: string } }) => { void reply.code(statusOfError(error.cause?.code ?? error.code)).type('text/html').send('') }
    }
  })
  app.server.keepAliveTimeoutBuffer = 0
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => app.routing(request, response))
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if ('forward' in product.decide(incoming(port, request))) response.writeContinue()
    app.routing(request, response)
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

/** Before the body is read. */
function decide (port: number, request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  dropMalformedContentType(request)
  const decision = product.decide(incoming(port, request.raw))
  if ('forward' in decision) {
    forwards.set(request.raw, decision.forward)
    done()
    return
  }
  if (CLOSING.includes(decision.answer)) reply.header('Connection', 'close')
  if (decision.location !== undefined) reply.header('Location', decision.location)
  void reply.code(decision.answer).type('text/html').send('')
}

function incoming (port: number, request: IncomingMessage): Incoming {
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    rawHeaders: request.rawHeaders,
    peer: request.socket.remoteAddress ?? '',
    port,
    minorVersion: request.httpVersionMinor === 0 ? 0 : 1
  }
}

/** Once the body is there: the copy goes out beside the request. */
function copy ({ raw, method }: FastifyRequest, done: () => void): void {
  raw.socket.setTimeout(0)
  const copied = forwards.get(raw)?.copy ?? null
  if (copied !== null) sendCopy(endpoint, product.endpointOrigin, method, copied, bodyOf(raw))
  done()
}

function bodyOf (request: IncomingMessage): Buffer {
  return bodies.get(request) ?? Buffer.alloc(0)
}

function requestHeaders ({ raw }: FastifyRequest): Record<string, string | string[]> {
  return grouped(forwards.get(raw)?.fields(bodyOf(raw).length) ?? [])
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
