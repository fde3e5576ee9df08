/** Counts a process's system calls, by name, with strace(1): every thread, attached while it runs. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

export type CallGroup = 'read' | 'write' | 'epoll' | 'futex' | 'sync' | 'memory' | 'other'

/** What is not named here is `other`: sockets opened and closed, files, clocks. */
const GROUPS: Readonly<Partial<Record<CallGroup, readonly string[]>>> = {
  read: ['read', 'readv', 'pread64', 'preadv', 'recvfrom', 'recvmsg'],
  write: ['write', 'writev', 'pwrite64', 'pwritev', 'sendto', 'sendmsg'],
  epoll: ['epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'epoll_ctl', 'poll', 'ppoll', 'select'],
  futex: ['futex', 'sched_yield'],
  sync: ['fsync', 'fdatasync', 'msync', 'sync_file_range'],
  memory: ['mmap', 'munmap', 'mremap', 'madvise', 'mprotect', 'brk', 'mincore']
}

export type CallsByName = ReadonlyMap<string, number>

/** The kernel, or the container, lets nobody trace. */
export class TracingForbidden extends Error {}

export interface Tracing {
  /** Lets the process go on alone. */
  stop (): Promise<CallsByName>
}

/** @param summary - File for strace's table. @throws {TracingForbidden} */
export async function traceCalls (pid: number, summary: string): Promise<Tracing> {
  const child = spawn('strace', ['-f', '-c', '-U', 'calls,name', '-o', summary, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'close')
  await attached(child)
  return {
    async stop () {
      // strace lets go of what it is attached to, and writes its table.
      child.kill('SIGINT')
      await ended
      return readCalls(await readFile(summary, 'utf8'))
    }
  }
}

function attached (child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (/Process \d+ attached/.test(said)) resolve()
    })
    child.once('error', cause => { reject(new Error('strace cannot be run; Debian has it in the package strace', { cause })) })
    child.once('close', () => {
      const message = `strace could not attach: ${said.trim()}`
      reject(/Operation not permitted|Permission denied|Function not implemented/.test(said) ? new TracingForbidden(message) : new Error(message))
    })
  })
}

/** strace's table: calls and name of each, under a heading; the sum is at the end. */
export function readCalls (table: string): CallsByName {
  const calls = new Map<string, number>()
  for (const [, count, name] of table.matchAll(/^ *(\d+) +([a-z_0-9]+)$/gm)) if (name !== 'total') calls.set(String(name), Number(count))
  return calls
}

export function callsIn (group: CallGroup, calls: CallsByName): number {
  return calls.entries().reduce((sum, [name, count]) => groupOf(name) === group ? sum + count : sum, 0)
}

function groupOf (name: string): CallGroup {
  const found = Object.entries(GROUPS).find(([, names]) => names.includes(name))
  return found === undefined ? 'other' : found[0] as CallGroup
}

/** read(2), write(2) and the like of a process and its threads so far: proc_pid_io(5). Needs nobody's permission. */
export function readsAndWrites (pid: number): { reads: number, writes: number } {
  const io = readFileSync(`/proc/${pid}/io`, 'utf8')
  return { reads: Number(/^syscr: (\d+)$/m.exec(io)?.[1]), writes: Number(/^syscw: (\d+)$/m.exec(io)?.[1]) }
}
