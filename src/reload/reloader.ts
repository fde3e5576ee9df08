/**
 * Reload: load the configuration, refuse what is wrong or cannot change, swap the rest
 * whole. One at a time; whoever asks during one shares the next, because the one under
 * way may have read the file already. A failure leaves all as it was.
 */
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { formatFault } from '../config/fault.ts'
import { configWarnings } from '../config/warnings.ts'
import { changesBetween, whatCannotChange } from './settings.ts'
import type { Source } from './source.ts'

export interface Reload {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly result: 'success' | 'failure'
  /** One sentence; never a mapped path. */
  readonly message: string
  /** What is different now, in words; empty when nothing is, and after a failure. */
  readonly changes: readonly string[]
  /** `file:line:column: message`, in the order of the file; empty after a success. */
  readonly faults: readonly string[]
}

export interface Reloader {
  /** Never rejects. Resolves once every process serves by what was loaded, or it is clear why not. */
  reload (): Promise<Reload>
  /**
   * Reloads if this is not what was tried last. A change that means nothing, such as one
   * in a comment, is passed over in silence; so is what changes again while it is read.
   *
   * @param fingerprint - Of the files, as they were seen last.
   */
  reloadIfChanged (fingerprint: string): Promise<void>
  last (): Reload | null
  /** The configuration in force; ports and hosts are those that the listeners really have. */
  config (): Config
  /** When it was loaded, in milliseconds since the epoch. */
  loadedAt (): number
}

export interface ReloaderOptions {
  readonly source: Source
  /** In force, as the file says it. */
  readonly loaded: Config
  /** In force, with the ports and hosts that were reserved. */
  readonly running: Config
  /** Swaps. @throws When nothing was swapped. */
  readonly apply: (config: Config) => Promise<void>
  readonly count: (result: Reload['result']) => void
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export function createReloader ({ source, loaded, running, apply, count, log, now }: ReloaderOptions): Reloader {
  const { file } = source
  let current = loaded
  let loadedAt = now()
  let last: Reload | null = null
  let tried: string | null = null
  let underWay: Promise<unknown> | null = null
  let next: Promise<Reload> | null = null

  function reload (): Promise<Reload> {
    if (underWay === null) return begin(attempt)
    // Not before the one under way has ended, and with all who ask until then.
    next ??= underWay.then(() => {
      next = null
      return reload()
    })
    return next
  }

  async function reloadIfChanged (fingerprint: string): Promise<void> {
    if (fingerprint === tried || underWay !== null) return
    await begin(() => attemptIfDifferent(fingerprint))
  }

  function begin<Result> (work: () => Promise<Result>): Promise<Result> {
    const running = work().finally(() => { underWay = null })
    underWay = running
    return running
  }

  async function attempt (): Promise<Reload> {
    const { loaded, fingerprint } = await source.load()
    tried = fingerprint
    if (loaded.faults !== undefined) return fail(loaded.faults.map(formatFault))
    return await swap(loaded.config)
  }

  async function attemptIfDifferent (seen: string): Promise<void> {
    const { loaded, fingerprint } = await source.load()
    if (fingerprint !== seen) return
    tried = fingerprint
    if (loaded.faults !== undefined) {
      fail(loaded.faults.map(formatFault))
      return
    }
    // After a failure the file that is right again is worth a word.
    if (last?.result !== 'failure' && isSame(current, loaded.config)) return
    await swap(loaded.config)
  }

  async function swap (config: Config): Promise<Reload> {
    const refused = whatCannotChange(current, config)
    if (refused.length > 0) return fail(refused.map(message => formatFault({ file, line: 0, column: 0, message })))
    const changes = changesBetween(current, config)
    try {
      await apply(runningAs(config))
    } catch (error) {
      return fail([`${file}: ${error instanceof Error ? error.message : String(error)}`])
    }
    const warned = configWarnings(current)
    const loadedBefore = loadedAt
    current = config
    loadedAt = now()
    count('success')
    log.info({ file, changes }, 'The configuration was reloaded.')
    for (const warning of configWarnings(config)) if (!warned.includes(warning)) log.warn(warning)
    last = { at: loadedAt, result: 'success', changes, faults: [], message: changes.length === 0 ? `Nothing is different from what was loaded at ${new Date(loadedBefore).toISOString()}.` : `Changed: ${changes.join(', ')}.` }
    return last
  }

  function fail (faults: readonly string[]): Reload {
    count('failure')
    log.error({ file, faults }, 'The configuration was not reloaded; the old one is in force.')
    const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`
    last = { at: now(), result: 'failure', changes: [], faults, message: `Not reloaded; the old configuration is in force. ${faults[0] ?? ''}${more}` }
    return last
  }

  /** With the sockets there are; what `config` says of them was found to be the same. */
  function runningAs (config: Config): Config {
    return { ...config, listeners: running.listeners.map((listener, i) => ({ ...listener, ui: config.listeners[i]?.ui ?? listener.ui })) }
  }

  return {
    reload,
    reloadIfChanged,
    last: () => last,
    config: () => runningAs(current),
    loadedAt: () => loadedAt
  }
}

function isSame (current: Config, next: Config): boolean {
  return whatCannotChange(current, next).length === 0 && changesBetween(current, next).length === 0
}
