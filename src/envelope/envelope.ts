/**
 * A Sentry envelope, read for people: a line of JSON, then any number of items, each
 * a line of JSON and its payload. Payloads are measured, never looked into.
 *
 * Reading never fails. What cannot be read is said in words, and what was read before
 * it stands. https://develop.sentry.dev/sdk/data-model/envelopes/
 */
export interface Envelope {
  /** 32 hex digits where the client sent a UUID. `null` for envelopes that carry no event: sessions, check-ins, streamed spans. */
  readonly eventId: string | null
  /** With its keys; see `maskDsn`. */
  readonly dsn: string | null
  readonly sdk: Sdk | null
  /** As the client wrote it, usually an ISO date. */
  readonly sentAt: string | null
  /** At most `MOST_ITEMS`. */
  readonly items: readonly EnvelopeItem[]
}

export interface Sdk {
  readonly name: string
  readonly version: string | null
}

export interface EnvelopeItem {
  /** `event`, `transaction`, `check_in`, `session`, `span` and so on. */
  readonly type: string
  /** Bytes of the payload. */
  readonly length: number
  /** Streamed spans, logs and metrics come many to an item; everything else is one. */
  readonly count: number
  readonly filename: string | null
  readonly contentType: string | null
}

export interface ParsedEnvelope {
  /** `null`: not even the first line can be read. */
  readonly envelope: Envelope | null
  /** Why the rest could not be read, in words. */
  readonly fault: string | null
}

/** Relay takes 100 to 200 items of most kinds; beyond this somebody plays with us. */
export const MOST_ITEMS = 1000
/** Names and types are short; what is longer is no name, and would flood a page. */
const MOST_CHARACTERS = 200
const NEWLINE = 0x0a

type Fields = Readonly<Record<string, unknown>>

/** @param cut - The bytes are the start of a longer body: that the last item is not complete is no fault of the client. */
export function parseEnvelope (bytes: Buffer, cut = false): ParsedEnvelope {
  const first = lineAt(bytes, 0)
  const header = parseObject(bytes, 0, first.end)
  if (header === null) return { envelope: null, fault: 'It is no envelope: its first line is not a JSON object.' }

  const { items, fault } = parseItems(bytes, first.next, cut)
  return {
    envelope: { eventId: eventId(header['event_id']), dsn: text(header['dsn']), sdk: sdk(header['sdk']), sentAt: text(header['sent_at']), items },
    fault
  }
}

/** The id in the first line of a body, even when the line is cut off behind it. */
export function findEventId (start: Buffer): string | null {
  const { end, next } = lineAt(start, 0)
  const header = parseObject(start, 0, end)
  if (header !== null) return eventId(header['event_id'])
  if (next <= start.length) return null
  // Only a whole line says at which depth the id stands; before any other brace it is the header's.
  return eventId(/^\s*\{[^{}]*?"event_id"\s*:\s*"([0-9a-f-]+)"/i.exec(start.toString('latin1', 0, end))?.[1])
}

/** Where a DSN points, without its keys. */
export function maskDsn (dsn: string): string {
  const [, scheme, place] = /^(https?):\/\/[^@/?#]*@([^@?#]*)/i.exec(dsn) ?? []
  return scheme === undefined ? '***' : `${scheme}://***@${place}`
}

function parseItems (bytes: Buffer, start: number, cut: boolean): { items: EnvelopeItem[], fault: string | null } {
  const items: EnvelopeItem[] = []
  let at = start
  while (at < bytes.length) {
    if (bytes[at] === NEWLINE) {
      at++
      continue
    }
    const number = items.length + 1
    if (items.length === MOST_ITEMS) return { items, fault: `It has more than ${MOST_ITEMS} items; the others are not listed.` }
    const line = lineAt(bytes, at)
    const header = parseObject(bytes, at, line.end)
    if (header === null) return { items, fault: cut && line.next > bytes.length ? null : `The header of item ${number} is not a JSON object.` }

    const payload = measure(bytes, line.next, header['length'])
    items.push(item(header, payload.length))
    const over = payload.start + payload.length - bytes.length
    if (over > 0) return { items, fault: cut ? null : `Item ${number} says that it has ${payload.length} bytes, but ${over} of them are missing.` }
    at = payload.start + payload.length
    if (at < bytes.length && bytes[at] !== NEWLINE) return { items, fault: `Item ${number} goes on behind the length it says.` }
  }
  return { items, fault: null }
}

/** A payload without a length ends with its line. */
function measure (bytes: Buffer, at: number, said: unknown): { start: number, length: number } {
  const start = Math.min(at, bytes.length)
  if (typeof said === 'number' && Number.isSafeInteger(said) && said >= 0) return { start, length: said }
  return { start, length: lineAt(bytes, start).end - start }
}

function item (header: Fields, length: number): EnvelopeItem {
  const count = header['item_count']
  return {
    type: text(header['type']) ?? 'without a type',
    length,
    count: typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 1,
    filename: text(header['filename']),
    contentType: text(header['content_type'])
  }
}

/** @returns `next` is beyond the last byte when no newline ends the line. */
function lineAt (bytes: Buffer, at: number): { end: number, next: number } {
  const newline = bytes.indexOf(NEWLINE, at)
  return newline === -1 ? { end: bytes.length, next: bytes.length + 1 } : { end: newline, next: newline + 1 }
}

function parseObject (bytes: Buffer, start: number, end: number): Fields | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    return isObject(value) ? value : null
  } catch {
    // The caller says which line it was.
    return null
  }
}

function isObject (value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text (value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null
  return value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value
}

function sdk (value: unknown): Sdk | null {
  if (!isObject(value)) return null
  const name = text(value['name'])
  return name === null ? null : { name, version: text(value['version']) }
}

/** Sentry shows ids without dashes, whichever way a client writes them. */
function eventId (value: unknown): string | null {
  const id = text(value)
  const plain = id?.replaceAll('-', '').toLowerCase() ?? ''
  return /^[0-9a-f]{32}$/.test(plain) ? plain : id
}
