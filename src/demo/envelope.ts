/**
 * Reads a Sentry envelope as it came over the wire: undo the content coding, then a
 * line of JSON and any number of items, each a header line and its payload.
 * For stand-ins and tests only: the router never looks inside a body.
 */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib'

export interface Envelope {
  /** `null` for envelopes that carry no event: sessions, check-ins, streamed spans. */
  readonly eventId: string | null
  /** From the envelope's header; one of the places Relay looks for the key. */
  readonly dsn: string | null
  readonly items: readonly EnvelopeItem[]
}

export interface EnvelopeItem {
  /** `event`, `transaction`, `check_in`, `session`, `span` and so on. */
  readonly type: string
  /** Streamed spans, logs and metrics come many to an item; everything else is one. */
  readonly count: number
}

const NEWLINE = 0x0a

const decoders: Readonly<Record<string, (body: Buffer) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, Buffer>(gunzip),
  deflate: promisify<Buffer, Buffer>(inflate),
  br: promisify<Buffer, Buffer>(brotliDecompress),
  zstd: promisify<Buffer, Buffer>(zstdDecompress)
}

/**
 * @param coding - Value of `Content-Encoding`. Unknown ones mean identity, as Relay takes them.
 * @returns `null` when the body is no envelope.
 */
export async function readEnvelope (body: Buffer, coding: string | undefined): Promise<Envelope | null> {
  try {
    const decode = decoders[coding?.toLowerCase() ?? '']
    return parseEnvelope(decode === undefined ? body : await decode(body))
  } catch {
    // Neither the coding nor the JSON is ours to repair: it is a body like any other.
    return null
  }
}

function parseEnvelope (bytes: Buffer): Envelope {
  let at = 0
  const line = (): string => {
    const end = bytes.indexOf(NEWLINE, at)
    const text = bytes.toString('utf8', at, end === -1 ? bytes.length : end)
    at = end === -1 ? bytes.length : end + 1
    return text
  }

  const header: { event_id?: string, dsn?: string } = JSON.parse(line())
  const items: EnvelopeItem[] = []
  while (at < bytes.length) {
    const text = line()
    if (text === '') continue
    const item: { type: string, length?: number, item_count?: number } = JSON.parse(text)
    if (item.length === undefined) line()
    else at += item.length
    items.push({ type: item.type, count: item.item_count ?? 1 })
  }
  return { eventId: header.event_id ?? null, dsn: header.dsn ?? null, items }
}
