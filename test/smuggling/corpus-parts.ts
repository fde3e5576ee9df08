/** What the cases of the corpus are made of. */

/** Method, request target as sent, body. */
export type Meant = readonly [method: string, target: string, body: string]

export interface SmugglingCase {
  readonly family: string
  readonly name: string
  /** Latin1. */
  readonly bytes: string
  /** The requests that go on, to the upstream and to the endpoint, in order; nothing else does. */
  readonly meant: readonly Meant[]
  /** The upstream's target of the first one, where a rewrite makes it another. */
  readonly rewritten?: string
  /** Something is refused with an answer of the router's own, and the connection closed. */
  readonly refusal: boolean
  /** The client's last request is not complete: nothing is answered. */
  readonly incomplete: boolean
  /** Node's parser refuses what is forwarded, for what cannot change its framing. */
  readonly strictRefuses: boolean
  /** Stands in no forwarded head, in any case. */
  readonly absent: string
  /** Stands in the first forwarded head. */
  readonly present: string
}

export type CaseOptions = Partial<Pick<SmugglingCase, 'rewritten' | 'refusal' | 'incomplete' | 'strictRefuses' | 'absent' | 'present'>>

export const HOST = 'Host: a.example.test\r\n'
/** Where the cases post to; it is mirrored. */
export const ENVELOPE = '/api/1/envelope/?§'
/** The request that must stay what it was sent as: bytes of a body, or a request of its own. */
export const SMUGGLED = `GET /smuggled?§ HTTP/1.1\r\n${HOST}X-Mark: §\r\n\r\n`

/** Of a text with marks in it, as it is sent. */
export function lengthOf (text: string): number {
  return marked(text, 0).length
}

/** The text with a client's mark in it; all marks are of one length. */
export function marked (text: string, client: number): string {
  return text.replaceAll('§', markOf(client))
}

export function markOf (client: number): string {
  return `m${String(client).padStart(5, '0')}m`
}

export function post (lines: readonly string[], body: string): string {
  return `POST ${ENVELOPE} HTTP/1.1\r\n${HOST}${lines.map(line => `${line}\r\n`).join('')}\r\n${body}`
}

export function taken (family: string, name: string, bytes: string, meant: readonly Meant[], options: CaseOptions = {}): SmugglingCase {
  return { family, name, bytes, meant, refusal: false, incomplete: false, strictRefuses: false, absent: '', present: '', ...options }
}

export function refused (family: string, name: string, bytes: string): SmugglingCase {
  return taken(family, name, bytes, [], { refusal: true })
}
