/**
 * Bodies that are too large for a record lie in files of their own, named by their
 * id: `bodies/<24 hex digits>`. A file is there before the record that names it is
 * written, and goes after that record is gone; what a crash leaves between the two
 * is found at the next start.
 */
import { mkdir, open, readdir, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { CopyBody } from './types.ts'

/** Above this a body goes to a file. */
export const INLINE_BYTES = 256 * 1024

export interface BodyFiles {
  readonly pathOf: (fileId: Buffer) => string
  /** Moves the body's file here, or writes one. @throws What the file system says. */
  store (body: CopyBody, fileId: Buffer): Promise<void>
  /** Never rejects: a file that cannot be removed is found at the next start. */
  remove (fileId: Buffer): Promise<void>
  /** Ids of the files that are there; none if the folder is not. */
  list (): Promise<Buffer[]>
}

/** @param synced - Whether a stored body must survive a power cut. */
export function createBodyFiles (spoolPath: string, synced: boolean): BodyFiles {
  const folder = join(spoolPath, 'bodies')
  const pathOf = (fileId: Buffer): string => join(folder, fileId.toString('hex'))

  async function put (body: CopyBody, path: string): Promise<void> {
    if (body.file !== null) {
      await body.takeFile(path)
      if (synced) await using(path, 'r', file => file.datasync())
      return
    }
    await using(path, 'wx', async file => {
      await file.writev([...body.chunks ?? []])
      if (synced) await file.datasync()
    })
  }

  return {
    pathOf,

    async store (body, fileId) {
      const path = pathOf(fileId)
      try {
        await put(body, path)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await put(body, path)
      }
      if (synced) await using(folder, 'r', handle => handle.sync())
    },

    async remove (fileId) {
      await unlink(pathOf(fileId)).catch(() => {})
    },

    async list () {
      const names = await readdir(folder).catch(() => [])
      return names.filter(name => /^[0-9a-f]{24}$/.test(name)).map(name => Buffer.from(name, 'hex'))
    }
  }
}

async function using (path: string, flags: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await work(file)
  } finally {
    await file.close()
  }
}
