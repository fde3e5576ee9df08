/**
 * A server that keeps every byte it is sent, connection by connection, and answers
 * what it takes for requests: as one of the generous personalities, or as Node.
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import { readAs, type Personality } from './personalities.ts'

export interface RecordingServer {
  readonly port: number
  /** What came over each connection so far, latin1, in the order they were accepted. */
  readonly streams: () => string[]
  /** The same since the last call; it is forgotten. */
  readonly take: () => string[]
}

/** Answers with the target, so that an answer says whose it is. @param acts - `null`: Node's own server. */
export async function startRecordingServer (t: Test, acts: Personality | null): Promise<RecordingServer> {
  const streams: string[][] = []
  const open = new Set<Socket>()
  const record = (socket: Socket): void => {
    const pieces: string[] = []
    streams.push(pieces)
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => { open.delete(socket) })
    socket.on('error', () => {})
    socket.on('data', (piece: Buffer) => { pieces.push(piece.toString('latin1')) })
  }
  const server = acts === null ? asNode().on('connection', record) : createServer(socket => {
    record(socket)
    answerAs(acts, socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, streams: () => streams.map(pieces => pieces.join('')), take: () => streams.map(pieces => pieces.splice(0).join('')).filter(stream => stream !== '') }
}

function asNode (): Server {
  return createHttpServer({ requireHostHeader: false, keepAliveTimeout: 60_000, maxHeaderSize: 1024 * 1024 }, (request, response) => {
    request.resume().on('end', () => { response.end(request.url) })
  })
}

function answerAs (personality: Personality, socket: Socket): void {
  let pending = ''
  socket.on('data', (piece: Buffer) => {
    pending += piece.toString('latin1')
    for (const request of readAs(personality, pending)) {
      const at = pending.indexOf(request.raw)
      if (at === -1) return
      pending = pending.slice(at + request.raw.length)
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${request.target.length}\r\n\r\n${request.method === 'HEAD' ? '' : request.target}`, 'latin1')
    }
  })
}
