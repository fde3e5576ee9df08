/** Whose log it is: a process id alone may be given to the next process. */
import { readFileSync } from 'node:fs'

/** Start of the process in clock ticks since the machine's; see proc_pid_stat(5). */
const START_FIELD = 22
/** Zombie, dead. */
const ENDED = ['Z', 'X']

/** `<pid>-<start>`; the start is 0 where there is no /proc. */
export function ownerName (pid: number): string {
  return `${pid}-${startOf(pid) ?? 0}`
}

/** @param owner - From `ownerName`. One in another container cannot be seen, and is taken for gone. */
export function isAlive (owner: string): boolean {
  const pid = Number(owner.split('-')[0])
  return startOf(pid) !== null && ownerName(pid) === owner
}

function startOf (pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the command, in parentheses; it may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // One that was killed stays until its parent, perhaps init, has asked for it.
    return ENDED.includes(fields[0] ?? '') ? null : fields[START_FIELD - 3] ?? null
  } catch {
    return null
  }
}
