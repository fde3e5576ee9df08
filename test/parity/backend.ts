/**
 * A backend of the suite: reads HTTP/1 from raw sockets, writes down every
 * request, and answers as the case says, faults included.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerBytes, writeAnswer } from './answer.ts'
import { received } from './bytes.ts'
import { openBlackhole, type Blackhole } from './blackhole.ts'
import { BodyReader } from './body-reader.ts'
import { takeHead, valuesOf, type Head } from './head.ts'
import type { Action, BackendMode, BackendName, RequestSeen } from './types.ts'

const BIND_ATTEMPTS = 40
/** Lets the bytes before a reset arrive. */
const RESET_DELAY_MS = 30

/** One request in the making on one connection. */
interface Exchange {
  readonly seen: RequestSeen
  readonly action: Action
  readonly body: BodyReader
  /** The whole answer was written. */
  answered: boolean
  /** The backend cuts the connection itself, so the peer's leaving says nothing. */
  cut: boolean
}

interface Connection {
  readonly socket: Socket
  readonly number: number
  buffer: Buffer
  exchange: Exchange | null
  gone: boolean
}

export class Backend {
  /** What arrived in this case. */
  records: RequestSeen[] = []
  /** When something last happened, on the clock of `performance.now()`. */
  lastActivity = 0
  readonly name: BackendName
  readonly port: number
  readonly #isLate: (requestId: string) => boolean
  #script: Action[] = []
  #sticky: Action = {}
  #startedAt = 0
  #connections = 0
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #mode: BackendMode = 'refuse'
  #blackhole: Blackhole | null = null

  /** `isLate` tells whether a request belongs to an earlier case: it is answered 200 and not recorded. */
  constructor (name: BackendName, port: number, isLate: (requestId: string) => boolean) {
    this.name = name
    this.port = port
    this.#isLate = isLate
  }

  /** Begins a case. */
  reset (script: readonly Action[], sticky: Action = {}): void {
    this.records = []
    this.#script = [...script]
    this.#sticky = sticky
    this.#connections = 0
    this.#startedAt = performance.now()
  }

