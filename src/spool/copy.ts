/**
 * One copy as bytes. Numbers are big-endian.
 *
 *   0  CRC32 of everything behind it (4)
 *   4  version, 1
 *   5  flags: 1 the client framed a body, 2 the body lies in a file
 *   6  time it was taken (6)
 *  12  bytes of texts (4)
 *  16  bytes of body (6)
 *  22  texts: id, project, method and target, each ended by LF, and the header lines
 *      body; or, if it lies in a file, the file's id (12)
 *
 * Texts are latin1, one byte per character, as the copy holds them. A line feed
 * cannot occur in the first four: HTTP ends its lines with it.
 */
import { crc32 } from 'node:zlib'
import { readTime, writeTime } from './keys.ts'
import type { Copy } from './types.ts'

const VERSION = 1
const FRAMED = 1
const IN_FILE = 2
const HEAD_BYTES = 22
export const FILE_ID_BYTES = 12

/** A copy as its record says it; the body as bytes of the record, or the id of its file. */
export interface DecodedCopy extends Omit<Copy, 'body'> {
  readonly bodyLength: number
  /** `null` when it lies in a file. */
  readonly body: Buffer | null
  readonly fileId: Buffer | null
}

/** Length of the record that `encodeCopy` makes. */
export function recordBytes ({ id, project, method, target, fields, body }: Copy, fileId: Buffer | null): number {
  return HEAD_BYTES + id.length + project.length + method.length + target.length + fields.length + 4 + (fileId === null ? body.length : FILE_ID_BYTES)
}

/**
 * @param fileId - Where the body lies; `null` puts it into the record.
 * @param allocate - Gives a buffer of so many bytes.
 */
export function encodeCopy (copy: Copy, fileId: Buffer | null, allocate: (bytes: number) => Buffer = bytes => Buffer.allocUnsafe(bytes)): Buffer {
  const { body } = copy
  const texts = `${copy.id}\n${copy.project}\n${copy.method}\n${copy.target}\n${copy.fields}`
  const textsEnd = HEAD_BYTES + texts.length
  const record = allocate(textsEnd + (fileId === null ? body.length : FILE_ID_BYTES))
  record[4] = VERSION
  record[5] = (copy.framed ? FRAMED : 0) | (fileId === null ? 0 : IN_FILE)
  writeTime(record, copy.takenAt, 6)
  record.writeUInt32BE(texts.length, 12)
  writeTime(record, body.length, 16)
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

/** @returns `null` when a byte of it is not what was written. */
export function decodeCopy (record: Buffer): DecodedCopy | null {
  if (record.length < HEAD_BYTES || record.readUInt32BE(0) !== crc32(record.subarray(4))) return null
  return decodeUnchecked(record)
}

/** What a damaged record still seems to say; `null` when that makes no sense. */
export function decodeUnchecked (record: Buffer): DecodedCopy | null {
  if (record.length < HEAD_BYTES || record[4] !== VERSION) return null
  const flags = record[5] ?? 0
  const textsEnd = HEAD_BYTES + record.readUInt32BE(12)
  const bodyLength = readTime(record, 16)
  const inFile = (flags & IN_FILE) !== 0
  if (textsEnd + (inFile ? FILE_ID_BYTES : bodyLength) !== record.length) return null
  const texts = /^(.*)\n(.*)\n(.*)\n(.*)\n([^]*)$/.exec(record.toString('latin1', HEAD_BYTES, textsEnd))
  if (texts === null) return null
  const [, id = '', project = '', method = '', target = '', fields = ''] = texts
  const rest = record.subarray(textsEnd)
  return {
    id, project, method, target, fields,
    takenAt: readTime(record, 6),
    framed: (flags & FRAMED) !== 0,
    bodyLength,
    body: inFile ? null : rest,
    fileId: inFile ? rest : null
  }
}
