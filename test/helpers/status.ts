/** The status of a running router, asked for once or listened to. */
import type { Test } from 'tap'
import type { History, HistoryWindow, Outcomes, Status, StatusWindow } from '../../src/status/status.ts'

export async function readStatus (adminUrl: string): Promise<Status> {
  return await readJson(`${adminUrl}/status.json`) as Status
}

export async function readHistory (adminUrl: string, window: HistoryWindow): Promise<History> {
  return await readJson(`${adminUrl}/history.json?window=${window}`) as History
}

async function readJson (url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return await response.json()
}

/** What became of all copies within a window. */
export function outcomes (status: Status, window: StatusWindow): Outcomes {
  const found = status.mirror?.success.find(success => success.window === window)
  if (found === undefined) throw new Error(`there is no window ${window}`)
  return found
}

export interface Events {
  readonly response: Response
  /** Resolves with the first status from now on that fulfils the condition, and when it came. */
  readonly until: (condition: (status: Status) => boolean) => Promise<{ readonly status: Status, readonly cameAt: number }>
  /** Resolves once the router has ended the stream. */
  readonly ended: () => Promise<void>
}

/** Listens to /events until the test ends. */
export async function listen (t: Test, adminUrl: string): Promise<Events> {
  const controller = new AbortController()
  t.teardown(() => { controller.abort() })
  const response = await fetch(`${adminUrl}/events`, { signal: controller.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''

  /** `null` at the end of the stream. */
  async function next (): Promise<Status | null> {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end !== -1) {
        const event = text.slice(0, end)
        text = text.slice(end + 2)
        const data = /^data: (.*)$/m.exec(event)?.[1]
        if (/^event: status$/m.test(event) && data !== undefined) return JSON.parse(data) as Status
        continue
      }
      const chunk = await reader?.read()
      if (chunk?.value === undefined) return null
      text += chunk.value
    }
  }

  return {
    response,

    async until (condition) {
      for (;;) {
        const status = await next()
        if (status === null) throw new Error('the stream ended')
        if (condition(status)) return { status, cameAt: Date.now() }
      }
    },

    async ended () {
      while (await next() !== null);
    }
  }
}
