/**
 * Who has seen which request: the SDK that sent it, Relay's stand-in, the endpoint's.
 * A request is known by the hash of its body, which no two envelopes share, so
 * "arrived" always means "arrived byte for byte".
 */
import type { Received } from './stand-ins.ts'
import type { Sent } from './traffic.ts'

export interface DemoProject {
  readonly id: string
  /** Mapped path, or `null` where the mirror is off. */
  readonly mirrorPath: string | null
}

export interface Row {
  readonly project: string
  readonly mirrored: boolean
  readonly sent: number
  /** With a 2xx. */
  readonly answered: number
  readonly atRelay: number
  readonly atEndpoint: number
}

export interface Tally {
  readonly sent: (sent: Sent) => void
  readonly atRelay: (received: Received) => void
  readonly atEndpoint: (received: Received) => void
  /** A new row per project, in the order given. */
  readonly rows: () => Row[]
  /** A sentence for every request that is not yet everywhere it belongs, and for every one that is where it does not. */
  readonly missing: () => string[]
}

interface Entry {
  readonly project: string
  status: number | null | undefined
  relayRequestId: string | undefined
  endpointRequestId: string | undefined
  endpointTarget: string | undefined
  kinds: string
}

/** Settled requests older than this many are counted and forgotten: a demo may run for days. */
const MOST_ENTRIES = 5000

export function createTally (projects: readonly DemoProject[]): Tally {
  const entries = new Map<string, Entry>()
  const pathOf = new Map(projects.map(project => [project.id, project.mirrorPath]))
  const counts = new Map(projects.map(({ id }) => [id, { sent: 0, answered: 0, atRelay: 0, atEndpoint: 0 }]))

  const entryOf = (project: string, sha256: string): Entry => {
    const known = entries.get(sha256)
    if (known !== undefined) return known
    const entry: Entry = { project, status: undefined, relayRequestId: undefined, endpointRequestId: undefined, endpointTarget: undefined, kinds: 'body' }
    entries.set(sha256, entry)
    forgetOldest()
    return entry
  }

  const forgetOldest = (): void => {
    if (entries.size <= MOST_ENTRIES) return
    for (const [sha256, entry] of entries) {
      if (faultOf(entry, pathOf.get(entry.project) ?? null) === null) {
        entries.delete(sha256)
        return
      }
    }
  }

  const count = (project: string, what: 'sent' | 'answered' | 'atRelay' | 'atEndpoint'): void => {
    const row = counts.get(project)
    if (row !== undefined) row[what]++
  }

  return {
    sent: ({ project, sha256, status }) => {
      const entry = entryOf(project, sha256)
      // The SDK sends again, once, when a pooled connection turns out dead: one request still.
      if (entry.status === undefined) count(project, 'sent')
      entry.status = status
      if (status !== null && status >= 200 && status < 300) count(project, 'answered')
    },
    atRelay: received => {
      const entry = entryOf(received.project, received.sha256)
      entry.relayRequestId = received.requestId
      entry.kinds = kindsOf(received)
      count(received.project, 'atRelay')
    },
    atEndpoint: received => {
      const entry = entryOf(received.project, received.sha256)
      entry.endpointRequestId = received.requestId
      entry.endpointTarget = received.target
      entry.kinds = kindsOf(received)
      count(received.project, 'atEndpoint')
    },
    rows: () => projects.map(({ id, mirrorPath }) => ({
      project: id,
      mirrored: mirrorPath !== null,
      ...counts.get(id) ?? { sent: 0, answered: 0, atRelay: 0, atEndpoint: 0 }
    })),
    missing: () => [...entries].flatMap(([sha256, entry]) => {
      const fault = faultOf(entry, pathOf.get(entry.project) ?? null)
      return fault === null ? [] : [`project ${entry.project}, ${entry.kinds} ${sha256.slice(0, 12)}: ${fault}`]
    })
  }
}

function kindsOf ({ envelope }: Received): string {
  return envelope === null ? 'body' : envelope.items.map(item => item.type).join('+')
}

function faultOf (entry: Entry, mirrorPath: string | null): string | null {
  if (entry.status === undefined) return 'arrived, but no SDK sent these bytes or none has its answer yet'
  if (entry.status !== 200) return `the SDK got ${entry.status === null ? 'no answer' : `status ${entry.status}`}`
  if (entry.relayRequestId === undefined) return 'never arrived at relay'
  if (mirrorPath === null) return entry.endpointRequestId === undefined ? null : 'arrived at the endpoint, though its project is off'
  if (entry.endpointRequestId === undefined) return 'never arrived at the endpoint'
  if (entry.endpointRequestId !== entry.relayRequestId) return 'arrived at both ends with different request ids'
  if (!entry.endpointTarget?.startsWith(`${mirrorPath}/`)) return 'arrived at the endpoint under the path of another service'
  return null
}
