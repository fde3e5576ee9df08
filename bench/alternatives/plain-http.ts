/**
 * The alternative without a framework: node:http for clients, undici for both
 * legs. Started by the parity suite; see count.ts.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { mirrorAgent, sendCopy, statusOfError, statusOfParseError, upstreamAgent } from './legs.ts'
import { CLOSING, createProduct, MAX_BODY_BYTES, MAX_HEADER_BYTES, type Forward, type Incoming } from './product.ts'

const product = createProduct(process.env)
const upstreams = upstreamAgent(product.timeouts)
const endpoint = mirrorAgent(product.timeouts)

for (const port of [product.ports.p80, product.ports.p81]) {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: product.timeouts.keepaliveMs,
    headersTimeout: product.timeouts.clientMs,
    requestTimeout: 0,
    connectionsCheckingInterval: 250
  }, (request, response) => { void handle(port, request, response) })
  // A silence while the client sends; lifted once it has.
  server.setTimeout(product.timeouts.clientMs)
  server.keepAliveTimeoutBuffer = 0
  tune(server, port)
  server.listen(port, '127.0.0.1')
}

function tune (server: Server, port: number): void {
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => { void handle(port, request, response) })
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if ('forward' in product.decide(incoming(port, request))) response.writeContinue()
    void handle(port, request, response)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const status = statusOfParseError(error.code)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
  })
}

async function handle (port: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const decision = product.decide(incoming(port, request))
  if ('answer' in decision) {
    if (decision.location !== undefined) response.setHeader('Location', decision.location)
    answer(response, decision.answer, CLOSING.includes(decision.answer))
    request.resume()
    return
  }

  const body = await readBody(request)
  if (body === 'too large') answer(response, 413, true)
  if (!Buffer.isBuffer(body)) return
  request.socket.setTimeout(0)
  response.once('finish', () => request.socket.setTimeout(product.timeouts.keepaliveMs))
  if (decision.forward.copy !== null) sendCopy(endpoint, product.endpointOrigin, request.method ?? 'GET', decision.forward.copy, body)
  forward(request.method ?? 'GET', decision.forward, body, response)
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

async function readBody (request: IncomingMessage): Promise<Buffer | 'too large' | 'client left'> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > MAX_BODY_BYTES) return 'too large'
      chunks.push(chunk)
    }
  } catch {
    // The client left, or its chunks were malformed: clientError has answered.
    return 'client left'
  }
  return Buffer.concat(chunks)
}

function answer (response: ServerResponse, status: number, close: boolean): void {
  if (close) response.setHeader('Connection', 'close')
  response.writeHead(status, { 'Content-Type': 'text/html' }).end()
}

function forward (method: string, { origin, target, fields, hidden }: Forward, body: Buffer, response: ServerResponse): void {
  upstreams.dispatch({ origin, path: target, method, headers: flat(fields(body.length)), body: body.length > 0 ? body : null }, {
    onRequestStart () { /* undici wants it. */ },
    onResponseStart (controller, status, _headers, reason) {
      if (status < 200) return
      const headers = flat(product.responseFields(rawHeaders(controller.rawHeaders), hidden))
      response.writeHead(status, reason ?? '', headers)
    },
    onResponseData (_controller, chunk) { response.write(chunk) },
    onResponseEnd () { response.end() },
    onResponseError (_controller, error) {
      if (response.headersSent) response.destroy()
      else answer(response, statusOfError(Reflect.get(error, 'code')), false)
    }
  })
}

function flat (fields: readonly (readonly [string, string])[]): string[] {
  return fields.flat()
}

function rawHeaders (raw: unknown): string[] {
  return Array.isArray(raw) ? raw.map(text => Buffer.isBuffer(text) ? text.toString('latin1') : String(text)) : []
}
