/** Bodies of every size go through the router, and are compared at both legs, byte by byte. */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from './measure.ts'
import { startRouter } from './subjects.ts'

const BODIES = 300
const MOST_BYTES = 300 * 1024
const LONGEST_MS = 20_000

/** @returns How many were compared. @throws When one differs, or is missing. */
export async function verifyBytes ({ subjectCores, folder }: Place): Promise<number> {
  const seen = { relay: new Set<string>(), endpoint: new Set<string>() }
  const relay = await listen(seen.relay)
  const endpoint = await listen(seen.endpoint)
  const ports = { relay: portOf(relay), web: portOf(relay), endpoint: portOf(endpoint) }
  const router = await startRouter({ ports, pid: 0, counts: async () => ports, async hang () {}, async stop () {} }, subjectCores, join(folder, 'verify'))
  const sent = new Set<string>()
  try {
    for (let i = 0; i < BODIES; i++) {
      const body = randomBytes(i === 0 ? 0 : randomInt(MOST_BYTES))
      // What a parser that looks for the end of a head would stumble over.
      if (body.length > 100) body.write('\r\n\r\n', randomInt(body.length - 10))
      const digest = createHash('sha256').update(body).digest('hex')
      sent.add(digest)
      const response = await fetch(`http://127.0.0.1:${router.port}/api/1/envelope/?digest=${digest}`, { method: 'POST', body })
      await response.arrayBuffer()
      if (response.status !== 200) throw new Error(`a body of ${body.length} bytes was answered with ${response.status}`)
    }
    const deadline = performance.now() + LONGEST_MS
    while (seen.endpoint.size < sent.size && performance.now() < deadline) await sleep(50)
  } finally {
    await router.stop()
    for (const server of [relay, endpoint]) {
      server.closeAllConnections()
      server.close()
    }
  }
  for (const [leg, digests] of Object.entries(seen)) {
    const missing = [...sent].filter(digest => !digests.has(digest)).length
    if (missing > 0) throw new Error(`${missing} of ${sent.size} bodies did not arrive as they were sent at the ${leg}`)
  }
  return BODIES
}

async function listen (digests: Set<string>): Promise<Server> {
  const server = createServer((request, response) => {
    const hash = createHash('sha256')
    request.on('data', (chunk: Buffer) => { hash.update(chunk) })
    request.on('end', () => {
      digests.add(hash.digest('hex'))
      response.end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function portOf (server: Server): number {
  return (server.address() as AddressInfo).port
}
