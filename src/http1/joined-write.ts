/** Head and body in one write: fewer system calls than two, and no string or buffer made for it. */
import type { Socket } from 'node:net'

/** Above, copying the body costs more than a second write. */
export const MAX_JOINED_BYTES = 12 * 1024

/** Bytes on their way into the kernel; another one takes its place if the kernel does not take them at once. */
let scratch = Buffer.allocUnsafeSlow(2 * MAX_JOINED_BYTES)

/**
 * @param before - Latin1.
 * @param after - Latin1.
 * @returns As `socket.write`.
 */
export function writeJoined (socket: Socket, before: string, body: Buffer, after: string): boolean {
  const length = before.length + body.length + after.length
  if (length > scratch.length) {
    socket.cork()
    socket.write(before, 'latin1')
    let taken = socket.write(body)
    if (after !== '') taken = socket.write(after, 'latin1')
    socket.uncork()
    return taken
  }
  scratch.write(before, 0, 'latin1')
  scratch.set(body, before.length)
  if (after !== '') scratch.write(after, before.length + body.length, 'latin1')
  const taken = socket.write(scratch.subarray(0, length))
  if (socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(2 * MAX_JOINED_BYTES)
  return taken
}
