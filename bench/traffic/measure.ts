/** One measurement: a load on a subject, what it cost, and whether the copies arrived. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Backends } from './backend.ts'
import { cpuOf } from './cpu.ts'
import { load, type LoadResult, type Work } from './load.ts'
import type { Subject } from './subjects.ts'

export interface Place {
  /** Cores of the subject, and of load and stand-ins: as taskset(1) takes them. */
  readonly subjectCores: string
  readonly loadCores: string
  readonly folder: string
}

export interface Sample extends LoadResult {
  /** User and system time of the subject's processes, in microseconds per request; what it still delivers after the load included. */
  readonly cpuPerRequest: number
  /** Copies at the endpoint, per request. */
  readonly copiesPerRequest: number
}

const LONGEST_DRAIN_MS = 20_000
const LOOK_EVERY_MS = 100
const WARM_UP_S = 1

export async function measure (subject: Subject, backends: Backends, work: Work, seconds: number, { loadCores, folder }: Place): Promise<Sample> {
  await load(work, subject.port, WARM_UP_S, loadCores, folder)
  await quiet(backends)
  const before = await backends.counts()
  const cpuBefore = cpuOf(subject.pid)
  const result = await load(work, subject.port, seconds, loadCores, folder)
  await quiet(backends)
  const cpu = cpuOf(subject.pid) - cpuBefore
  const after = await backends.counts()
  // Those that wrk cuts at its end are served too: what upstreams have seen counts.
  const served = after.relay + after.web - before.relay - before.web
  return { ...result, cpuPerRequest: cpu / served, copiesPerRequest: (after.endpoint - before.endpoint) / served }
}

/** Resolves once no copy arrives any more. */
async function quiet (backends: Backends): Promise<void> {
  const deadline = performance.now() + LONGEST_DRAIN_MS
  let last = -1
  for (let same = 0; same < 3 && performance.now() < deadline; await sleep(LOOK_EVERY_MS)) {
    const { endpoint } = await backends.counts()
    same = endpoint === last ? same + 1 : 0
    last = endpoint
  }
}
