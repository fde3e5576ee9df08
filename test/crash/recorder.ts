/**
 * A stand-in for Relay or the RUM endpoint that remembers of each request its digest
 * only, so that a test can send gigabytes; and that can stop listening and come back.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { freePorts } from '../../src/demo/router-process.ts'
import { nonceOf } from './load.ts'

export interface Arrival {
  /** `X-Request-Id`. */
  readonly id: string
  /** SHA-256 of the body, in hex. */
  readonly digest: string
  readonly bytes: number
  /** The status that was written in full; `null` while none was. */
  answered: number | null
}

export interface Recorder {
  readonly port: number
  /** Whole requests by the number their client gave them, in the order of arrival. */
  readonly arrivals: ReadonlyMap<string, readonly Arrival[]>
  /** Requests that were answered with a status that ends the matter: 2xx, or 400. */
  readonly settled: () => number
  readonly respondWith: (respond: Respond) => void
  /** Connections are refused, and those that are open end. */
  readonly refuse: () => Promise<void>
  /** Listens again, on the same port. */
  readonly accept: () => Promise<void>
}

/** What is done with a whole request. */
export type Respond = (answer: (status: number) => void, request: IncomingMessage) => void

export const responds = {
  status: (status: number): Respond => answer => { answer(status) },
  after: (ms: number, status: number): Respond => answer => { setTimeout(() => { answer(status) }, ms) },
  never: (): Respond => () => {},
  reset: (): Respond => (_answer, request) => { request.socket.resetAndDestroy() }
}

export async function startRecorder (t: Test, first: Respond): Promise<Recorder> {
  const arrivals = new Map<string, Arrival[]>()
  let respond = first
  let settled = 0

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const hash = createHash('sha256')
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bytes += chunk.length
    })
    // A router that is killed leaves in the middle of a request.
    request.on('error', () => {})
    request.on('end', () => {
      const arrival: Arrival = { id: String(request.headers['x-request-id']), digest: hash.digest('hex'), bytes, answered: null }
      const nonce = nonceOf(request.url ?? '')
      const earlier = arrivals.get(nonce)
      if (earlier === undefined) arrivals.set(nonce, [arrival])
      else earlier.push(arrival)
      respond(status => { answer(response, arrival, status) }, request)
    })
  })

  function answer (response: ServerResponse, arrival: Arrival, status: number): void {
    if (response.socket === null || response.socket.destroyed) return
    response.writeHead(status, { 'Content-Length': 2 }).end('{}', () => {
      arrival.answered = status
      if (status < 300 || status === 400) settled++
    })
  }

  async function accept (): Promise<void> {
    if (server.listening) return
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }

  async function refuse (): Promise<void> {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }

  // One below the range of outgoing ports: it must be free when the stand-in comes back.
  const [port = 0] = await freePorts(1)
  await accept()
  t.teardown(refuse)
  return { port, arrivals, settled: () => settled, respondWith: next => { respond = next }, refuse, accept }
}
