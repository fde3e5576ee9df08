/** Runs nginx and the router in turn, and forms the ratio of each round. */
import { join } from 'node:path'
import type { Backends } from './backend.ts'
import { median } from './cpu.ts'
import { measure, type Place, type Sample } from './measure.ts'
import type { PairedRow } from './rows.ts'
import { startNginx, startRouter, type Subject } from './subjects.ts'

export interface PairedResult {
  readonly row: PairedRow
  readonly rounds: readonly { readonly nginx: Sample, readonly router: Sample }[]
  /** Router ÷ nginx: the median of the rounds, and their range. */
  readonly ratio: number
  readonly least: number
  readonly most: number
}

export async function runPaired (row: PairedRow, backends: Backends, { rounds, seconds }: { rounds: number, seconds: number }, place: Place): Promise<PairedResult> {
  const { subjectCores, folder } = place
  const subjects: Subject[] = []
  try {
    const nginx = await startNginx(row.against, backends, subjectCores, join(folder, `nginx-${row.name}`))
    subjects.push(nginx)
    const router = await startRouter(backends, subjectCores, join(folder, `router-${row.name}`))
    subjects.push(router)
    // What Node has not compiled yet is not what it costs.
    await checked(row, router, backends, seconds, place)
    const done: { nginx: Sample, router: Sample }[] = []
    for (let round = 0; round < rounds; round++) {
      done.push({ nginx: await checked(row, nginx, backends, seconds, place), router: await checked(row, router, backends, seconds, place) })
    }
    const ratios = done.map(({ nginx, router }) => router.cpuPerRequest / nginx.cpuPerRequest)
    return { row, rounds: done, ratio: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
  } finally {
    await Promise.all(subjects.map(subject => subject.stop()))
  }
}

/**
 * Copies that may be missing, per request. nginx drops those of clients that leave, as
 * wrk's do at the end, and those for which no port is left: it connects for each anew.
 * They cost it nothing, which is to its advantage here.
 */
const MISSING = { nginx: 0.15, router: 0.02 }

/** @throws When an answer was an error, or a copy is missing: then the figure means nothing. */
async function checked (row: PairedRow, subject: Subject, backends: Backends, seconds: number, place: Place): Promise<Sample> {
  const sample = await measure(subject, backends, row.work, seconds, place)
  if (sample.errors > 0) throw new Error(`${row.name}, ${subject.name}: ${sample.errors} of ${sample.requests} requests failed`)
  const missing = subject.name === 'router' ? MISSING.router : MISSING.nginx
  if (Math.abs(sample.copiesPerRequest - row.copies) > missing) throw new Error(`${row.name}, ${subject.name}: ${sample.copiesPerRequest.toFixed(3)} copies per request, not ${row.copies}`)
  return sample
}
