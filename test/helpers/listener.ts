/** A listener of the HTTP/1 engine with a test's own handler behind it, in this process. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { Admission, type ConnectionLimits } from '../../src/http1/admission.ts'
import { Deadlines } from '../../src/http1/deadlines.ts'
import type { Exchange } from '../../src/http1/exchange.ts'
import { Listener } from '../../src/http1/listener.ts'
import { Refusals } from '../../src/http1/refusals.ts'
import type { ConnectionTimeouts, RequestListener } from '../../src/http1/server-connection.ts'
import { freePorts } from '../../src/demo/router-process.ts'

export interface StartedListener {
  readonly listener: Listener
  readonly port: number
  /** Why clients were refused, and what made room for others; in order. */
  readonly refused: readonly string[]
  readonly reclaimed: readonly string[]
}

const TIMEOUTS: ConnectionTimeouts = { headerTimeoutMs: 60_000, bodyTimeoutMs: 60_000, sendTimeoutMs: 60_000, keepaliveTimeoutMs: 75_000 }

export async function startListener (t: Test, requests: RequestListener, timeouts: Partial<ConnectionTimeouts> = {}, limits: Partial<ConnectionLimits> = {}): Promise<StartedListener> {
  const [port = 0] = await freePorts(1)
  const deadlines = new Deadlines()
  const refused: string[] = []
  const reclaimed: string[] = []
  const listener = new Listener({
    host: '127.0.0.1',
    port,
    reusePort: false,
    timeouts: () => ({ ...TIMEOUTS, ...timeouts }),
    requests,
    deadlines,
    admission: new Admission({ limits: () => ({ maxConnections: Infinity, maxConnectionsPerAddress: Infinity, ...limits }), addressKey: peer => peer, onReclaimed: state => { reclaimed.push(state) } }),
    refusals: new Refusals('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', deadlines),
    onRefused: reason => { refused.push(reason) }
  })
  await listener.listen()
  t.teardown(() => { listener.destroy() })
  return { listener, port, refused, reclaimed }
}

/** Answers with the body; a malformed request with its code. */
export function answerText (exchange: Exchange, status: number, text: string): void {
  exchange.start({ status, reason: 'Text', block: '', length: text.length })
  if (text !== '') exchange.write(Buffer.from(text))
  exchange.end()
}

/** A connected client that is gone at the end of the test. What the server does to it is no error. */
export async function openSocket (t: Test, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  socket.on('error', () => {})
  t.teardown(() => { socket.destroy() })
  await once(socket, 'connect')
  return socket
}

/** What comes until the other side ends, and how it ended. */
export async function untilEnd (socket: Socket): Promise<{ text: string, end: 'fin' | 'reset' }> {
  const pieces: Buffer[] = []
  let end: 'fin' | 'reset' = 'fin'
  socket.on('data', (piece: Buffer) => { pieces.push(piece) })
  socket.on('error', () => { end = 'reset' })
  await Promise.race([once(socket, 'end'), new Promise(resolve => { socket.once('close', resolve) })]).catch(() => {})
  return { text: Buffer.concat(pieces).toString('latin1'), end }
}

/** Resolves once `reached`; rejects after 10 s. */
export async function eventually (reached: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!reached()) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${what}`)
    await new Promise(resolve => { setTimeout(resolve, 5) })
  }
}
