/** Keeps the disk under the spool busy: writes that are flushed at once, one after the other. */
import { open, rm } from 'node:fs/promises'

const BLOCK = Buffer.alloc(4 * 1024 * 1024, 1)
/** The file is begun again at this size. */
const MOST_BYTES = 64 * 1024 * 1024

export async function keepBusy (file: string, forMs: number): Promise<void> {
  const deadline = performance.now() + forMs
  {
    await using handle = await open(file, 'w', 0o600)
    for (let at = 0; performance.now() < deadline; at = (at + BLOCK.length) % MOST_BYTES) {
      await handle.write(BLOCK, 0, BLOCK.length, at)
      await handle.datasync()
    }
  }
  await rm(file)
}
