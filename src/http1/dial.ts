/** How a server is dialled, and how its bytes are read. */
import { connect, type Socket } from 'node:net'

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

/** All plain sockets read into it, one after the other: whoever keeps bytes copies them. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024)

export function dialTcp (address: { readonly host: string, readonly port: number }): Dial {
  return {
    readyEvent: 'connect',
    connect: onData => connect({
      ...address,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback (length) {
          onData(READ_BUFFER.subarray(0, length))
          return true
        }
      }
    })
  }
}
