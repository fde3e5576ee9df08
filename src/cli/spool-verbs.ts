/** What each verb of `spool` does with the dead letters it is given; wherever they are. */
import type { DeadLetterDesk, Query } from '../admin/dead-letter-desk.ts'
import type { DeadLetterDetails } from '../admin/dead-letter-view.ts'
import type { Io } from './command.ts'
import { printableJson } from '../printable.ts'
import { createProgress, type Progress } from './progress.ts'
import { counted, renderBacklog, renderDeadLetters, renderDetails } from './spool-print.ts'

export interface Stage {
  readonly desk: DeadLetterDesk
  /** Whether no router runs: what is replayed waits for the next start. */
  readonly offline: boolean
  readonly json: boolean
  readonly io: Io
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Ids of one transaction. Small enough that the bar moves, and that traffic does not wait for it. */
const PAGE = 500

export async function listDeadLetters ({ desk, json, io, now }: Stage, query: Query, limit: number): Promise<number> {
  const { entries, more } = await upTo(limit, async (size, after) => {
    const { deadLetters, next } = await desk.list(query, size, after)
    return { entries: deadLetters, next }
  })
  if (json) io.stdout.write(printableJson({ dead_letters: entries, more }))
  else if (entries.length === 0) io.stdout.write(nothing(query))
  else io.stdout.write(lines(renderDeadLetters(entries, now)))
  if (more && !json) io.stderr.write('There are more: --limit N lists more of them.\n')
  return 0
}

export async function listBacklog ({ desk, json, io, now }: Stage, query: Query, limit: number): Promise<number> {
  const { entries, more } = await upTo(limit, async (size, after) => {
    const { pending, next } = await desk.pending(query, size, after)
    return { entries: pending, next }
  })
  if (json) io.stdout.write(printableJson({ pending: entries, more }))
  else if (entries.length === 0) io.stdout.write(isEmpty(query) ? 'No copies wait.\n' : 'No copies that wait match.\n')
  else io.stdout.write(lines(renderBacklog(entries, now)))
  if (more && !json) io.stderr.write('More copies wait: --limit N lists more of them.\n')
  return 0
}

export async function showDeadLetters ({ desk, json, io, now }: Stage, ids: readonly string[]): Promise<number> {
  const found: DeadLetterDetails[] = []
  const missing: string[] = []
  for (const id of ids) {
    const details = await desk.show(id)
    if (details === null) missing.push(id)
    else found.push(details)
  }
  if (json) io.stdout.write(printableJson(found))
  else io.stdout.write(found.map(details => lines(renderDetails(details, now))).join('\n'))
  return sayMissing(missing, io)
}

/**
 * Replays or purges page by page. Which ones is settled before the first is touched:
 * a copy that is given up again meanwhile is not replayed for ever.
 *
 * @param ids - Named one by one: that one does not exist is worth exit code 1. `null`: those that match `query`.
 */
export async function act (verb: 'replay' | 'purge', stage: Stage, ids: readonly string[] | null, query: Query): Promise<number> {
  const { desk, offline, json, io } = stage
  const progress = createProgress(io.stderr, verb === 'replay' ? 'Replaying' : 'Purging')
  const past = verb === 'replay' ? 'replayed' : 'purged'
  const missing: string[] = []
  let count = 0
  try {
    const chosen = ids ?? await idsOf(desk, query, progress)
    for (let at = 0; at < chosen.length; at += PAGE) {
      progress.show(at, chosen.length)
      const page = { ids: chosen.slice(at, at + PAGE) }
      const done = verb === 'replay' ? await desk.replay(page) : await desk.purge(page)
      count += done.count
      missing.push(...done.missing)
    }
  } catch (error) {
    progress.clear()
    if (count > 0) io.stderr.write(`Before it failed, ${counted(count, 'dead letter')} were ${past}.\n`)
    throw error
  }

  progress.clear()
  const unknown = ids === null ? [] : missing
  if (json) io.stdout.write(printableJson({ [past]: count, missing: unknown }))
  else if (count > 0) io.stdout.write(`${verb === 'replay' ? 'Replayed' : 'Purged'} ${counted(count, 'dead letter')}${verb === 'replay' && offline ? '; the router sends them when it starts' : ''}.\n`)
  else if (ids === null) io.stdout.write(nothing(query))
  return sayMissing(unknown, io)
}

async function idsOf (desk: DeadLetterDesk, query: Query, progress: Progress): Promise<string[]> {
  const ids = new Set<string>()
  const pages = pagesOf(async after => {
    const { deadLetters, next } = await desk.list(query, PAGE, after)
    return { entries: deadLetters, next }
  })
  for await (const { entries, next } of pages) {
    for (const { id } of entries) ids.add(id)
    if (next !== null) progress.show(ids.size, null)
  }
  return [...ids]
}

interface Entries<Entry> {
  readonly entries: readonly Entry[]
  readonly next: string | null
}

async function upTo<Entry> (limit: number, list: (size: number, after?: string) => Promise<Entries<Entry>>): Promise<{ entries: Entry[], more: boolean }> {
  const all: Entry[] = []
  for await (const { entries, next } of pagesOf(after => list(Math.min(PAGE, limit), after))) {
    all.push(...entries)
    if (all.length >= limit) return { entries: all.slice(0, limit), more: next !== null || all.length > limit }
  }
  return { entries: all, more: false }
}

async function * pagesOf<Entry> (list: (after?: string) => Promise<Entries<Entry>>): AsyncGenerator<Entries<Entry>> {
  let after: string | undefined
  do {
    const page = await list(after)
    yield page
    after = page.next ?? undefined
  } while (after !== undefined)
}

function sayMissing (missing: readonly string[], io: Io): number {
  for (const id of missing) io.stderr.write(`${id}: no dead letter has this id\n`)
  return missing.length === 0 ? 0 : 1
}

function nothing (query: Query): string {
  return isEmpty(query) ? 'There are no dead letters.\n' : 'No dead letters match.\n'
}

function isEmpty (query: Query): boolean {
  return Object.keys(query).length === 0
}

function lines (text: readonly string[]): string {
  return text.map(line => `${line}\n`).join('')
}
