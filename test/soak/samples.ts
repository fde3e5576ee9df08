/** What the processes and the spool's folder take, every so often. Linux: proc(5). */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sumMetric } from '../../src/demo/router-process.ts'
import type { Program } from './program.ts'

export interface ProcessSample {
  readonly pid: number
  /** Resident, in bytes. */
  readonly rss: number
  /** Of it what is the process's own, the mapped spool left out, in bytes. */
  readonly anonymous: number
  readonly descriptors: number
}

export interface Sample {
  /** Milliseconds since the start of the run. */
  readonly at: number
  /** The supervisor or only process first. */
  readonly processes: readonly ProcessSample[]
  /** JavaScript objects of all of them, in bytes. */
  readonly heap: number
  readonly pending: number
  /** Regular files in the spool's folder, all levels, and their bytes on disk. */
  readonly files: number
  readonly fileBytes: number
  /** Resident memory of the harness, in bytes. */
  readonly harness: number
}

/** @returns `null` while the router is not there to be asked. */
export async function takeSample (program: Program, spool: string, at: number): Promise<Sample | null> {
  try {
    const [metrics, processes, folder] = await Promise.all([program.metrics(), program.processes().then(pids => Promise.all(pids.map(sampleProcess))), sampleFolder(spool)])
    return {
      at: Math.round(at),
      processes,
      heap: sumMetric(metrics, 'nodejs_heap_size_used_bytes'),
      pending: sumMetric(metrics, 'mirror_pending'),
      ...folder,
      harness: process.memoryUsage.rss()
    }
  } catch {
    // It was killed meanwhile, or is starting.
    return null
  }
}

async function sampleProcess (pid: number): Promise<ProcessSample> {
  const [status, descriptors] = await Promise.all([readFile(`/proc/${pid}/status`, 'utf8'), readdir(`/proc/${pid}/fd`)])
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { pid, rss: kib('VmRSS'), anonymous: kib('RssAnon'), descriptors: descriptors.length }
}

async function sampleFolder (folder: string): Promise<{ files: number, fileBytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(entries.filter(entry => entry.isFile()).map(async entry => {
    // Body files come and go while they are looked at.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => null)
    return found === null ? null : found.blocks * 512
  }))
  const present = sizes.filter(size => size !== null)
  return { files: present.length, fileBytes: present.reduce((sum, size) => sum + size, 0) }
}

export const anonymousOf = ({ processes }: Sample): number => processes.reduce((sum, { anonymous }) => sum + anonymous, 0)
export const descriptorsOf = ({ processes }: Sample): number => processes.reduce((sum, { descriptors }) => sum + descriptors, 0)
