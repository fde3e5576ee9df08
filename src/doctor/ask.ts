/**
 * One HTTP request over a connection of its own, stage by stage: name, connection,
 * TLS, answer. It ends where the way ends, and says where that was.
 */
import { lookup } from 'node:dns/promises'
import { request } from 'node:http'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import { faultReason } from '../http1/socket-fault.ts'

/** Of each stage. */
const TIMEOUT_MS = 5_000
/** What is kept of the answer's body. */
const KEPT_BYTES = 4096

export interface Question {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** `null`: clear text. */
  readonly tls: TlsRules | null
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
}

export interface TlsRules {
  /** Whose certificate it must be. */
  readonly name: string
  /** PEM; `null`: the authorities of the system. */
  readonly ca: string | null
}

export interface Reply {
  /** Empty when the name has none. */
  readonly addresses: readonly string[]
  readonly certificate: Certificate | null
  readonly answer: Answer | null
  /** `null` when there is an answer. */
  readonly failure: Failure | null
}

export interface Certificate {
  /** Milliseconds since the epoch. */
  readonly validTo: number
}

export interface Answer {
  readonly status: number
  readonly location: string | null
  /** Its first 4 KiB. */
  readonly body: string
}

export interface Failure {
  readonly stage: 'dns' | 'connect' | 'tls' | 'answer'
  /** As in the metrics (`refused`, `timeout`); of a certificate, the code of OpenSSL or Node. */
  readonly reason: string
}

/** Never rejects. What is not certified to be the one that was meant is not asked anything. */
export async function ask (question: Question): Promise<Reply> {
  const { host, port, tls, timeoutMs = TIMEOUT_MS } = question
  const reply = { addresses: [] as readonly string[], certificate: null as Certificate | null, answer: null, failure: null }
  const failed = (stage: Failure['stage'], reason: string): Reply => ({ ...reply, failure: { stage, reason } })

  try {
    reply.addresses = isIP(host) === 0 ? (await within(timeoutMs, lookup(host, { all: true }))).map(({ address }) => address) : [host]
  } catch (error) {
    return failed('dns', reasonOf(error))
  }

  let socket: Socket
  try {
    socket = await opened(connectTcp({ host, port, timeout: timeoutMs }), 'connect')
  } catch (error) {
    return failed('connect', reasonOf(error))
  }

  try {
    if (tls !== null) {
      const secured = await secure(socket, tls, timeoutMs)
      socket = secured.socket
      reply.certificate = secured.certificate
      if (secured.problem !== null) return failed('tls', secured.problem)
    }
  } catch (error) {
    socket.destroy()
    return failed('tls', reasonOf(error) === 'timeout' ? 'timeout' : codeOf(error) ?? 'handshake')
  }

  try {
    return { ...reply, answer: await exchange(socket, question, timeoutMs) }
  } catch (error) {
    const code = codeOf(error) ?? ''
    return failed('answer', code.startsWith('HPE_') ? 'invalid_response' : reasonOf(error))
  } finally {
    socket.destroy()
  }
}

/** Errors after that are those of later stages, and of none where nobody waits any more. */
function opened<S extends Socket> (socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => { resolve(socket) })
    socket.on('error', reject)
    socket.once('timeout', () => { socket.destroy(timedOut()) })
  })
}

async function secure (raw: Socket, { name, ca }: TlsRules, timeoutMs: number): Promise<{ socket: TLSSocket, certificate: Certificate | null, problem: string | null }> {
  const secured = connectTls({
    socket: raw,
    // Judged below: a certificate that is wrong is still worth reading.
    rejectUnauthorized: false,
    ...isIP(name) === 0 && { servername: name },
    ...ca !== null && { ca },
    ALPNProtocols: ['http/1.1']
  })
  secured.setTimeout(timeoutMs)
  const socket = await opened(secured, 'secureConnect')
  const peer = socket.getPeerCertificate()
  const certificate = typeof peer.valid_to === 'string' ? { validTo: Date.parse(peer.valid_to) } : null
  // Typed as an Error, and yet its code alone where the certificate is at fault.
  const unauthorised = socket.authorized ? null : codeOf(socket.authorizationError) ?? String(socket.authorizationError)
  const problem = unauthorised ?? codeOf(checkServerIdentity(name, peer)) ?? null
  if (problem !== null) socket.destroy()
  return { socket, certificate, problem }
}

function exchange (socket: Socket, { method, path, headers, body = '' }: Question, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({
      createConnection: () => socket,
      method,
      path,
      headers: { ...headers, Connection: 'close', ...method === 'POST' && { 'Content-Length': Buffer.byteLength(body) } },
      signal: AbortSignal.timeout(timeoutMs)
    }, response => {
      let text = ''
      const settle = (): void => { resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? null, body: text }) }
      response.setEncoding('latin1')
      response.on('data', (piece: string) => {
        text = (text + piece).slice(0, KEPT_BYTES)
        if (text.length === KEPT_BYTES) settle()
      })
      response.once('close', settle)
      // The head is in: what becomes of the rest does not matter.
      response.once('error', settle)
    })
    asking.once('error', reject)
    asking.end(body)
  })
}

async function within<T> (timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => { reject(timedOut()) }, timeoutMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

function timedOut (): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
}

function reasonOf (error: unknown): string {
  // A name with several addresses fails with all their errors.
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) return 'timeout'
  return faultReason(error, false)
}

function codeOf (error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
