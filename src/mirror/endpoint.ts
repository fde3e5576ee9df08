/**
 * Sends copies to the endpoint, each once, over connections that are used again.
 * Redirects are not followed. A pooled connection that dies without a byte of answer
 * was closed by the endpoint while it lay idle: the copy goes out again at once, on a
 * new connection, and that is no failure of the copy.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { MirrorConfig } from '../config/config.ts'
import type { OutgoingRequest } from '../http1/client-connection.ts'
import { ConnectionPool, type ConnectionCounts } from '../http1/connection-pool.ts'
import type { Deadlines } from '../http1/deadlines.ts'
import { dialTcp, dialTls, type Dial } from '../http1/dial.ts'
import { readRange } from '../proxy/read-range.ts'
import type { Copy } from '../spool/types.ts'
import { Roster } from '../roster.ts'
import { Attempt } from './attempt.ts'
import type { FailureCode } from './retry-policy.ts'

export type SendResult =
  /** `answer`: the first 512 bytes of its body. `retryAfter`: as received. */
  | { readonly kind: 'status', readonly status: number, readonly retryAfter: string | undefined, readonly answer: string }
  | { readonly kind: 'failure', readonly code: FailureCode }
  /** The body's file is gone, or shorter than it was. */
  | { readonly kind: 'body_lost' }
  /** Cut by `abort`, or this machine is out of file descriptors: no word of the endpoint. */
  | { readonly kind: 'unsent' }

export type OnResult = (result: SendResult) => void

export interface Endpoint {
  /** As many connections as sends under way: whoever calls bounds them. @param onResult - Called once; a promise for each copy would cost more. */
  send (copy: Copy, onResult: OnResult): void
  /** Cuts every send under way, and every later one; they end as `unsent`. */
  abort (): void
  connections (): ConnectionCounts
  /** Closes idle connections, and every other once its send is done. */
  close (): void
}

export interface EndpointOptions extends Pick<MirrorConfig, 'endpoint' | 'host' | 'ca' | 'connectTimeoutMs' | 'sendTimeoutMs' | 'readTimeoutMs'> {
  readonly deadlines: Deadlines
}

export function createEndpoint (options: EndpointOptions): Endpoint {
  const { host, connectTimeoutMs, sendTimeoutMs, readTimeoutMs, deadlines } = options
  // An endpoint that drips its answer holds a connection, and a place in the width, for no longer than one that is silent.
  const timeouts = { connectTimeoutMs, sendTimeoutMs, readTimeoutMs, answerTimeoutMs: readTimeoutMs }
  const pool = new ConnectionPool(dialOf(options), timeouts, deadlines)
  const attempts = new Roster<Attempt>()
  let aborted = false

  function attempt (request: OutgoingRequest, fresh: boolean, onResult: OnResult): void {
    if (aborted) {
      onResult({ kind: 'unsent' })
      return
    }
    const connection = pool.acquire(fresh)
    const started = new Attempt(connection, result => {
      attempts.remove(seat)
      if (result === 'stale') attempt(request, true, onResult)
      else onResult(result)
    })
    const seat = attempts.add(started)
    connection.send(request, started)
  }

  async function sendFile (copy: Copy, path: string): Promise<SendResult> {
    let file: FileHandle
    try {
      file = await open(path)
    } catch (error) {
      return { kind: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'body_lost' : 'unsent' }
    }
    try {
      return await new Promise(resolve => { attempt(requestOf(copy, host, file), false, resolve) })
    } finally {
      await file.close()
    }
  }

  return {
    send (copy, onResult) {
      const { file } = copy.body
      if (file === null) attempt(requestOf(copy, host, null), false, onResult)
      else void sendFile(copy, file).then(onResult)
    },

    abort () {
      aborted = true
      for (const attempt of attempts) attempt.abort()
      pool.destroy()
    },

    connections: () => pool.counts(),

    close () { pool.drain() }
  }
}

function requestOf (copy: Copy, host: string, file: FileHandle | null): OutgoingRequest {
  const { method, body } = copy
  return {
    method,
    head: `${method} ${copy.target} HTTP/1.1\r\nHost: ${host}\r\n${copy.fields}${copy.framed ? `Content-Length: ${body.length}\r\n` : ''}\r\n`,
    chunks: body.chunks ?? [],
    readBody: file === null ? null : () => readRange(file, 0, body.length)
  }
}

function dialOf (options: EndpointOptions): Dial {
  const { endpoint, connectTimeoutMs } = options
  const secure = endpoint.protocol === 'https:'
  const address = {
    host: unbracketed(endpoint.hostname),
    port: endpoint.port === '' ? (secure ? 443 : 80) : Number(endpoint.port),
    connectTimeoutMs
  }
  if (!secure) return dialTcp(address)

  // The certificate must be the name's that is asked for in `Host`, whatever address is dialled.
  const name = unbracketed(options.host.replace(/:\d+$/, ''))
  return dialTls(address, {
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(options.ca === null ? {} : { ca: options.ca }),
    ALPNProtocols: ['http/1.1'],
    // Said, for what is not said is up to NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: true,
    checkServerIdentity: (_dialled: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate)
  })
}

/** `[::1]` as sockets want it: `::1`. */
function unbracketed (host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
