/** A server that answers every request with 200, but for the faults it is told to commit. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { Fault } from '../fixtures/faults.ts'
import { openBlackhole, type Blackhole } from '../parity/blackhole.ts'
import { createArrivals, type Arrivals } from './arrivals.ts'

export interface SeenRequest {
  readonly requestLine: string
  readonly requestId: string
  /** 1 for the first connection. */
  readonly connection: number
}

export interface FaultyServer {
  readonly port: number
  /** Requests that came whole. */
  readonly seen: Arrivals<SeenRequest>
  readonly connections: () => number
  /** The next connection, or the next request if it is a fault of one, meets the fault; all others are served. */
  readonly misbehave: (fault: Fault) => Promise<void>
  /** Faults that were committed. */
  readonly committed: () => number
  /** Ends a fault that lasts. */
  readonly recover: () => Promise<void>
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
/** So much of a body is some of it. */
const SOME_BYTES = 100_000

export async function startFaultyServer (t: Test): Promise<FaultyServer> {
  const seen = createArrivals<SeenRequest>('whole requests')
  const open = new Set<Socket>()
  let pending: Fault | null = null
  let connections = 0
  let committed = 0
  let blackhole: Blackhole | null = null

  function serve (socket: Socket): void {
    const connection = ++connections
    open.add(socket)
    socket.once('close', () => { open.delete(socket) })
    socket.on('error', () => {})
    if (commits('connection', socket)) socket.resume()
    else readRequests(socket, connection)
  }

  function commits (at: Fault['at'], socket: Socket): boolean {
    if (pending?.at !== at || typeof pending.act === 'string') return false
    const { act } = pending
    pending = null
    committed++
    act(socket)
    return true
  }

  function readRequests (socket: Socket, connection: number): void {
    let held = Buffer.alloc(0)
    let head: string | null = null
    let wantedBytes = 0

    function onData (data: Buffer): void {
      if (head === null) {
        held = Buffer.concat([held, data])
        const end = held.indexOf('\r\n\r\n')
        if (end === -1) return
        head = held.toString('latin1', 0, end)
        wantedBytes = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0) - (held.length - end - 4)
        if (commits('head', socket)) {
          socket.off('data', onData)
          return
        }
      } else wantedBytes -= data.length
      if (wantedBytes > 0) {
        if (socket.bytesRead > SOME_BYTES && commits('body', socket)) socket.off('data', onData)
        return
      }
      seen.add({ requestLine: head.slice(0, head.indexOf('\r\n')), requestId: /x-request-id: (\S+)/i.exec(head)?.[1] ?? '', connection })
      head = null
      held = Buffer.alloc(0)
      if (!commits('request', socket)) socket.write(ANSWER)
    }

    socket.on('data', onData)
  }

  let server = await listen(serve, 0)
  const { port } = server.address() as AddressInfo

  async function stop (): Promise<void> {
    for (const socket of open) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }

  async function recover (): Promise<void> {
    await blackhole?.close()
    blackhole = null
    if (!server.listening) server = await listen(serve, port)
  }

  t.teardown(async () => {
    await blackhole?.close()
    await stop()
  })
  return {
    port,
    seen,
    connections: () => connections,
    committed: () => committed,
    recover,
    async misbehave (fault) {
      // A fault is to be met by a connection of its own; what is pooled is found dead, and replaced.
      for (const socket of open) socket.destroy()
      if (fault.at === 'port') await stop()
      if (fault.act === 'drop') blackhole = await openBlackhole(port)
      pending = fault.at === 'port' ? null : fault
      if (fault.at === 'port') committed++
    }
  }
}

async function listen (serve: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ noDelay: true, allowHalfOpen: false }, serve).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
