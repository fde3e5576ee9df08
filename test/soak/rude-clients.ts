/** Clients that leave, and clients that send what is no request. Raw sockets: no library would do it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../crash/random.ts'
import type { Envelope } from './envelopes.ts'

/** The bytes of a request with Content-Length. */
export function bytesOf ({ target, headers, body }: Envelope, connection = 'keep-alive'): Buffer {
  const lines = Object.entries({ ...headers, 'Content-Length': body.length, Connection: connection }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${target} HTTP/1.1\r\nHost: sentry.example.test\r\n${lines.join('')}\r\n`, 'latin1'), body])
}

/** How far a client gets before it leaves. `whole`: its last byte is out. */
export const STAGES = ['connected', 'in-head', 'in-body', 'whole', 'whole-half-closed', 'in-answer'] as const
export type Stage = typeof STAGES[number]

export const sendsWhole = (stage: Stage): boolean => stage === 'whole' || stage === 'whole-half-closed' || stage === 'in-answer'

/** Never rejects: whatever becomes of it, the client is not there to see. */
export async function leave (port: number, envelope: Envelope, stage: Stage, random: Random): Promise<void> {
  const socket = await dial(port)
  if (socket === null) return
  const bytes = bytesOf(envelope)
  const headBytes = bytes.length - envelope.body.length
  const sentBytes = stage === 'connected' ? 0 : stage === 'in-head' ? headBytes >> 1 : stage === 'in-body' ? headBytes + (envelope.body.length >> 1) : bytes.length
  if (sentBytes > 0) await written(socket, bytes.subarray(0, sentBytes))
  switch (stage) {
    case 'in-answer':
      await Promise.race([once(socket, 'data'), once(socket, 'close'), sleep(8_000)]).catch(() => {})
      break
    case 'whole-half-closed':
      socket.end()
      socket.resume()
      await Promise.race([once(socket, 'close'), sleep(8_000)]).catch(() => {})
      break
    default:
      await sleep(random.between(0, 200))
  }
  if (random.chance(0.5)) socket.resetAndDestroy()
  else socket.destroy()
}

const HEAD = 'POST /api/1/envelope/?sentry_key=malformed HTTP/1.1\r\n'
const HOST = 'Host: sentry.example.test\r\n'

/** Each is refused, and nothing of it reaches anyone. */
const MALFORMED = [
  'GET / HTTP/9.9\r\n\r\n',
  'hello\r\n\r\n',
  `${HEAD}${HOST}Content-Length: 1x\r\n\r\n{`,
  `${HEAD}${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
  `${HEAD}${HOST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${HEAD}${HOST}Transfer-Encoding: chunky\r\n\r\n0\r\n\r\n`,
  `${HEAD}${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
  `${HEAD}Content-Length: 0\r\n\r\n`,
  `${HEAD}${HOST}Content-Length: 209715200\r\n\r\n`,
  `${HEAD}${HOST}X: ${'x'.repeat(70_000)}\r\n\r\n`,
  `${HEAD}${HOST}X: a\0b\r\nContent-Length: 0\r\n\r\n`,
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(300, '\x07')
] as const

/** @returns What was wrong about the answer; `null` when the request was refused. */
export async function sendMalformed (port: number, random: Random): Promise<string | null> {
  const text = random.pick(MALFORMED)
  const socket = await dial(port)
  if (socket === null) return 'no connection'
  await written(socket, Buffer.from(text, 'latin1'))
  const answer = await readToEnd(socket, 10_000)
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
  return status === 0 || status >= 400 ? null : `${JSON.stringify(text.slice(0, 120))} was answered ${status}`
}

/** Two requests in one write. @returns Everything that came back. */
export async function sendTogether (port: number, first: Envelope, second: Envelope): Promise<string> {
  const socket = await dial(port)
  if (socket === null) throw new Error('no connection')
  await written(socket, Buffer.concat([bytesOf(first), bytesOf(second, 'close')]))
  return await readToEnd(socket, 40_000)
}

async function dial (port: number): Promise<Socket | null> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  try {
    await once(socket, 'connect')
  } catch {
    return null
  }
  // Being cut off is part of being rude.
  socket.on('error', () => {})
  return socket
}

/** Resolves once the bytes are with the kernel, or cannot be. */
function written (socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise(resolve => {
    socket.once('close', () => { resolve() })
    socket.write(bytes, () => { resolve() })
  })
}

/** What comes until the other side ends, or is silent for too long. */
async function readToEnd (socket: Socket, timeoutMs: number): Promise<string> {
  let text = ''
  socket.setEncoding('latin1')
  socket.setTimeout(timeoutMs, () => { socket.destroy() })
  socket.on('data', (part: string) => { if (text.length < 1_000_000) text += part })
  const closed = new Promise<void>(resolve => { socket.once('close', () => { resolve() }) })
  socket.once('end', () => { socket.end() })
  if (!socket.closed) await closed
  return text
}
