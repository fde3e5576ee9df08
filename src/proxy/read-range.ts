import type { FileHandle } from 'node:fs/promises'

const PIECE_BYTES = 64 * 1024

/**
 * The bytes of an open file from `start` up to `end`, in pieces of at most 64 KiB.
 * The file stays open; its position is not used, so several may read at once.
 *
 * @throws When the file cannot be read, or is shorter.
 */
export async function * readRange (file: FileHandle, start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
  for (let position = start; position < end;) {
    const size = Math.min(end - position, PIECE_BYTES)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, position)
    if (bytesRead === 0) throw new Error('the file became shorter while it was read')
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
