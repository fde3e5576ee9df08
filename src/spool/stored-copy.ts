/** From a record back to a copy that can be sent. */
import { decodeCopy, decodeUnchecked, type DecodedCopy } from './copy.ts'
import { splitHistory, type History } from './history.ts'
import type { Copy, CopyBody } from './types.ts'

export interface StoredCopy {
  readonly copy: Copy
  readonly record: Buffer
  readonly fileId: Buffer | null
  /** `null`: never attempted. */
  readonly history: History | null
  /** A byte of it is not what was written; the copy is what it still seems to say. */
  readonly corrupt: boolean
}

export type PathOf = (fileId: Buffer) => string

export function readFresh (record: Buffer, pathOf: PathOf): StoredCopy {
  const decoded = decodeCopy(record)
  const found = decoded ?? decodeUnchecked(record)
  return {
    copy: copyOf(found, pathOf),
    record,
    fileId: found?.fileId ?? null,
    history: null,
    corrupt: decoded === null
  }
}

/** @param value - Of `waiting` or `dead`. */
export function readWithHistory (value: Buffer, pathOf: PathOf): StoredCopy {
  const split = splitHistory(value)
  if (split === null) return { copy: copyOf(null, pathOf), record: value, fileId: null, history: null, corrupt: true }
  const stored = readFresh(split.record, pathOf)
  return { ...stored, copy: { ...stored.copy, takenAt: split.history.takenAt }, history: split.history }
}

function copyOf (decoded: DecodedCopy | null, pathOf: PathOf): Copy {
  if (decoded === null) return { id: '', project: 'default', takenAt: 0, method: '', target: '', fields: '', framed: false, body: bodyOfBytes(Buffer.alloc(0)) }
  const { id, project, takenAt, method, target, fields, framed, body, fileId, bodyLength } = decoded
  return {
    id, project, takenAt, method, target, fields, framed,
    body: fileId === null ? bodyOfBytes(body ?? Buffer.alloc(0)) : bodyOfFile(pathOf(fileId), bodyLength)
  }
}

/** Memory is given back by the garbage collector, files by the spool: nobody has to hold either. */
export function bodyOfBytes (bytes: Buffer): CopyBody {
  return { length: bytes.length, chunks: [bytes], file: null, hold, release, takeFile }
}

export function bodyOfFile (file: string, length: number): CopyBody {
  return { length, chunks: null, file, hold, release, takeFile }
}

function hold (): void {}
function release (): void {}
function takeFile (): Promise<void> {
  return Promise.reject(new Error('a body in the spool is not taken out of it'))
}
