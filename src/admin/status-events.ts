/**
 * Server-sent events (WHATWG HTML, 9.2): every listener gets the same bytes, made once
 * a second and only while somebody listens. One that does not read is dropped, not
 * buffered for.
 */
import type { ServerResponse } from 'node:http'
import type { Status } from '../status/status.ts'

export interface StatusEvents {
  /** Whether there are as many listeners as may be. */
  isFull (): boolean
  /** Its head has been sent. */
  add (response: ServerResponse): void
  /** Ends all. */
  close (): void
}

export interface StatusEventsOptions {
  readonly maxListeners?: number
  readonly intervalMs?: number
}

const MAX_LISTENERS = 50
const INTERVAL_MS = 1000
/** What a browser waits before it comes again. */
const RETRY_MS = 1000
/** Events that a listener may miss in a row because it has not read those before. */
const MAX_MISSED = 10

export function createStatusEvents (status: () => Promise<Status>, { maxListeners = MAX_LISTENERS, intervalMs = INTERVAL_MS }: StatusEventsOptions = {}): StatusEvents {
  /** And how many events each has missed. */
  const listeners = new Map<ServerResponse, number>()
  let timer: NodeJS.Timeout | null = null
  let making = false
  let latest: string | null = null
  let closed = false

  async function make (): Promise<void> {
    making = true
    try {
      latest = `event: status\ndata: ${JSON.stringify(await status())}\n\n`
      for (const listener of listeners.keys()) send(listener, latest)
    } catch {
      // The next second tries again; until then, a sign of life.
      beat()
    } finally {
      making = false
    }
  }

  /** A comment: tells whoever stands between that the connection is in use. */
  function beat (): void {
    for (const listener of listeners.keys()) send(listener, ': \n\n')
  }

  function send (listener: ServerResponse, text: string): void {
    if (!listener.writableNeedDrain) {
      listeners.set(listener, 0)
      listener.write(text)
      return
    }
    const missed = (listeners.get(listener) ?? 0) + 1
    listeners.set(listener, missed)
    if (missed > MAX_MISSED) listener.destroy()
  }

  function tick (): void {
    if (making) beat()
    else void make()
  }

  function remove (listener: ServerResponse): void {
    listeners.delete(listener)
    if (listeners.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
    latest = null
  }

  return {
    isFull: () => listeners.size >= maxListeners,

    add (response) {
      if (closed) { response.end(); return }
      listeners.set(response, 0)
      response.on('close', () => { remove(response) })
      response.on('error', () => { response.destroy() })
      response.write(`retry: ${RETRY_MS}\n\n${latest ?? ''}`)
      if (timer !== null) return
      timer = setInterval(tick, intervalMs)
      tick()
    },

    close () {
      closed = true
      for (const listener of listeners.keys()) listener.end()
    }
  }
}
