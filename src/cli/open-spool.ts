/** Opens the spool that a router left, for a command; what it cannot read is an error, never an empty spool. */
import { isDamaged } from '../spool/damage.ts'
import { openSpoolReader, type SpoolReader } from '../spool/spool-reader.ts'

/** @throws When the spool is damaged, of a newer format, or not ours to read. */
export async function openLeftSpool (path: string): Promise<SpoolReader> {
  if (isDamaged(path)) throw new Error('it is damaged; a router that starts moves it aside')
  const reader = openSpoolReader(path)
  try {
    // It opens when it is first asked.
    reader.stats()
    return reader
  } catch (error) {
    await reader.close()
    throw error
  }
}
