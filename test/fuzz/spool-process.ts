/**
 * The process that a damaged spool may end: it fills one, or opens one as the program
 * does, delivers what there is, and says what it found.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareSpool } from '../../src/process/prepare-spool.ts'
import { createLedger } from '../../src/spool/ledger.ts'
import { openSpool, type DurableSpool } from '../../src/spool/lmdb-spool.ts'
import { openSpoolReader } from '../../src/spool/spool-reader.ts'
import type { Copy } from '../../src/spool/types.ts'
import { copyOf, fieldLines, memoryBody } from '../helpers/copies.ts'

export interface Filled {
  /** What each copy is, by id. */
  readonly digests: Readonly<Record<string, string>>
  readonly dead: readonly string[]
  readonly acked: readonly string[]
  /** Taken when the environment was written for the last time. */
  readonly inLogOnly: readonly string[]
}

export interface Drained {
  readonly delivered: Readonly<Record<string, string>>
  readonly dead: readonly { readonly id: string, readonly reason: string }[]
  readonly lost: readonly string[]
  readonly drops: number
  readonly log: readonly string[]
  /** Something that was thrown. */
  readonly fault: string | null
  /** Still told to be there, though nothing came any more. */
  readonly pending: number
  readonly isDone: boolean
}

export interface Order {
  readonly verb: 'fill' | 'drain'
  readonly path: string
}

/** Any time: all that waits is due. */
const LATE = 2 ** 47
const MOST_MS = 6000
/** Nothing comes for so long: longer than the first probes of a disk that failed. */
const QUIET_MS = 80

function digestOf (copy: Copy): string {
  const { id, project, method, target, fields, framed, takenAt, body } = copy
  const hash = createHash('sha1').update(JSON.stringify([id, project, method, target, fields, framed, takenAt, body.length]))
  for (const chunk of body.chunks ?? [readFileSync(body.file ?? '')]) hash.update(chunk)
  return hash.digest('hex')
}

/** Whether its body can be sent. */
function isThere ({ body }: Copy): boolean {
  if (body.file === null) return true
  try {
    return readFileSync(body.file).length === body.length
  } catch {
    return false
  }
}

function open (path: string, log: string[], onDrop: () => void): DurableSpool {
  const say = (level: string) => (fields: unknown, message?: string): void => { log.push(`${level}: ${message ?? String(fields)}`) }
  return openSpool({
    path, maxBytes: 1024 ** 3, whenFull: 'drop_oldest', fsync: 'background', partition: 1,
    deadLetters: { maxBytes: 1024 ** 3, maxAgeMs: LATE },
    onDrop, onDeadPurged () {},
    ledger: createLedger({ writer: `${process.pid}-${log.length}`, now: Date.now }),
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    now: Date.now
  })
}

/** Copies of all kinds and sizes: in the environment, and then in the log alone. */
async function fill (path: string): Promise<Filled> {
  const digests: Record<string, string> = {}
  const dead: string[] = []
  const acked: string[] = []
  const spool = open(path, [], () => {})
  async function take (count: number, size: number): Promise<string[]> {
    const ids: string[] = []
    for (let i = 0; i < count; i++) {
      const copy = copyOf({ project: String(i % 3), target: `/w/s/${i}?a=\xe4`, fields: fieldLines('A', 'b'), body: memoryBody(Buffer.alloc(size + i * 7, i + 1)) })
      digests[copy.id] = digestOf(copy)
      ids.push(copy.id)
      await spool.append(copy)
    }
    return ids
  }
  function settle (bury: number, retry: number, ack: number): void {
    for (const [i, claimed] of spool.claim(bury + retry + ack, LATE).entries()) {
      const { id } = claimed.copy
      if (i < bury) {
        dead.push(id)
        spool.bury(claimed, '400', 'no')
      } else if (i < bury + retry) spool.retry(claimed, Date.now() + i, true, 'busy')
      else {
        acked.push(id)
        spool.ack(claimed)
      }
    }
  }
  await take(40, 30)
  settle(10, 20, 10)
  await take(60, 700)
  settle(5, 10, 0)
  await take(8, 3000)
  await take(3, 300_000)
  settle(1, 2, 0)
  await take(60, 100)
  await spool.saved()
  const inLogOnly = [...await take(12, 500), ...await take(1, 300_000)]
  settle(2, 3, 3)
  await take(4, 10)
  return { digests, dead, acked, inLogOnly: [...inLogOnly, ...Object.keys(digests).slice(-4)] }
}

async function drain (path: string): Promise<Drained> {
  const log: string[] = []
  const delivered: Record<string, string> = {}
  const dead: { id: string, reason: string }[] = []
  const lost: string[] = []
  let drops = 0
  let isDone = false
  let pending = 0
  let fault: string | null = null
  try {
    const found = await prepareSpool(path, { warn (_: unknown, message?: string) { log.push(`warn: ${message ?? ''}`) } })
    const spool = open(path, log, () => { drops++ })
    spool.adopt(found)
    const copy = copyOf({ id: 'n'.repeat(32) })
    await spool.append(copy)
    const end = performance.now() + MOST_MS
    for (let quietSince = performance.now(); !isDone && performance.now() < end;) {
      const claimed = spool.claim(50, LATE)
      for (const token of claimed) {
        if (isThere(token.copy)) {
          delivered[token.copy.id] = digestOf(token.copy)
          spool.ack(token)
        } else spool.bury(token, 'body_lost', '')
      }
      if (claimed.length > 0 || !spool.works()) quietSince = performance.now()
      const { pending } = spool.stats()
      isDone = pending <= 0 && claimed.length === 0 || performance.now() - quietSince > QUIET_MS
      if (claimed.length > 0) continue
      await sleep(5)
      spool.poll()
    }
    await spool.saved()
    pending = spool.stats().pending
    try {
      for (const { id, reason } of spool.deadLetters.list({}, Infinity)) dead.push({ id, reason })
    } catch (error) {
      // Whoever asks for them is told.
      log.push(`error: ${String(error)}`)
    }
    await spool.close()
    const reader = openSpoolReader(path)
    for (const { id } of reader.lost({})) lost.push(id)
    for (const row of reader.readLedger(0)) if (row.key.length === 0) throw new Error('a row without a key')
    await reader.close()
  } catch (error) {
    fault = error instanceof Error ? error.stack ?? error.message : String(error)
  }
  return { delivered, dead, lost, drops, log, fault, pending, isDone }
}

process.on('message', ({ verb, path }: Order) => {
  void (verb === 'fill' ? fill(path) : drain(path)).then(result => process.send?.(result))
})
