/** An HTTP server that can stop listening, come back on the same port, and hold what it was asked. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { freePorts } from '../../src/demo/router-process.ts'

export interface Gate {
  readonly port: number
  /** Connections are refused, and those that are open end. */
  readonly refuse: () => Promise<void>
  /** Listens again. */
  readonly accept: () => Promise<void>
  /** Requests wait from now on, until `release`. */
  readonly hold: () => void
  /** Requests are answered again, those that waited included. */
  readonly release: () => void
  /** Runs the answer now, or when nothing is held any more and its client is still there. */
  readonly pass: (response: ServerResponse, answer: () => void) => void
  readonly closeIdle: () => void
}

/** As Relay has it: shorter than anything else, so that pooled connections die now and then as they are used. */
const KEEPALIVE_MS = 5_000

export async function openGate (handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Gate> {
  const [port = 0] = await freePorts(1)
  const waiting = new Map<ServerResponse, () => void>()
  let holding = false

  const server = createServer({ keepAliveTimeout: KEEPALIVE_MS, requestTimeout: 0 }, (request, response) => {
    // A router that is killed leaves in the middle of a request.
    request.on('error', () => {})
    response.on('error', () => {})
    response.on('close', () => { waiting.delete(response) })
    handle(request, response)
  })

  async function accept (): Promise<void> {
    if (server.listening) return
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }

  await accept()
  return {
    port,
    accept,
    async refuse () {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    hold () { holding = true },
    release () {
      holding = false
      const answers = [...waiting.values()]
      waiting.clear()
      for (const answer of answers) answer()
    },
    pass (response, answer) {
      if (holding) waiting.set(response, answer)
      else answer()
    },
    closeIdle () { server.closeIdleConnections() }
  }
}
