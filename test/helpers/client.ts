/** A client connection in a test's own hands: bytes out, answers in, and any way to leave. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { headerValue } from '../../src/http1/message.ts'

export interface Connection {
  readonly socket: Socket
  /** Resolves when the bytes have been handed to the kernel. Strings are latin1. */
  readonly send: (bytes: string | Buffer) => Promise<void>
  /** The next answer in full; it must say its Content-Length. Rejects after 15 s, or when the connection ends first. */
  readonly answer: () => Promise<ClientAnswer>
}

export interface ClientAnswer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
}

const ANSWER_TIMEOUT_MS = 15_000

/** Connected when it resolves, and gone at the end of the test. */
export async function openConnection (t: Test, port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  // Leaving in a rude way is what some tests are about; `answer` notices the end.
  socket.on('error', () => {})
  t.teardown(() => { socket.destroy() })

  let held: Buffer[] = []
  let heldBytes = 0
  let look: (() => void) | null = null
  socket.on('data', (chunk: Buffer) => {
    held.push(chunk)
    heldBytes += chunk.length
    look?.()
  })
  socket.on('close', () => { look?.() })

  return {
    socket,
    send: bytes => new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => { if (error) reject(error); else resolve() }
      if (typeof bytes === 'string') socket.write(bytes, 'latin1', done)
      else socket.write(bytes, done)
    }),
    answer: () => new Promise((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error(`No whole answer within ${ANSWER_TIMEOUT_MS} ms, but ${heldBytes} bytes.`)) }, ANSWER_TIMEOUT_MS)
      let wantedBytes = 1
      look = () => {
        if (heldBytes < wantedBytes && !socket.destroyed) return
        const bytes = Buffer.concat(held)
        const read = readAnswer(bytes)
        if (typeof read === 'number') {
          held = [bytes]
          wantedBytes = read
          if (!socket.destroyed) return
        }
        clearTimeout(timer)
        look = null
        if (typeof read === 'number') return reject(new Error(`The connection ended after ${heldBytes} bytes of an answer.`))
        held = [bytes.subarray(read.length)]
        heldBytes -= read.length
        resolve(read.answer)
      }
      look()
    })
  }
}

/** A request with a body, as bytes. @param lines - Header lines besides `Host` and `Content-Length`. */
export function post (target: string, body: string | Buffer, lines: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body)
  const head = [`POST ${target} HTTP/1.1`, 'Host: sentry.example.test', `Content-Length: ${bytes.length}`, ...lines, '', '']
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), bytes])
}

export function get (target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: sentry.example.test\r\n\r\n`
}

/** The first answer in `bytes`, and its length; or how many bytes there must be before it is worth looking again. */
function readAnswer (bytes: Buffer): { answer: ClientAnswer, length: number } | number {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return bytes.length + 1
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers = lines.flatMap(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const bodyBytes = Number(headerValue(headers, 'content-length'))
  const length = end + 4 + bodyBytes
  if (bytes.length < length) return length
  return { answer: { status: Number(statusLine.split(' ')[1]), headers, body: bytes.subarray(end + 4, length) }, length }
}
