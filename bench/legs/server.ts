/** Reads a body whole and answers with an event id: as the router's own server, and as node:http. Each says its port. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { Deadlines } from '../../src/http1/deadlines.ts'
import type { Exchange } from '../../src/http1/exchange.ts'
import { ServerConnection, type RequestListener } from '../../src/http1/server-connection.ts'

const ANSWER = Buffer.from('{"id":"6c3a3f0e1b3c4a55a8e8c0b4d2f1e9aa"}')
const TYPE = 'application/json'
const TIMEOUT_MS = 60_000

export async function serveHttp1 (): Promise<number> {
  const deadlines = new Deadlines()
  const timeouts = { headerTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: TIMEOUT_MS, sendTimeoutMs: TIMEOUT_MS, keepaliveTimeoutMs: TIMEOUT_MS }
  const requests: RequestListener = { onRequest: read, onMalformed: refuse, onHeadAborted: refuse }
  return await portOf(createServer({ allowHalfOpen: true, noDelay: true }, socket => new ServerConnection(socket, '80', timeouts, requests, deadlines)))
}

function read (exchange: Exchange): void {
  const chunks: Buffer[] = []
  exchange.connection.readBody({
    // A view of what was read: kept as the router keeps it.
    onData: piece => { chunks.push(Buffer.from(piece)) },
    onEnd: () => {
      exchange.start({ status: 200, reason: 'OK', block: `Content-Type: ${TYPE}\r\n`, length: ANSWER.length })
      exchange.write(ANSWER)
      exchange.end()
    },
    onFault: refuse
  }, Infinity)
}

function refuse (): void {
  throw new Error('a request was not as it should be')
}

export async function serveNodeHttp (): Promise<number> {
  return await portOf(createHttpServer({ noDelay: true, keepAliveTimeout: TIMEOUT_MS }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (piece: Buffer) => { chunks.push(piece) })
    request.on('end', () => {
      response.writeHead(200, 'OK', ['Content-Type', TYPE, 'Content-Length', String(ANSWER.length)])
      response.end(ANSWER)
    })
  }))
}

async function portOf (server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
