/**
 * Backends that record what they are sent, byte by byte, and answer as a test says.
 * They speak over node:net, so that a head is seen as it was written, and so that
 * an answer may be late, cut short, or no answer at all.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import { headerValue } from '../../src/http1/message.ts'
import { createArrivals } from './arrivals.ts'

export interface Recorded {
  readonly method: string
  /** The request target as received. */
  readonly target: string
  /** The whole head as received, with the empty line. */
  readonly head: Buffer
  /** Name and value in turn, in the order and case received; bytes as latin1. */
  readonly headers: readonly string[]
  /** Unchunked, otherwise as received. */
  readonly body: Buffer
  /** 1 for the first connection this backend accepted. */
  readonly connection: number
}

/** What a backend does once a request is complete. Called with the socket it came on. */
export type Answer = (request: Recorded, socket: Socket) => void

export interface Backend {
  readonly port: number
  /** Complete requests, in the order of their last byte. */
  readonly requests: readonly Recorded[]
  /** Connections accepted so far. */
  readonly connections: () => number
  /** What is done with requests from now on. */
  readonly answerWith: (answer: Answer) => void
  /** Resolves once `count` requests are complete; rejects, saying how many there are, after `timeoutMs`. */
  readonly received: (count: number, timeoutMs?: number) => Promise<readonly Recorded[]>
  readonly stop: () => Promise<void>
}

/** The first value of a header. @param name - Lower case. */
export function header (request: Recorded, name: string): string | undefined {
  return headerValue(request.headers, name)
}

export const answers = {
  status: (status: string, body: string | Buffer = '', headers: readonly string[] = []): Answer => (_request, socket) => {
    const lines = [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers]
    socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]))
  },
  after: (ms: number, answer: Answer): Answer => (request, socket) => {
    const timer = setTimeout(() => { answer(request, socket) }, ms)
    socket.once('close', () => { clearTimeout(timer) })
  },
  never: (): Answer => () => {},
  reset: (): Answer => (_request, socket) => { socket.resetAndDestroy() }
}

/** @param port - 0 takes any free one; another is for a backend that comes back. */
export async function startBackend (t: Test, answer: Answer = answers.status('200 OK', 'ok'), port = 0, host = '127.0.0.1'): Promise<Backend> {
  const requests = createArrivals<Recorded>('requests arrived')
  const open = new Set<Socket>()
  let connections = 0
  let answerNow = answer

  const server = createServer({ noDelay: true }, socket => {
    const connection = ++connections
    open.add(socket)
    socket.once('close', () => { open.delete(socket) })
    // A peer that goes away is what some tests are about.
    socket.on('error', () => {})
    readRequests(socket, connection, request => {
      requests.add(request)
      answerNow(request, socket)
    })
  })
  server.listen(port, host)
  await once(server, 'listening')

  const stop = (): Promise<void> => stopServer(server, open)
  t.teardown(stop)
  return {
    port: (server.address() as AddressInfo).port,
    requests: requests.all,
    connections: () => connections,
    answerWith: next => { answerNow = next },
    received: requests.atLeast,
    stop
  }
}

async function stopServer (server: Server, open: Set<Socket>): Promise<void> {
  for (const socket of open) socket.destroy()
  if (!server.listening) return
  server.close()
  await once(server, 'close')
}

function readRequests (socket: Socket, connection: number, onRequest: (request: Recorded) => void): void {
  let held: Buffer[] = []
  let heldBytes = 0
  let wanted = 0

  socket.on('data', (chunk: Buffer) => {
    held.push(chunk)
    heldBytes += chunk.length
    while (heldBytes >= wanted) {
      const bytes = Buffer.concat(held)
      const read = readRequest(bytes)
      if (typeof read === 'number') {
        held = [bytes]
        wanted = read
        return
      }
      held = [bytes.subarray(read.length)]
      heldBytes -= read.length
      wanted = 1
      onRequest({ ...read.request, connection })
    }
  })
}

/** The first request in `bytes`, and its length; or how many bytes there must be before it is worth looking again. */
function readRequest (bytes: Buffer): { request: Omit<Recorded, 'connection'>, length: number } | number {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return bytes.length + 1
  const head = bytes.subarray(0, end + 4)
  const [requestLine = '', ...lines] = head.subarray(0, end).toString('latin1').split('\r\n')
  const [method = '', target = ''] = requestLine.split(' ')
  const headers = lines.flatMap(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })

  const bodyBytes = Number(headerValue(headers, 'content-length') ?? 0)
  // The router writes Content-Length always; a backend that is sent chunks has found a fault.
  if (headerValue(headers, 'transfer-encoding') !== undefined) throw new Error('A backend was sent a chunked body.')
  const length = head.length + bodyBytes
  if (bytes.length < length) return length
  return { request: { method, target, head, headers, body: bytes.subarray(head.length, length) }, length }
}
