/** The same envelope to the same stand-in: by the router's own client, and by undici. */
import { Pool } from 'undici'
import { ConnectionPool } from '../../src/http1/connection-pool.ts'
import { Deadlines } from '../../src/http1/deadlines.ts'
import { dialTcp } from '../../src/http1/dial.ts'
import { BROWSER } from '../traffic/load.ts'
import { ENVELOPE } from '../traffic/rows.ts'
import type { Exchange } from './way.ts'

const BODY = Buffer.alloc(ENVELOPE.bodyBytes, 'x')
const CHUNKS = [BODY]
const FIELDS = Object.entries(BROWSER).flat()
const READ_TIMEOUT_MS = 30_000

export function throughHttp1 (port: number): Exchange {
  const address = { host: '127.0.0.1', port, connectTimeoutMs: 5000 }
  const pool = new ConnectionPool(dialTcp(address), { connectTimeoutMs: 5000, sendTimeoutMs: 5000, readTimeoutMs: READ_TIMEOUT_MS }, new Deadlines())
  return done => {
    let head = `POST ${ENVELOPE.target} HTTP/1.1\r\nHost: sentry.example.test\r\nContent-Length: ${BODY.length}\r\n`
    for (let i = 0; i < FIELDS.length; i += 2) head += `${FIELDS[i]}: ${FIELDS[i + 1]}\r\n`
    let bytes = 0
    pool.acquire(false).send({ method: 'POST', head: `${head}\r\n`, chunks: CHUNKS, readBody: null }, {
      onHead: ({ status }) => { expect(status === 200) },
      onData: piece => { bytes += piece.length },
      onEnd: () => {
        expect(bytes > 0)
        done()
      },
      onFault: ({ reason }) => { throw new Error(reason) }
    })
  }
}

export function throughUndici (port: number, connections: number): Exchange {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, headersTimeout: READ_TIMEOUT_MS, bodyTimeout: READ_TIMEOUT_MS })
  return done => {
    let bytes = 0
    pool.dispatch({ path: ENVELOPE.target, method: 'POST', headers: ['Host', 'sentry.example.test', 'Content-Length', String(BODY.length), ...FIELDS], body: BODY }, {
      onRequestStart () { /* undici wants it. */ },
      onResponseStart: (_controller, status) => { expect(status === 200) },
      onResponseData: (_controller, piece) => { bytes += piece.length },
      onResponseEnd: () => {
        expect(bytes > 0)
        done()
      },
      onResponseError: (_controller, error) => { throw error }
    })
  }
}

function expect (holds: boolean): void {
  if (!holds) throw new Error('the stand-in did not answer as it should')
}
