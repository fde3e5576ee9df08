/** One request and its answer as bytes, for what an HTTP client would not send or would hide. */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** Name and value in turn, as received; latin1. */
  readonly headers: readonly string[]
  /** First value of a header. @param name - Lower case. */
  header (name: string): string | undefined
  /** Until the connection ended; framing is not undone. */
  readonly body: Buffer
}

/** Sends `bytes` (latin1) on a connection of its own and reads until the other side closes: ask for `Connection: close`. */
export async function exchange (port: number, bytes: string, options: { from?: string, to?: string } = {}): Promise<RawAnswer> {
  const chunks: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ port, host: options.to ?? '127.0.0.1', ...(options.from ? { localAddress: options.from } : {}) })
    socket.setTimeout(10_000, () => { socket.destroy(new Error('no answer within 10 s')) })
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('error', reject)
    socket.once('close', () => { resolve() })
    socket.write(bytes, 'latin1')
  })
  return parse(Buffer.concat(chunks))
}

function parse (bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end === -1 ? bytes.length : end).split('\r\n')
  const headers = lines.flatMap(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    header: name => headers[headers.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === name) + 1],
    body: end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 4)
  }
}
