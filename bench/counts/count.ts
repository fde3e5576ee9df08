/** One kind of request goes through a router of its own, a fixed number of times, and what it took is counted. */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBackends, type Backends } from '../traffic/backend.ts'
import { startRouter, type Subject } from '../traffic/subjects.ts'
import { allocatedSoFar, allocationOptions } from './allocations.ts'
import type { CountName } from './ceilings.ts'
import { send } from './send.ts'
import { callsIn, readsAndWrites, traceCalls, TracingForbidden, type CallsByName } from './system-calls.ts'
import type { CountedWork } from './works.ts'

/** Per request. */
export type Counts = Readonly<Partial<Record<CountName, number>>>

export interface Counted {
  /** Those that need strace are missing when it may not trace. */
  readonly counts: Counts
  /** System calls per request, most frequent first; `null` when strace may not trace. */
  readonly calls: CallsByName | null
  /** Why not. */
  readonly notTraced: string | null
}

interface Subjects {
  readonly work: CountedWork
  readonly backends: Backends
  readonly router: Subject
  readonly folder: string
}

/** What a socket on loopback takes and gives at once. */
const ONE_PIECE_BYTES = 16 * 1024
const LONGEST_QUIET_MS = 20_000
const LOOK_EVERY_MS = 50

/** The stand-ins for all works. */
export async function startStandIns (): Promise<Backends> {
  return await startBackends(availableParallelism() > 1 ? '1' : '0')
}

/** With the durable spool, a copy of each envelope, and the access log in a file, on one core. */
export async function count (work: CountedWork, backends: Backends): Promise<Counted> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-router-counts-'))
  const router = await startRouter(backends, '0', join(folder, 'router'), { nodeOptions: allocationOptions(join(folder, 'allocated')) })
  try {
    const subjects = { work, backends, router, folder }
    await sendAll(subjects, work.warmUp)
    const undisturbed = await countUndisturbed(subjects)
    const calls = await countCalls(subjects)
    return typeof calls === 'string'
      ? { counts: undisturbed, calls: null, notTraced: calls }
      : { counts: { ...undisturbed, ...groupCalls(calls) }, calls, notTraced: null }
  } finally {
    await router.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What needs no permission: allocations, and reads and writes. */
async function countUndisturbed (subjects: Subjects): Promise<Counts> {
  const { work: { work, requests }, router, folder } = subjects
  const socket = join(folder, 'allocated')
  const allocatedBefore = await allocatedSoFar(socket)
  const callsBefore = readsAndWrites(router.pid)
  await sendAll(subjects, requests)
  const calls = readsAndWrites(router.pid)
  const allocated = await allocatedSoFar(socket)
  return {
    heapBytes: (allocated.heapBytes - allocatedBefore.heapBytes) / requests,
    promotedBytes: (allocated.promotedBytes - allocatedBefore.promotedBytes) / requests,
    bufferBytes: (allocated.bufferBytes - allocatedBefore.bufferBytes) / requests,
    // How many pieces a large body comes and goes in is up to chance, unless strace makes the router slow.
    ...(work.bodyBytes > ONE_PIECE_BYTES ? {} : { reads: (calls.reads - callsBefore.reads) / requests, writes: (calls.writes - callsBefore.writes) / requests })
  }
}

/** @returns Calls per request; or why they cannot be seen. */
async function countCalls (subjects: Subjects): Promise<CallsByName | string> {
  const { work: { tracedRequests }, router, folder } = subjects
  try {
    const tracing = await traceCalls(router.pid, join(folder, 'calls'))
    await sendAll(subjects, tracedRequests)
    const calls = await tracing.stop()
    return new Map([...calls].map(([name, calls]) => [name, calls / tracedRequests] as const).toSorted(([, a], [, b]) => b - a))
  } catch (error) {
    if (error instanceof TracingForbidden) return error.message
    throw error
  }
}

function groupCalls (calls: CallsByName): Counts {
  return {
    reads: callsIn('read', calls),
    writes: callsIn('write', calls),
    epoll: callsIn('epoll', calls),
    futex: callsIn('futex', calls),
    sync: callsIn('sync', calls),
    memory: callsIn('memory', calls),
    other: callsIn('other', calls)
  }
}

/** Resolves once everything is answered and delivered, and the router is at rest. */
async function sendAll ({ work: { work }, backends, router }: Subjects, requests: number): Promise<void> {
  const { endpoint } = await backends.counts()
  await send({ work, count: requests, port: router.port })
  const delivered = endpoint + (work.method === 'POST' ? requests : 0)
  const deadline = performance.now() + LONGEST_QUIET_MS
  let last = NaN
  for (;;) {
    await sleep(LOOK_EVERY_MS)
    const { reads, writes } = readsAndWrites(router.pid)
    const left = delivered - (await backends.counts()).endpoint
    if (left < 0) throw new Error(`${-left} more copies than envelopes were delivered`)
    if (left === 0 && reads + writes === last) return
    if (performance.now() > deadline) throw new Error(`after ${LONGEST_QUIET_MS} ms ${left} copies are not delivered, or the router is still reading and writing`)
    last = reads + writes
  }
}
