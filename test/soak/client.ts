/** A well-behaved client: one request, one whole answer. */
import { once } from 'node:events'
import { Agent, request as open, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Ask {
  readonly port: number
  readonly method: string
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Without Content-Length. */
  readonly chunked?: boolean
  /** On a connection of its own. */
  readonly fresh?: boolean
  /** Sends its body, or reads its answer, in pieces over this time. */
  readonly slowMs?: { readonly send?: number, readonly read?: number }
  /** Just before the last byte is sent. */
  readonly onSentWhole?: () => void
}

export interface Reply {
  readonly status: number
  readonly body: Buffer
}

export interface Client {
  /** @throws When no whole answer comes. */
  readonly ask: (request: Ask) => Promise<Reply>
  readonly close: () => void
}

const PIECES = 6
/** Longer than anything the router may make a client wait for. */
const LONGEST_WAIT_MS = 40_000

export function createClient (connections: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections })

  async function ask (asked: Ask): Promise<Reply> {
    const { port, method, target, headers = {}, body, chunked = false, fresh = false, slowMs = {}, onSentWhole } = asked
    const request = open({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      agent: fresh ? false : agent,
      signal: AbortSignal.timeout(LONGEST_WAIT_MS),
      headers: { ...headers, Host: 'sentry.example.test', ...fresh && { Connection: 'close' }, ...body !== undefined && !chunked && { 'Content-Length': body.length } }
    })
    const answered = once(request, 'response')
    // Sending may fail first, then the answer is not waited for; or it fails after the answer's head.
    answered.catch(() => {})
    request.on('error', () => {})
    await connected(request)
    await send(request, { body: body ?? Buffer.alloc(0), chunked, overMs: slowMs.send ?? 0, onSentWhole })
    const [response] = await answered as [IncomingMessage]
    return { status: response.statusCode ?? 0, body: await read(response, slowMs.read ?? 0) }
  }

  return { ask, close: () => { agent.destroy() } }
}

/** Before that nothing can have been sent. */
async function connected (request: ClientRequest): Promise<void> {
  const socket = request.socket ?? (await once(request, 'socket') as [Socket])[0]
  if (socket.connecting) await once(socket, 'connect')
}

async function send (request: ClientRequest, { body, chunked, overMs, onSentWhole }: { readonly body: Buffer, readonly chunked: boolean, readonly overMs: number, readonly onSentWhole: (() => void) | undefined }): Promise<void> {
  if (overMs === 0 && !chunked) {
    onSentWhole?.()
    request.end(body)
    return
  }
  const pieceBytes = Math.ceil(body.length / PIECES)
  for (let at = 0; at < body.length && !request.destroyed; at += pieceBytes) {
    if (at + pieceBytes >= body.length) onSentWhole?.()
    request.write(body.subarray(at, at + pieceBytes))
    if (overMs > 0) await sleep(overMs / PIECES)
  }
  onSentWhole?.()
  request.end()
}

async function read (response: IncomingMessage, overMs: number): Promise<Buffer> {
  if (overMs > 0) await sleep(overMs)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
