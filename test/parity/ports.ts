/** Free ports for one run: two for the subject, one for each backend. */
import { createServer } from 'node:net'
import type { BackendName } from './types.ts'

export type Ports = Readonly<Record<BackendName | 'p80' | 'p81', number>>

const NAMES = ['p80', 'p81', 'relay', 'relay2', 'web', 'webrum', 'rum'] as const
/** Below the range outgoing connections use (from 32,768 on Linux), so that none takes the port of a backend that is down for a case. */
const LOWEST = 12_000
const HIGHEST = 32_000

export async function freePorts (): Promise<Ports> {
  const free = new Set<number>()
  while (free.size < NAMES.length) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (await isFree(port)) free.add(port)
  }
  const ports = [...free]
  return Object.fromEntries(NAMES.map((name, index) => [name, ports[index]])) as Ports
}

function isFree (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => { server.close(() => resolve(true)) })
  })
}
