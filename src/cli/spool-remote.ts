/** The dead letters of a running router, over its admin listener. */
import type { Backlog, DeadLetterDesk, Page, Query } from '../admin/dead-letter-desk.ts'
import type { DeadLetterDetails, DeadLetterView } from '../admin/dead-letter-view.ts'
import type { AdminConfig } from '../config/config.ts'
import { formatDuration } from '../config/units.ts'
import { adminFetch, refusal, type AdminRequest } from './admin-client.ts'
import { CommandError } from './command.ts'

/** A page of replays is one transaction; this long is a router that hangs. */
const TIMEOUT_MS = 60_000

export function createRemoteDesk (admin: AdminConfig): DeadLetterDesk {
  return {
    async list (query, limit, after) {
      const { dead_letters: deadLetters, next } = await ask(`/dead-letters?${searchOf(query, limit, after)}`) as { dead_letters: DeadLetterView[], next: Page['next'] }
      return { deadLetters, next }
    },
    pending: async (query, limit, after) => await ask(`/pending?${searchOf(query, limit, after)}`) as Backlog,
    show: async id => await ask(`/dead-letters/${id}`) as DeadLetterDetails | null,
    async replay (query) {
      const { replayed, missing } = await tell('/dead-letters/replay', query) as { replayed: number, missing: string[] }
      return { count: replayed, missing }
    },
    async purge (query) {
      const { purged, missing } = await tell('/dead-letters/purge', query) as { purged: number, missing: string[] }
      return { count: purged, missing }
    }
  }

  function tell (path: string, { ids, project, reason, olderThanMs }: Query): Promise<unknown> {
    const filter = { ids, project, reason, older_than: olderThanMs === undefined ? undefined : formatDuration(olderThanMs) }
    const empty = Object.values(filter).every(value => value === undefined)
    return ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(empty ? { all: true } : filter) })
  }

  /** @returns What was answered; `null` when there is no such dead letter. */
  async function ask (path: string, request: AdminRequest = {}): Promise<unknown> {
    const response = await adminFetch(admin, path, { ...request, timeoutMs: TIMEOUT_MS })
    const answer = await response.json().catch(() => null) as { error?: unknown } | null
    if (response.status === 404 && answer?.error === 'not_found' && /^\/dead-letters\/[0-9a-f]+$/i.test(path)) return null
    if (response.ok && answer !== null) return answer
    throw new CommandError(refusal(admin, response, answer))
  }
}

function searchOf ({ project, reason, olderThanMs }: Query, limit: number, after?: string): string {
  const search = new URLSearchParams({ limit: String(limit) })
  if (project !== undefined) search.set('project', project)
  if (reason !== undefined) search.set('reason', reason)
  if (olderThanMs !== undefined) search.set('older_than', formatDuration(olderThanMs))
  if (after !== undefined) search.set('after', after)
  return search.toString()
}
