/**
 * The environment while it lasts. It opens, it fails, it comes back: whoever uses the
 * disk says when it failed, and is told when it works again. One line in the log for
 * each.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isDamage, isDamaged, moveAside } from './damage.ts'
import { dataFileIdentity } from './data-file.ts'
import { requireRoom, SpoolFormatError, type Environment, type OpenEnvironment } from './store.ts'

export interface Disk {
  /** `null` while there is none. It may be failing. */
  environment (): Environment | null
  readonly works: boolean
  /** An operation on the environment failed. */
  readonly fail: (error: unknown) => void
  /** A transaction succeeded, or there was nothing to write. */
  readonly confirm: () => void
  /** Looks whether the environment is still there, and whether a failed one works again. */
  probe (): void
  /** The same at once, however long ago it failed. */
  probeNow (): void
  close (): Promise<void>
}

export interface DiskOptions {
  readonly path: string
  readonly open: OpenEnvironment
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  /** Bytes that wait to be written: a disk that takes less does not work. */
  readonly waitingBytes: () => number
  /** @param isNew - It worked before; not a probe that promised too much. */
  readonly onFail: (isNew: boolean) => void
  /** @param anew - It is another environment than before: what was on disk is gone. */
  readonly onWork: (anew: boolean) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const PROBE_EVERY_MS = 2000
const PROBE_KEY = Buffer.from('probe')
const MIN_PROBE_BYTES = 64 * 1024
const MAX_PROBE_BYTES = 8 * 1024 * 1024
/** After a write error lmdb-js may wait for ever for what it had begun. */
const CLOSING_MS = 500
/** The same at the end, where all that is committed should be on the disk. */
const LAST_CLOSING_MS = 5000
/** An environment that fails so often is opened again. */
const PROBES_PER_OPENING = 3

/** Opens the environment, if that can be done now; no one is told of that. @throws {SpoolFormatError} */
export function createDisk (options: DiskOptions): Disk {
  const { path, log, onFail, onWork, now } = options
  let environment: Environment | null = null
  /** The data file that is open; empty before the first. */
  let identity = ''
  let works = false
  /** A probe succeeded; what waits is being written for the first time since. */
  let trying = false
  /** The environment that failed, until it is closed. */
  let closing: Promise<void> | null = null
  let ended = false
  let failedProbes = 0
  let lastProbe = 0

  function open (): Environment {
    if (isDamaged(path)) setAside()
    try {
      return options.open(path)
    } catch (error) {
      if (!isDamage(error)) throw error
      setAside()
      return options.open(path)
    }
  }

  function setAside (): void {
    const name = moveAside(path, now())
    log.error({ file: join(path, name) }, 'The spool on disk is damaged and was moved aside; what it held is not delivered. A new one was begun. Check the disk; the file can be removed when nobody wants to look into it.')
  }

  function attach (): boolean {
    if (environment !== null) return false
    environment = open()
    const before = identity
    identity = dataFileIdentity(path)
    return before !== '' && identity !== before
  }

  function detach (): void {
    const gone = environment
    environment = null
    if (gone === null) return
    // Its files may be gone or unreadable: there is nothing to be done about what fails here.
    const closed = Promise.race([gone.close().catch(() => {}), sleep(CLOSING_MS)]).then(() => { if (closing === closed) closing = null })
    closing = closed
  }

  function fail (error: unknown): void {
    if (!works) return
    works = false
    lastProbe = now()
    failedProbes = 0
    if (!trying) tellFailure(error)
    onFail(!trying)
  }

  function tellFailure (error: unknown): void {
    log.error({ error: String(error) }, 'The spool cannot write to its disk; copies wait in memory, up to a bound, and are lost if this process ends. Is the disk at spool.path full, read-only, or gone? It is used again as soon as it works.')
  }

  function tryAgain (): void {
    lastProbe = now()
    if (closing !== null) {
      // LMDB forbids opening what this process still has open: closing that one would unlock both (fcntl(2)).
      void closing.then(() => { if (!works && !ended) tryAgain() })
      return
    }
    try {
      const anew = attach()
      const blob = Buffer.alloc(Math.min(Math.max(options.waitingBytes() * 2, MIN_PROBE_BYTES), MAX_PROBE_BYTES))
      requireRoom(path, blob.length)
      environment?.transaction(write => { write('meta', PROBE_KEY, blob) })
      environment?.transaction(write => { write('meta', PROBE_KEY, null) })
      works = true
      trying = true
      onWork(anew)
    } catch {
      failedProbes++
      if (failedProbes % PROBES_PER_OPENING === 0) detach()
    }
  }

  try {
    attach()
    works = true
  } catch (error) {
    if (error instanceof SpoolFormatError) throw error
    lastProbe = now()
    tellFailure(error)
  }

  return {
    environment: () => environment,
    get works () { return works },
    fail,

    confirm () {
      if (!trying || !works) return
      trying = false
      log.info('The spool writes to its disk again.')
    },

    probe () {
      if (works && environment !== null && identity !== '' && dataFileIdentity(path) !== identity) {
        fail(new Error('the file of the spool is gone'))
        detach()
        tryAgain()
      } else if (!works && now() - lastProbe >= PROBE_EVERY_MS) tryAgain()
    },

    probeNow () { if (!works) tryAgain() },

    async close () {
      const last = environment
      environment = null
      works = false
      ended = true
      if (last !== null) await Promise.race([last.close().catch(() => {}), sleep(LAST_CLOSING_MS, null, { ref: false })])
      await closing
    }
  }
}
