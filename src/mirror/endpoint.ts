/**
 * Sends copies to the endpoint, each once, over connections that are used again.
 * Redirects are not followed. A pooled connection that dies without a byte of answer
 * was closed by the endpoint while it lay idle: the copy goes out again at once, on a
 * new connection, and that is no failure of the copy.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'
import type { MirrorConfig } from '../config/config.ts'
import type { Copy } from '../spool/types.ts'
import { wrapConnection, type Connection, type ExchangeResult, type WireRequest } from './connection.ts'
import type { FailureCode } from './retry-policy.ts'

export type SendResult =
  /** `answer`: the first 512 bytes of its body. `retryAfter`: as received. */
  | { readonly kind: 'status', readonly status: number, readonly retryAfter: string | undefined, readonly answer: string }
  | { readonly kind: 'failure', readonly code: FailureCode }
  /** The body's file is gone, or shorter than it was. */
  | { readonly kind: 'body_lost' }
  /** Cut by `abort`, or this machine is out of file descriptors: no word of the endpoint. */
  | { readonly kind: 'unsent' }

export interface Endpoint {
  /** Never rejects. As many connections as sends under way: whoever calls bounds them. */
  send (copy: Copy): Promise<SendResult>
  /** Cuts every send under way, and every later one; they end as `unsent`. */
  abort (): void
  /** Closes idle connections, and every other once its send is done. */
  close (): void
}

export type EndpointOptions = Pick<MirrorConfig, 'endpoint' | 'host' | 'ca' | 'connectTimeoutMs' | 'sendTimeoutMs' | 'readTimeoutMs'>

const READ_BUFFER_BYTES = 64 * 1024

export function createEndpoint (options: EndpointOptions): Endpoint {
  const { host, connectTimeoutMs, sendTimeoutMs, readTimeoutMs } = options
  const secure = options.endpoint.protocol === 'https:'
  const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
  const connections = new Set<Connection>()
  /** The one used last comes first: a lull lets the others go. */
  const idle: Connection[] = []
  let closed = false
  let aborted = false

  function openConnection (): Connection {
    const connection = wrapConnection({
      open: onread => openSocket(options, onread),
      readBuffer,
      readyEvent: secure ? 'secureConnect' : 'connect',
      connectTimeoutMs,
      sendTimeoutMs,
      readTimeoutMs,
      onIdle (connection) {
        if (closed) connection.destroy()
        else idle.push(connection)
      },
      onClose (connection) {
        connections.delete(connection)
        const index = idle.indexOf(connection)
        if (index !== -1) idle.splice(index, 1)
      }
    })
    connections.add(connection)
    return connection
  }

  async function exchange (request: WireRequest): Promise<ExchangeResult> {
    if (aborted) return { kind: 'aborted' }
    const pooled = idle.pop()
    if (pooled !== undefined) {
      const result = await pooled.exchange(request)
      if (result.kind !== 'failure' || !result.unanswered) return result
    }
    return openConnection().exchange(request)
  }

  return {
    async send (copy) {
      const { body } = copy
      if (body.file === null) return resultOf(await exchange(requestOf(copy, host, null)))

      let file: FileHandle
      try {
        file = await open(body.file)
      } catch (error) {
        return { kind: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'body_lost' : 'unsent' }
      }
      try {
        return resultOf(await exchange(requestOf(copy, host, file)))
      } finally {
        await file.close()
      }
    },

    abort () {
      aborted = true
      for (const connection of connections) connection.destroy()
    },

    close () {
      closed = true
      for (const connection of idle.splice(0)) connection.destroy()
    }
  }
}

function requestOf (copy: Copy, host: string, file: FileHandle | null): WireRequest {
  const { method, headers, body } = copy
  let head = `${method} ${copy.target} HTTP/1.1\r\nHost: ${host}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  head += copy.framed ? `Content-Length: ${body.length}\r\n\r\n` : '\r\n'
  return { method, head, chunks: body.chunks ?? [], file, length: body.length }
}

function resultOf (result: ExchangeResult): SendResult {
  if (result.kind === 'answer') return { kind: 'status', status: result.status, retryAfter: result.retryAfter, answer: result.answer }
  if (result.kind === 'failure') return { kind: 'failure', code: result.code }
  return result.kind === 'aborted' ? { kind: 'unsent' } : result
}

function openSocket (options: EndpointOptions, onread: OnReadOpts): Socket {
  const { endpoint } = options
  const secure = endpoint.protocol === 'https:'
  const address = {
    host: unbracketed(endpoint.hostname),
    port: endpoint.port === '' ? (secure ? 443 : 80) : Number(endpoint.port),
    noDelay: true,
    onread
  }
  if (!secure) return connectTcp(address)

  // The certificate must be the name's that is asked for in `Host`, whatever address is dialled.
  const name = unbracketed(options.host.replace(/:\d+$/, ''))
  return connectTls({
    ...address,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(options.ca === null ? {} : { ca: options.ca }),
    ALPNProtocols: ['http/1.1'],
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(name, certificate)
  })
}

/** `[::1]` as sockets want it: `::1`. */
function unbracketed (host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
