/** The spool's environment, with a disk that can be made to fail. */
import { openLogFile, type OpenLogFile } from '../../src/spool/wal/log-file.ts'
import { openEnvironment, type Environment, type OpenEnvironment, type Table } from '../../src/spool/store.ts'

export interface FailingDisk {
  readonly open: OpenEnvironment
  readonly openLogFile: OpenLogFile
  /** Every operation of these kinds fails from now on; `null` heals it. */
  fail (kinds: readonly Operation[] | null, message?: string): void
  /** The n-th operation from now on fails, and only it; 1 is the next. */
  failNth (n: number, message?: string): void
  /** No transaction is under way. */
  idle (): Promise<void>
  /** Operations that failed. */
  readonly failures: () => number
  readonly commits: () => number
  /** Values put into a table. */
  readonly puts: (table: Table) => number
}

export type Operation = 'open' | 'get' | 'range' | 'commit' | 'transaction' | 'log'

/** All that writes. */
export const WRITES: readonly Operation[] = ['log', 'commit', 'transaction']

export function failingDisk (): FailingDisk {
  let failing: readonly Operation[] | null = null
  let countdown = 0
  let armed = false
  let message = 'ENOSPC'
  let failures = 0
  let commits = 0
  const puts = new Map<Table, number>()
  const underWay = new Set<Promise<unknown>>()

  function check (operation: Operation): void {
    if (countdown > 0) countdown--
    const isNth = countdown === 0 && armed
    if (isNth) armed = false
    if (!isNth && failing?.includes(operation) !== true) return
    failures++
    throw new Error(message)
  }

  function wrap (environment: Environment): Environment {
    return {
      ...environment,
      get (table, key) {
        check('get')
        return environment.get(table, key)
      },
      keys (table, range) {
        check('range')
        return environment.keys(table, range)
      },
      entries (table, range) {
        check('range')
        return environment.entries(table, range)
      },
      async commit (bytes, fill) {
        commits++
        check('commit')
        await settles(environment.commit(bytes, write => {
          fill((table, key, value) => {
            if (value !== null) puts.set(table, (puts.get(table) ?? 0) + 1)
            write(table, key, value)
          })
        }))
      },
      transaction (work) {
        check('transaction')
        return environment.transaction(work)
      }
    }
  }

  async function settles (operation: Promise<void>): Promise<void> {
    underWay.add(operation)
    await operation.finally(() => { underWay.delete(operation) })
  }

  return {
    async openLogFile (path, synced) {
      const file = await openLogFile(path, synced)
      return {
        ...file,
        async write (bytes, position) {
          check('log')
          await settles(file.write(bytes, position))
        }
      }
    },
    open (path) {
      check('open')
      return wrap(openEnvironment(path))
    },
    fail (kinds, text = 'ENOSPC') {
      failing = kinds
      message = text
    },
    failNth (n, text = 'EIO') {
      countdown = n
      armed = true
      message = text
    },
    async idle () {
      while (underWay.size > 0) await Promise.all(underWay)
    },
    failures: () => failures,
    commits: () => commits,
    puts: table => puts.get(table) ?? 0
  }
}
