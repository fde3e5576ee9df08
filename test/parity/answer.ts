/** What a backend answers: an action of a case as bytes on a socket. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expand } from './bytes.ts'
import type { Action, BackendName } from './types.ts'

const CHUNK_BYTES = 16_384

interface AnswerBytes {
  readonly head: Buffer
  readonly body: Buffer
}

/** Status line, headers and framed body of an action that is not a fault. */
export function answerBytes (backend: BackendName, method: string, action: Action): AnswerBytes {
  const interim = expand(action.interim ?? '')
  if (action.raw !== undefined) return { head: interim, body: expand(action.raw) }

  const status = action.status ?? 200
  const bodyless = status === 204 || status === 304
  const framing = action.framing ?? (bodyless ? 'none' : 'cl')
  const plain = expand(action.body ?? `{"backend":"${backend}"}`)
  const headers = [...(action.replace ?? usualHeaders(backend, action))]
  if (framing === 'cl') headers.push(['Content-Length', String(plain.length)])
  if (framing === 'chunked') headers.push(['Transfer-Encoding', 'chunked'])
  if (framing === 'close') headers.push(['Connection', 'close'])
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const head = Buffer.concat([interim, Buffer.from(`HTTP/1.1 ${status} ${action.reason ?? 'OK'}\r\n${lines}\r\n`, 'latin1')])

  if (method === 'HEAD' || bodyless) return { head, body: Buffer.alloc(0) }
  const framed = framing === 'chunked' ? chunked(plain, action) : plain
  return { head, body: framed.subarray(0, action.partial ?? framed.length) }
}

function usualHeaders (backend: BackendName, action: Action): readonly (readonly [string, string])[] {
  return [
    ['Date', 'Mon, 01 Jan 2024 00:00:00 GMT'],
    ['Server', 'upstream/9.9'],
    ['Content-Type', 'application/json'],
    ['X-Backend', backend],
    ...(action.headers ?? [])
  ]
}

function chunked (body: Buffer, action: Action): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const chunk = body.subarray(at, at + CHUNK_BYTES)
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  // A body that is cut short has no last chunk.
  if (action.partial === undefined) parts.push(Buffer.from(`0\r\n${action.trailers ?? ''}\r\n`))
  return Buffer.concat(parts)
}

/**
 * Writes the answer with the pauses the action asks for.
 *
 * @returns `null` when everything went out at once.
 */
export function writeAnswer (socket: Socket, bytes: AnswerBytes, action: Action): Promise<void> | null {
  if (action.drip === undefined && action.gap === undefined) {
    socket.write(Buffer.concat([bytes.head, bytes.body]))
    return null
  }
  if (bytes.head.length > 0) socket.write(bytes.head)
  return action.gap === undefined ? drip(socket, bytes.body, action.drip) : writeLater(socket, bytes.body, action.gap)
}

async function writeLater (socket: Socket, body: Buffer, delayMs: number): Promise<void> {
  await sleep(delayMs)
  socket.write(body)
}

async function drip (socket: Socket, body: Buffer, pauseMs = 0): Promise<void> {
  for (const byte of body) {
    await sleep(pauseMs)
    if (socket.destroyed) return
    socket.write(Buffer.of(byte))
  }
}