  async setMode (mode: BackendMode): Promise<void> {
    if (mode === this.#mode) return
    await this.#blackhole?.close()
    this.#blackhole = null
    await this.#unlisten()

    if (mode === 'up') await this.#listen()
    if (mode === 'blackhole') this.#blackhole = await openBlackhole(this.port)
    this.#mode = mode
  }

  closeConnections (): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  async #listen (): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#server = await listening(this.port, socket => this.#accept(socket))
        return
      } catch (error) {
        // The port of a backend that was just taken down can be busy for a moment.
        if (attempt === BIND_ATTEMPTS) throw error
        await sleep(50)
      }
    }
  }

  async #unlisten (): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const closed = new Promise<void>(resolve => { server.close(() => resolve()) })
    this.closeConnections()
    await closed
  }

  #accept (socket: Socket): void {
    const connection: Connection = { socket, number: ++this.#connections, buffer: Buffer.alloc(0), exchange: null, gone: false }
    this.#sockets.add(socket)
    this.lastActivity = performance.now()
    socket.on('error', error => this.#peerGone(connection, 'code' in error && error.code === 'ECONNRESET' ? 'rst' : 'close'))
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#peerGone(connection, 'close')
    })

    if (this.#refuseConnection(connection)) return
    socket.on('data', data => {
      this.lastActivity = performance.now()
      const bytes = received(data)
      connection.buffer = connection.buffer.length === 0 ? bytes : Buffer.concat([connection.buffer, bytes])
      this.#read(connection)
    })
    socket.on('end', () => {
      this.#peerGone(connection, 'fin')
      socket.end()
    })
  }

  /** The scripted faults that come before any request. */
  #refuseConnection (connection: Connection): boolean {
    const kind = this.#script[0]?.kind
    if (kind !== 'rst-accept' && kind !== 'close-accept') return false
    this.#script.shift()
    this.records.push({ line: '<accept>', headers: [], conn: connection.number, t: this.#elapsed(), framing: 'none', complete: false, bodyLen: 0 })
    if (kind === 'rst-accept') connection.socket.resetAndDestroy()
    else connection.socket.end()
    return true
  }

  #peerGone (connection: Connection, how: 'fin' | 'rst' | 'close'): void {
    this.lastActivity = performance.now()
    connection.gone = true
    const exchange = connection.exchange
    if (exchange === null || exchange.answered || exchange.cut || exchange.seen.abort !== undefined) return
    exchange.seen.abort = how
    exchange.seen.abortPhase = exchange.body.done ? 'before-response-end' : 'mid-body'
  }

  #read (connection: Connection): void {
    do {
      connection.exchange ??= this.#begin(connection)
      const exchange = connection.exchange
      // Either more bytes are needed, or the answer to the last request is still being made.
      if (exchange === null || exchange.body.done) return

      connection.buffer = exchange.body.take(connection.buffer)
      exchange.seen.bodyLen = exchange.body.length
      if (!exchange.body.done) return

      exchange.seen.complete = true
      exchange.seen.bodySha = exchange.body.digest()
      if (exchange.action.when !== 'head') void this.#answer(connection, exchange)
      else if (exchange.answered) connection.exchange = null
    } while (connection.exchange === null)
  }

  #begin (connection: Connection): Exchange | null {
    const taken = takeHead(connection.buffer)
    if (taken === null) return null
    connection.buffer = taken.rest

    const exchange = this.#open(connection, taken.head)
    if (exchange.action.when === 'head') void this.#answer(connection, exchange)
    return exchange
  }

  #open (connection: Connection, head: Head): Exchange {
    const chunked = valuesOf(head.headers, 'transfer-encoding').length > 0
    const [length] = valuesOf(head.headers, 'content-length')
    const seen: RequestSeen = {
      line: head.line,
      headers: head.headers,
      conn: connection.number,
      t: this.#elapsed(),
      framing: chunked ? 'chunked' : length === undefined ? 'none' : 'cl',
      complete: false,
      bodyLen: 0
    }
    const late = valuesOf(head.headers, 'x-request-id').some(this.#isLate)
    if (!late) this.records.push(seen)
    const action = late ? {} : this.#script.shift() ?? this.#sticky
    return { seen, action, body: new BodyReader(chunked ? 'chunked' : { length: Number(length ?? 0) }), answered: false, cut: false }
  }

  async #answer (connection: Connection, exchange: Exchange): Promise<void> {
    const { socket } = connection
    const { action, seen } = exchange
    if (action.delay !== undefined) await sleep(action.delay)
    if (connection.gone || action.kind === 'hang') return
    if (action.kind !== undefined) {
      exchange.cut = true
      if (action.kind === 'rst') socket.resetAndDestroy()
      else socket.end()
      return
    }

    const after = action.after ?? (action.framing === 'close' ? 'close' : 'keep')
    exchange.cut = after === 'close' || after === 'rst'
    const written = writeAnswer(socket, answerBytes(this.name, seen.line.split(' ', 1)[0] ?? '', action), action)
    if (written !== null) await written
    if (after === 'hang') return
    exchange.answered = action.partial === undefined
    if (after === 'keep') {
      this.#finish(connection, exchange)
      return
    }
    if (after === 'close') {
      socket.end()
      return
    }
    await sleep(RESET_DELAY_MS)
    socket.resetAndDestroy()
  }

  #finish (connection: Connection, exchange: Exchange): void {
    if (connection.exchange !== exchange || !exchange.body.done) return
    connection.exchange = null
    this.#read(connection)
  }

  #elapsed (): number {
    return Math.round(performance.now() - this.#startedAt)
  }
}

function listening (port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, onConnection)
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', backlog: 1024 }, () => resolve(server))
  })
}
