/** How a server is dialled, and how its bytes are read. */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { createLookup } from './lookup.ts'

export interface Dial {
  /**
   * A new socket; a name is resolved here, for every connection anew, so that a
   * recreated container needs no restart.
   *
   * @param onData - Gets what is read: a view that is good until it returns.
   */
  readonly connect: (onData: (view: Buffer) => void) => Socket
  /** The event after which it carries bytes. */
  readonly readyEvent: 'connect' | 'secureConnect'
}

export interface DialOptions {
  readonly host: string
  readonly port: number
  readonly connectTimeoutMs: number
}

/** All plain sockets read into it, one after the other: whoever keeps bytes copies them. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * Longest wait for one of several addresses of a name before the next is tried. Node gives
 * up an address for good after this time, all but the last, and its own 500 ms are less
 * than a SYN that was lost and is sent again after 1 s (RFC 6298).
 */
const MAX_ADDRESS_TIMEOUT_MS = 2_000

export function dialTcp (options: DialOptions): Dial {
  const address = addressOptions(options)
  return {
    readyEvent: 'connect',
    connect: onData => readToTheEnd(connect({
      ...address,
      onread: {
        buffer: READ_BUFFER,
        callback (length) {
          onData(READ_BUFFER.subarray(0, length))
          return true
        }
      }
    }))
  }
}

export function dialTls (options: DialOptions, tls: ConnectionOptions): Dial {
  const address = addressOptions(options)
  return {
    readyEvent: 'secureConnect',
    connect: onData => readToTheEnd(connectTls({ ...tls, ...address })).on('data', onData)
  }
}

function addressOptions ({ host, port, connectTimeoutMs }: DialOptions): TcpNetConnectOpts {
  return {
    host,
    port,
    noDelay: true,
    lookup: createLookup(host),
    autoSelectFamily: true,
    // Four addresses that hang fit into the time for all.
    autoSelectFamilyAttemptTimeout: Math.min(MAX_ADDRESS_TIMEOUT_MS, Math.max(10, Math.floor(connectTimeoutMs / 4)))
  }
}

type WriteCallback = (error?: Error | null) => void

/**
 * A server may answer and close before it has the whole request (413). Writing fails
 * then, and a stream destroys itself with the answer unread. So a write to a connection
 * that the other side has ended counts as done: reading tells how it ended, after all
 * that was sent before.
 */
function readToTheEnd<S extends Socket> (socket: S): S {
  const write = socket._write.bind(socket)
  const writev = socket._writev?.bind(socket)
  socket._write = (chunk, encoding, callback) => { write(chunk, encoding, unlessEnded(callback)) }
  if (writev !== undefined) socket._writev = (chunks, callback) => { writev(chunks, unlessEnded(callback)) }
  return socket
}

function unlessEnded (callback: WriteCallback): WriteCallback {
  return error => { callback(isEnded(error) ? null : error) }
}

function isEnded (error: Error | null | undefined): boolean {
  const code = error !== null && error !== undefined && 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET'
}
