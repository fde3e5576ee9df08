/** Runs one case against whatever listens, and writes down both sides of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Backend } from './backend.ts'
import { Client } from './client.ts'
import { valuesOf } from './head.ts'
import type { Ports } from './ports.ts'
import { BACKENDS, type BackendName, type ClientScript, type Observation, type ParityCase, type RequestSeen } from './types.ts'

/** A case ends when nothing has happened for so long … */
const QUIET_MS = 45
/** … and what nginx sent has arrived from the subject too, or it had this long … */
const CATCH_UP_MS = 2500
/** … or in any case after this. */
const LONGEST_MS = 15_000
/** How long a client's connection is watched after its last step. */
const TAIL_MS = 25
/** Between cases. */
const COOL_MS = 12

/** The five backends of a run. */
export class Bench {
  readonly #ports: Ports
  readonly #backends: Readonly<Record<BackendName, Backend>>
  /**
   * Ids of requests of earlier cases. A router that tries a copy again may do
   * so while a later case runs; that request is no part of the later one.
   */
  readonly #past = new Set<string>()

  constructor (ports: Ports) {
    this.#ports = ports
    const isLate = (requestId: string) => this.#past.has(requestId)
    const backend = (name: BackendName) => [name, new Backend(name, ports[name], name === 'rum' ? isLate : () => false)] as const
    this.#backends = Object.fromEntries(BACKENDS.map(backend)) as Record<BackendName, Backend>
  }

  async close (): Promise<void> {
    for (const backend of Object.values(this.#backends)) await backend.setMode('refuse')
  }

  /** `nginx` is what the oracle did: the subject is given time to do as much. */
  async observe (parityCase: ParityCase, nginx: Observation | null): Promise<Observation> {
    for (const backend of Object.values(this.#backends)) {
      await backend.setMode(parityCase.mode?.[backend.name] ?? 'up')
      backend.reset(parityCase.script?.[backend.name] ?? [], parityCase.sticky?.[backend.name])
    }

    const clients = await Promise.all(parityCase.conns.map(script => this.#runClient(parityCase, script)))
    await this.#settle(parityCase, nginx)

    const observation: Observation = {
      conns: clients.map(client => structuredClone(client.finish())),
      backends: Object.fromEntries(BACKENDS.map(name => [name, structuredClone(this.#backends[name].records)])) as Record<BackendName, RequestSeen[]>
    }
    await this.#tidy(clients, parityCase)
    return observation
  }

  async #runClient (parityCase: ParityCase, script: ClientScript): Promise<Client> {
    if (script.at !== undefined) await sleep(script.at)
    const client = new Client(this.#ports[parityCase.port === 81 ? 'p81' : 'p80'], script)
    await client.run(script.steps, (backend, mode) => this.#backends[backend].setMode(mode))
    if (client.seen.end !== 'client') await sleep(script.tail ?? TAIL_MS)
    return client
  }

  async #settle ({ settle = QUIET_MS, hardMax = LONGEST_MS }: ParityCase, nginx: Observation | null): Promise<void> {
    const startedAt = performance.now()
    for (;;) {
      const now = performance.now()
      const lastActivity = Math.max(startedAt, ...Object.values(this.#backends).map(backend => backend.lastActivity))
      const caughtUp = nginx === null || now - startedAt > CATCH_UP_MS || !this.#isShortOf(nginx)
      if (now - lastActivity > settle && caughtUp) return
      if (now - startedAt > hardMax) return
      await sleep(10)
    }
  }

  #isShortOf (nginx: Observation): boolean {
    return BACKENDS.some(name => {
      const [records, wanted] = [this.#backends[name].records, nginx.backends[name]]
      return records.length < wanted.length || completed(records) < completed(wanted)
    })
  }

  async #tidy (clients: readonly Client[], { cool = COOL_MS }: ParityCase): Promise<void> {
    for (const client of clients) client.kill()
    await sleep(3)
    for (const backend of Object.values(this.#backends)) {
      backend.closeConnections()
      for (const request of backend.records) {
        for (const id of valuesOf(request.headers, 'x-request-id')) this.#past.add(id)
      }
    }
    await sleep(cool)
  }
}

function completed (requests: readonly RequestSeen[]): number {
  return requests.filter(request => request.complete).length
}
