/** A client that says something and listens until the connection ends. */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface Talk {
  /** Of each answer, without the 1xx. */
  readonly statuses: readonly number[]
  /** By Content-Length or chunks; what a cut answer has of it. */
  readonly bodies: readonly string[]
  /** The other side ended the connection, or reset it, within the time there was. */
  readonly ended: boolean
  /** Code of the error it ended with. */
  readonly fault: string | null
}

const PATIENCE_MS = 10_000

/** @param options.leaves - Whether the client closes its sending half behind the last piece. */
export async function talk (port: number, pieces: readonly Buffer[], options: { leaves: boolean }): Promise<Talk> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const received: Buffer[] = []
  let ended = false
  socket.on('data', (data: Buffer) => { received.push(data) })
  let fault: string | null = null
  socket.on('error', (error: NodeJS.ErrnoException) => { fault = error.code ?? error.message })
  const end = new Promise<void>(resolve => {
    socket.once('end', resolve)
    socket.once('close', () => { resolve() })
  }).then(() => { ended = true })
  await Promise.race([once(socket, 'connect'), end])
  for (const piece of pieces) {
    if (socket.destroyed || ended) break
    await new Promise<void>(resolve => { socket.write(piece, () => { resolve() }) })
    if (pieces.length > 1) await new Promise(resolve => { setImmediate(resolve) })
  }
  if (options.leaves) socket.end()
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, PATIENCE_MS)
  await Promise.race([end, late])
  clearTimeout(timer)
  socket.destroy()
  return { ...answersIn(Buffer.concat(received).toString('latin1')), ended, fault }
}

function answersIn (text: string): { statuses: number[], bodies: string[] } {
  const statuses: number[] = []
  const bodies: string[] = []
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r\n\r\n', at)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text.slice(at, at + 13))?.[1] ?? Number.NaN)
    if (end === -1 || Number.isNaN(status)) return { statuses: [...statuses, Number.NaN], bodies: [...bodies, text.slice(at)] }
    const head = text.slice(at, end + 2)
    at = end + 4
    if (status < 200) continue
    const length = Number(/\r\nContent-Length: (\d+)\r\n/.exec(head)?.[1] ?? 0)
    statuses.push(status)
    bodies.push(text.slice(at, at + length))
    at += length
  }
  return { statuses, bodies }
}
