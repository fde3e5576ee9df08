/**
 * One copy as bytes. Numbers are big-endian.
 *
 *   0  CRC32 of everything behind it (4)
 *   4  version, 1
 *   5  flags: 1 the client framed a body, 2 the body lies in a file
 *   6  time it was taken (6)
 *  12  number of texts (2)
 *  14  bytes of texts (4)
 *  18  bytes of body (6)
 *  24  texts, joined by LF: id, project, method, target, then name and value of each header
 *      body; or, if it lies in a file, the file's id (12)
 *
 * Texts are latin1, one byte per character, as the copy holds them. A line feed
 * cannot occur in any of them: HTTP ends its lines with it.
 */
import { crc32 } from 'node:zlib'
import { readTime, writeTime } from './keys.ts'
import type { Copy } from './types.ts'

const VERSION = 1
const FRAMED = 1
const IN_FILE = 2
const HEAD_BYTES = 24
export const FILE_ID_BYTES = 12
const FIXED_TEXTS = 4

/** A copy as its record says it; the body as bytes of the record, or the id of its file. */
export interface DecodedCopy extends Omit<Copy, 'body'> {
  readonly bodyLength: number
  /** `null` when it lies in a file. */
  readonly body: Buffer | null
  readonly fileId: Buffer | null
}

/** @param fileId - Where the body lies; `null` puts it into the record. */
export function encodeCopy (copy: Copy, fileId: Buffer | null): Buffer {
  const { body, headers } = copy
  let texts = `${copy.id}\n${copy.project}\n${copy.method}\n${copy.target}`
  for (let i = 0; i < headers.length; i++) texts += '\n' + headers[i]
  const textsEnd = HEAD_BYTES + texts.length
  const record = Buffer.allocUnsafe(textsEnd + (fileId === null ? body.length : FILE_ID_BYTES))
  record[4] = VERSION
  record[5] = (copy.framed ? FRAMED : 0) | (fileId === null ? 0 : IN_FILE)
  writeTime(record, copy.takenAt, 6)
  record.writeUInt16BE(FIXED_TEXTS + headers.length, 12)
  record.writeUInt32BE(texts.length, 14)
  writeTime(record, body.length, 18)
  record.write(texts, HEAD_BYTES, 'latin1')
  if (fileId === null) {
    let at = textsEnd
    for (const chunk of body.chunks ?? []) {
      record.set(chunk, at)
      at += chunk.length
    }
  } else record.set(fileId, textsEnd)
  record.writeUInt32BE(crc32(record.subarray(4)), 0)
  return record
}

/** The body's bytes in a record made by `encodeCopy`. */
export function bodyIn (record: Buffer, length: number): Buffer {
  return record.subarray(record.length - length)
}

/** @returns `null` when a byte of it is not what was written. */
export function decodeCopy (record: Buffer): DecodedCopy | null {
  if (record.length < HEAD_BYTES || record.readUInt32BE(0) !== crc32(record.subarray(4))) return null
  return decodeUnchecked(record)
}

/** What a damaged record still seems to say; `null` when that makes no sense. */
export function decodeUnchecked (record: Buffer): DecodedCopy | null {
  if (record.length < HEAD_BYTES || record[4] !== VERSION) return null
  const flags = record[5] ?? 0
  const textsEnd = HEAD_BYTES + record.readUInt32BE(14)
  const bodyLength = readTime(record, 18)
  const inFile = (flags & IN_FILE) !== 0
  if (textsEnd + (inFile ? FILE_ID_BYTES : bodyLength) !== record.length) return null
  const [id, project, method, target, ...headers] = record.toString('latin1', HEAD_BYTES, textsEnd).split('\n')
  if (id === undefined || project === undefined || method === undefined || target === undefined) return null
  if (FIXED_TEXTS + headers.length !== record.readUInt16BE(12)) return null
  const rest = record.subarray(textsEnd)
  return {
    id, project, method, target, headers,
    takenAt: readTime(record, 6),
    framed: (flags & FRAMED) !== 0,
    bodyLength,
    body: inFile ? null : rest,
    fileId: inFile ? rest : null
  }
}
