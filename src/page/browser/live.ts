/**
 * The line to the router: a status once a second. Said to be lost as soon as it ends,
 * or when nothing was heard for a while: a router that hangs ends nothing.
 */
import type { Status } from '../../status/status.ts'

export interface LiveListener {
  readonly onStatus: (status: Status) => void
  readonly onLost: (since: Date) => void
  readonly onBack: () => void
}

const SILENCE_MS = 5000
const RECONNECT_MS = 1000

export function startLive ({ onStatus, onLost, onBack }: LiveListener): void {
  let source: EventSource | null = null
  let silence: number | undefined
  let lost = false

  const listen = (): void => {
    window.clearTimeout(silence)
    silence = window.setTimeout(lose, SILENCE_MS)
  }

  /** Not left to the browser: it takes its time, and gives up for good when a proxy in front answers 502. */
  function lose (): void {
    source?.close()
    window.clearTimeout(silence)
    if (!lost) onLost(new Date())
    lost = true
    window.setTimeout(connect, RECONNECT_MS)
  }

  function connect (): void {
    source = new EventSource('/events')
    source.addEventListener('status', event => {
      listen()
      if (lost) onBack()
      lost = false
      onStatus(JSON.parse(String(event.data)) as Status)
    })
    source.addEventListener('error', lose, { once: true })
    listen()
  }

  connect()
}
