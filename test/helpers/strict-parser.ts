/** Node's own parser (llhttp, nothing lenient) as a judge: which requests, or which response, are in these bytes? */
import { createServer, request as sendRequest, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'

export interface StrictlyRead {
  readonly requests: readonly { readonly method: string, readonly target: string, readonly body: string }[]
  /** Code of the fault that ended the reading (`HPE_…`); `null` without one. */
  readonly fault: string | null
}

/** Bytes come from a test, answers go nowhere. */
class Wire extends Duplex {
  override _read (): void {}
  override _write (_chunk: unknown, _encoding: BufferEncoding, done: () => void): void { done() }
}

export type StrictParser = (stream: Buffer) => Promise<StrictlyRead>

/** A request without `Host` is none of its business: HTTP/1.0 has them. */
export function createStrictParser (): StrictParser {
  const faults = new WeakMap<object, string>()
  const found = new WeakMap<object, { method: string, target: string, body: string }[]>()
  const onRequest = (request: IncomingMessage, response: { end: () => void }): void => {
    const requests = found.get(request.socket)
    const body: Buffer[] = []
    request.on('data', (piece: Buffer) => { body.push(piece) })
    request.on('end', () => {
      requests?.push({ method: request.method ?? '', target: request.url ?? '', body: Buffer.concat(body).toString('latin1') })
      response.end()
    })
    request.on('error', () => {})
  }
  const server = createServer({ requireHostHeader: false, insecureHTTPParser: false, maxHeaderSize: 1024 * 1024 }, onRequest)
  server.maxHeadersCount = 0
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('clientError', (error: NodeJS.ErrnoException, wire: object) => {
    faults.set(wire, error.code ?? 'unknown')
    // What was complete before the fault has yet to be handed out.
    setImmediate(() => { (wire as Duplex).destroy() })
  })

  return async stream => {
    const wire = new Wire()
    const requests: { method: string, target: string, body: string }[] = []
    found.set(wire, requests)
    const closed = new Promise<void>(resolve => { wire.once('close', () => { resolve() }) })
    server.emit('connection', wire)
    wire.push(stream)
    wire.push(null)
    await closed
    return { requests, fault: faults.get(wire) ?? null }
  }
}

export interface StrictlyReadResponse {
  /** 0 when there is none. */
  readonly status: number
  readonly body: string
  readonly fault: string | null
}

/** The final response in the bytes, which end with the connection. */
export async function readResponseStrictly (bytes: Buffer, method: string): Promise<StrictlyReadResponse> {
  const wire = new Wire()
  return new Promise(resolve => {
    const request = sendRequest({ method, createConnection: () => wire, maxHeaderSize: 1024 * 1024 }, response => {
      const body: string[] = []
      const finish = (fault: string | null): void => { resolve({ status: response.statusCode ?? 0, body: body.join(''), fault }) }
      response.on('data', (piece: Buffer) => { body.push(piece.toString('latin1')) })
      response.on('end', () => { finish(null) })
      response.on('error', (error: NodeJS.ErrnoException) => { finish(error.code ?? 'unknown') })
    })
    request.on('upgrade', response => {
      wire.destroy()
      resolve({ status: response.statusCode ?? 0, body: '', fault: null })
    })
    request.on('error', (error: NodeJS.ErrnoException) => { resolve({ status: 0, body: '', fault: error.code ?? 'unknown' }) })
    request.end()
    wire.push(bytes)
    wire.push(null)
  })
}
