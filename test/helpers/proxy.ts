/** The whole hot path in this process, in front of a test's own servers: what it did can be looked at from both sides. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import PQueue from 'p-queue'
import { Deadlines } from '../../src/http1/deadlines.ts'
import { ByteBudget } from '../../src/proxy/byte-budget.ts'
import { clientAddress, compileTrusted } from '../../src/proxy/client-address.ts'
import { createHandler } from '../../src/proxy/handler.ts'
import { MemoryBudget } from '../../src/proxy/memory-budget.ts'
import type { KeepCopy, Settled } from '../../src/proxy/ports.ts'
import { createRequestIds } from '../../src/proxy/request-id.ts'
import { createUpstreams } from '../../src/proxy/upstreams.ts'
import { createRouteTable } from '../../src/routing/table.ts'
import { configOf } from './configuration.ts'
import { startListener } from './listener.ts'

export interface ProxyOptions {
  /** Ports of the servers of `relay`, which every path goes to. */
  readonly servers: readonly number[]
  readonly keepCopy?: KeepCopy
  /** Further lines of the upstream: `read_timeout: 1s`. */
  readonly upstream?: string
  readonly budget?: MemoryBudget
  /** For bodies in files. */
  readonly space?: ByteBudget
  readonly maxRequests?: number
  /** Default: a folder of its own. */
  readonly bodyFolder?: string
}

export interface StartedProxy {
  readonly port: number
  readonly budget: MemoryBudget
  readonly settled: readonly Settled[]
  readonly aborts: readonly string[]
  readonly upstreamErrors: readonly string[]
  readonly refused: readonly string[]
  readonly space: ByteBudget
  /** Names of the body files there are. */
  readonly files: () => Promise<string[]>
}

const PLENTY = 64 * 1024 * 1024

export async function startProxy (t: Test, options: ProxyOptions): Promise<StartedProxy> {
  const { servers, keepCopy = () => null, budget = new MemoryBudget(PLENTY, PLENTY), upstream = '', space = new ByteBudget(() => Infinity), maxRequests = Infinity } = options
  const bodyFolder = options.bodyFolder ?? await temporaryFolder(t)
  const config = configOf(`upstreams: { relay: { servers: [${servers.map(port => `"127.0.0.1:${port}"`).join()}], ${upstream} } }\nroutes: [{ location: /, upstream: relay, mirror: true }]\nmirror: { endpoint: "http://127.0.0.1:9", default: off }`)
  const deadlines = new Deadlines()
  const upstreams = createUpstreams(config.upstreams, deadlines)
  t.teardown(() => { for (const upstream of upstreams.values()) upstream.destroy() })

  const settled: Settled[] = []
  const aborts: string[] = []
  const upstreamErrors: string[] = []
  const refused: string[] = []
  const trusted = compileTrusted([], false)
  const rules = {
    table: createRouteTable(config.routes),
    maxBodyBytes: 100 * 1024 * 1024,
    upstreams,
    ui: new Map<string, string>(),
    clientAddress: (peer: string) => clientAddress(peer, [], trusted),
    keepCopy,
    settled: () => {}
  }
  const { port } = await startListener(t, createHandler({
    rules: () => rules,
    requestId: createRequestIds(),
    budget,
    space,
    writes: new PQueue({ concurrency: 2 }),
    maxRequests: () => maxRequests,
    bodyFolder,
    observer: {
      settled: request => { settled.push(request) },
      upstreamError: (_upstream, reason) => { upstreamErrors.push(reason) },
      clientAborted: phase => { aborts.push(phase) },
      refused: reason => { refused.push(reason) }
    }
  }))
  return { port, budget, space, settled, aborts, upstreamErrors, refused, files: () => readdir(bodyFolder).catch(() => []) }
}

export async function temporaryFolder (t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-bodies-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
