/** One line of the access log: by the router's own, and by pino with the same fields, both without waiting for the disk. */
import { openSync, write } from 'node:fs'
import { destination, pino } from 'pino'
import { createAccessLog } from '../../src/log/access-log.ts'
import type { Settled } from '../../src/proxy/ports.ts'
import { BROWSER } from '../traffic/load.ts'
import { ENVELOPE } from '../traffic/rows.ts'
import type { Exchange } from './way.ts'

const FILE = '/dev/null'

export function throughAccessLog (): Exchange {
  const fd = openSync(FILE, 'w')
  const log = createAccessLog({ format: 'main', now: () => Date.now(), write: (lines, done) => { write(fd, lines, () => { done() }) } })
  return done => {
    log.settled(settled())
    done()
  }
}

export function throughPino (): Exchange {
  // As much is collected as the access log collects.
  const log = pino({ base: null }, destination({ dest: FILE, sync: false, minLength: 64 * 1024, maxWrite: 128 * 1024 }))
  return done => {
    const { clientAddress, requestLine, status, bytesSent, head } = settled()
    log.info({ clientAddress, requestLine, status, bytesSent, referer: head?.headers[5], userAgent: head?.headers[7], forwardedFor: undefined })
    done()
  }
}

/** As the router has it: new for each request. */
function settled (): Settled {
  const headers = ['Host', 'sentry.example.test', ...Object.entries(BROWSER).flat()]
  return {
    listener: '80', route: '~ ^/api/[1-9]\\d*/', status: 200, durationMs: 3, bytesSent: 41, clientAddress: '203.0.113.7',
    requestLine: `${ENVELOPE.method} ${ENVELOPE.target} HTTP/1.1`, requestId: '0'.repeat(32), mirrorPath: '/api/1/envelope/',
    head: { method: ENVELOPE.method, target: ENVELOPE.target, minorVersion: 1, headers, received: null, host: 'sentry.example.test', hostPort: '', framing: 'length', contentLength: 2048, keepAlive: true, expectContinue: false }
  }
}
