/** The body of a static response: pieces of one open file, with bytes of our own between them. */
import type { FileHandle } from 'node:fs/promises'
import { readRange } from '../read-range.ts'
import type { ByteRange } from './ranges.ts'

/** Bytes in memory, or a range of the file. */
export type BodyPart = Buffer | ByteRange

export interface StaticBody {
  /** `Content-Length`, for HEAD too. */
  readonly length: number
  /**
   * The bytes in pieces of at most 64 KiB, none for HEAD. Closes the file at its end.
   * Throws when the file has become shorter or cannot be read: the response cannot be completed.
   */
  chunks (): AsyncGenerator<Buffer, void, undefined>
  /** Closes the file; for a response that is not sent, or not to its end. May be called at any time, also twice. */
  close (): Promise<void>
}

/** @param file - The caller's until here; closed by the body. `null` when there is nothing to read. */
export function createFileBody (file: FileHandle | null, parts: readonly BodyPart[], length: number): StaticBody {
  let open = file

  async function close (): Promise<void> {
    const closing = open
    open = null
    await closing?.close()
  }

  async function * chunks (): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (const part of parts) {
        if (open === null) throw new Error('the file of a static response was closed before its end')
        if (Buffer.isBuffer(part)) yield part
        else yield * readRange(open, part.start, part.end)
      }
    } finally {
      await close()
    }
  }

  return { length, chunks, close }
}
