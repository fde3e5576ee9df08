/** What a process and all its children have cost so far: proc_pid_stat(5), proc_pid_status(5). */
import { readFileSync } from 'node:fs'

/** USER_HZ, which Linux fixes for user space. */
const TICKS_PER_SECOND = 100

/** The process, its children, their children, … */
export function treeOf (pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(treeOf)]
}

/** User and system time of a process tree, in microseconds. */
export function cpuOf (pid: number): number {
  let ticks = 0
  for (const each of treeOf(pid)) {
    const stat = readFileSync(`/proc/${each}/stat`, 'utf8')
    // Behind the command's name, which may hold spaces: field 3 is the first; utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * 1e6 / TICKS_PER_SECOND
}

export interface Memory {
  /** Resident, in MiB: its own pages, and those of files, which the kernel takes back when others need them. */
  readonly all: number
  readonly ofFiles: number
}

/** Of the largest process of a tree that serves. */
export function memoryOf (pid: number): Memory {
  const each = treeOf(pid).map(pid => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const mib = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
    return { all: mib('VmRSS'), ofFiles: mib('RssFile') + mib('RssShmem') }
  })
  return each.reduce((largest, next) => next.all > largest.all ? next : largest)
}

export function median (values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] ?? NaN : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}
