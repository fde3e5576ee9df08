/** A durable spool on a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createLedger } from '../../src/spool/ledger.ts'
import { openSpool, type DurableSpool, type SpoolOptions } from '../../src/spool/lmdb-spool.ts'
import type { ClaimedCopy } from '../../src/spool/types.ts'

export interface OpenedSpool {
  readonly spool: DurableSpool
  readonly path: string
  /** `project reason` of each copy lost. */
  readonly drops: string[]
  /** `project reason` of each copy that died inside the spool. */
  readonly deaths: string[]
  /** `project count` of dead letters that gave way. */
  readonly purges: string[]
  /** `level: message` */
  readonly log: string[]
}

export function spoolFolder (t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'spool-'))
  t.teardown(() => { rmSync(path, { recursive: true, force: true }) })
  return path
}

let writers = 0

export function openTestSpool (t: Test, options: Partial<SpoolOptions> = {}): OpenedSpool {
  const path = options.path ?? spoolFolder(t)
  const drops: string[] = []
  const deaths: string[] = []
  const purges: string[] = []
  const log: string[] = []
  const say = (level: string) => (fields: unknown, message?: string): void => { log.push(`${level}: ${message ?? String(fields)}`) }
  const now = options.now ?? Date.now
  const spool = openSpool({
    path,
    maxBytes: 1024 ** 3,
    whenFull: 'drop_oldest',
    fsync: 'background',
    deadLetters: { maxBytes: 1024 ** 3, maxAgeMs: 86_400_000 },
    partition: 1,
    onDrop: (project, reason) => { drops.push(`${project} ${reason}`) },
    onDead: (project, reason) => { deaths.push(`${project} ${reason}`) },
    onDeadPurged: (project, count) => { purges.push(`${project} ${count}`) },
    ledger: createLedger({ writer: `test-${++writers}`, now }),
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    now,
    ...options
  })
  t.teardown(() => spool.close())
  return { spool, path, drops, deaths, purges, log }
}

/** The one copy that is due. */
export function claimOne (spool: Pick<DurableSpool, 'claim'>, now: number): ClaimedCopy {
  const [claimed] = spool.claim(1, now)
  if (claimed === undefined) throw new Error('no copy is due')
  return claimed
}
