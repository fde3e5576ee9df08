/**
 * Relay, web or the RUM endpoint, by the port that is given, for the containers of
 * run.sh. It runs in the image under test, from this file alone.
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const RELAY = 3000
const WEB = 9000
const RUM = 8080

const bodies: string[] = []

const port = Number(process.argv[2])

createServer((request, response) => {
  const { method, url = '/' } = request
  void text(request).then(body => {
    if (port === RUM && method === 'POST') bodies.push(`${url} ${body}`)
    response.end(answer(url))
  })
}).listen(port)

function answer (url: string): string {
  switch (port) {
    case RELAY: return '{"id":"relay"}'
    case WEB: return `web ${url}\n`
    case RUM: return url === '/bodies' ? bodies.map(body => `${body}\n`).join('') : '{}'
    default: return 'unknown port\n'
  }
}

// The first process of a container is not ended by a signal that it does not wait for.
process.on('SIGTERM', () => process.exit())
