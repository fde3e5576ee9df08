/**
 * One row of the ledger as bytes, and the arithmetic over rows. Pure.
 *
 *   key    hour (4 bytes, BE, hours since the epoch) | project (2 bytes length, UTF-8) | writer (the rest, UTF-8)
 *   value  version (1) | CRC32 of key and rest (4, BE) | hour of writing (varint) | entries
 *   entry  field (1) | detail (varint length, UTF-8) | count (varint) | bytes (varint)
 *
 * Keys sort by hour, so "since" is a range. The value holds absolute counts of its
 * writer: writing a row twice changes nothing, and no row is read before it is written.
 */
import { crc32 } from 'node:zlib'

/** In the order of their codes on disk: new ones go to the end. */
export const LEDGER_FIELDS = ['received', 'answered_ok', 'answered_other', 'skipped', 'accepted', 'delivered', 'dead', 'dropped', 'replayed', 'revived'] as const

export type LedgerField = typeof LEDGER_FIELDS[number]

export interface Tally {
  count: number
  bytes: number
}

/** By detail: a status or a reason; `''` where the field has none. */
export type Tallies = Readonly<Record<LedgerField, Map<string, Tally>>>

/** As stored. */
export interface StoredRow {
  readonly key: Buffer
  readonly value: Buffer
}

export interface LedgerKey {
  /** Hours since the epoch in which the copy was taken. */
  readonly hour: number
  readonly project: string
  /** Who wrote it; empty for a row that `compactRows` made. */
  readonly writer: string
}

export interface LedgerRow extends LedgerKey {
  /** Hours since the epoch of the last write: an old hour may be written to late. */
  readonly writtenHour: number
  readonly tallies: Tallies
}

export const HOUR_MS = 3_600_000

const VERSION = 1
const HEAD_BYTES = 5
const MAX_HOUR = 0xffff_ffff
const MAX_PROJECT_BYTES = 0xffff
/** Of 53 bits. */
const MAX_VARINT_BYTES = 8
/** Of a UTF-16 code unit. */
const MAX_UTF8_BYTES = 3

/** Hours since the epoch, within what a key can hold, whatever the clock says. */
export function hourOf (ms: number): number {
  const hour = Math.floor(ms / HOUR_MS)
  return hour >= 0 ? Math.min(hour, MAX_HOUR) : 0
}

export function emptyTallies (): Tallies {
  return {
    received: new Map(),
    answered_ok: new Map(),
    answered_other: new Map(),
    skipped: new Map(),
    accepted: new Map(),
    delivered: new Map(),
    dead: new Map(),
    dropped: new Map(),
    replayed: new Map(),
    revived: new Map()
  }
}

export function addTally (tallies: Tallies, field: LedgerField, detail: string, count: number, bytes: number): void {
  const byDetail = tallies[field]
  const tally = byDetail.get(detail)
  if (tally === undefined) {
    byDetail.set(detail, { count, bytes })
    return
  }
  tally.count += count
  tally.bytes += bytes
}

/** First key of an hour: where a range scan begins. */
export function hourKey (hour: number): Buffer {
  const key = Buffer.allocUnsafe(4)
  key.writeUInt32BE(hour)
  return key
}

export function encodeKey ({ hour, project, writer }: LedgerKey): Buffer {
  const name = Buffer.from(project).subarray(0, MAX_PROJECT_BYTES)
  const head = Buffer.allocUnsafe(6)
  head.writeUInt32BE(hour, 0)
  head.writeUInt16BE(name.length, 4)
  return Buffer.concat([head, name, Buffer.from(writer)])
}

function decodeKey (key: Buffer): LedgerKey | null {
  if (key.length < 6) return null
  const nameEnd = 6 + key.readUInt16BE(4)
  if (nameEnd > key.length) return null
  return { hour: key.readUInt32BE(0), project: key.toString('utf8', 6, nameEnd), writer: key.toString('utf8', nameEnd) }
}

export function encodeValue (key: Buffer, writtenHour: number, tallies: Tallies): Buffer {
  const bytes = Buffer.allocUnsafe(longestValue(tallies))
  let at = writeVarint(bytes, writtenHour, HEAD_BYTES)
  for (let code = 0; code < LEDGER_FIELDS.length; code++) {
    for (const [detail, tally] of tallies[LEDGER_FIELDS[code] as LedgerField]) {
      bytes[at++] = code
      at = writeVarint(bytes, detail === '' ? 0 : Buffer.byteLength(detail), at)
      if (detail !== '') at += bytes.write(detail, at)
      at = writeVarint(bytes, tally.count, at)
      at = writeVarint(bytes, tally.bytes, at)
    }
  }
  const value = bytes.subarray(0, at)
  value[0] = VERSION
  value.writeUInt32BE(checksum(key, value), 1)
  return value
}

function longestValue (tallies: Tallies): number {
  let length = HEAD_BYTES + MAX_VARINT_BYTES
  for (const field of LEDGER_FIELDS) {
    for (const detail of tallies[field].keys()) length += 1 + 3 * MAX_VARINT_BYTES + MAX_UTF8_BYTES * detail.length
  }
  return length
}

/** @returns `null` when it is damaged or of a version this program does not know. */
export function decodeRow ({ key, value }: StoredRow): LedgerRow | null {
  const decoded = decodeKey(key)
  if (decoded === null || value.length < HEAD_BYTES || value[0] !== VERSION) return null
  if (value.readUInt32BE(1) !== checksum(key, value)) return null

  const reader = new Reader(value, HEAD_BYTES)
  const writtenHour = reader.varint()
  const tallies = emptyTallies()
  while (reader.at < value.length) {
    const field = LEDGER_FIELDS[reader.varint()]
    const detail = reader.text(reader.varint())
    const count = reader.varint()
    const bytes = reader.varint()
    if (field === undefined) return null
    addTally(tallies, field, detail, count, bytes)
  }
  return { ...decoded, writtenHour, tallies }
}

function checksum (key: Buffer, value: Buffer): number {
  return crc32(value.subarray(HEAD_BYTES), crc32(key))
}

/** LEB128, also above 32 bits. @returns Where it ends. */
function writeVarint (bytes: Buffer, number: number, start: number): number {
  let at = start
  let rest = number
  while (rest >= 0x80) {
    bytes[at++] = rest % 0x80 + 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}

/** Reads past the end as zeros: only a row whose checksum holds gets here. */
class Reader {
  readonly #bytes: Buffer
  at: number

  constructor (bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  varint (): number {
    let number = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.at++] ?? 0
      number += (byte & 0x7f) * scale
      if (byte < 0x80) return number
      scale *= 0x80
    }
  }

  text (length: number): string {
    const text = this.#bytes.toString('utf8', this.at, this.at + length)
    this.at += length
    return text
  }
}
