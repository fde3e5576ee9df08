/** The body of a static response: pieces of one open file, with bytes of our own between them. */
import type { FileHandle } from 'node:fs/promises'
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

const PIECE_BYTES = 64 * 1024

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
        if (Buffer.isBuffer(part)) yield part
        else yield * readRange(part)
      }
    } finally {
      await close()
    }
  }

  async function * readRange ({ start, end }: ByteRange): AsyncGenerator<Buffer, void, undefined> {
    for (let position = start; position < end;) {
      if (open === null) throw new Error('the file of a static response was closed before its end')
      const size = Math.min(end - position, PIECE_BYTES)
      const { bytesRead, buffer } = await open.read(Buffer.allocUnsafe(size), 0, size, position)
      if (bytesRead === 0) throw new Error('a static file became shorter while it was sent')
      position += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  return { length, chunks, close }
}
