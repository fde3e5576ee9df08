/** Request ids as nginx's $request_id: 16 random bytes in hex. Drawn from the system in batches. */
import { randomFillSync } from 'node:crypto'

const ID_BYTES = 16
const BATCH_BYTES = 256 * ID_BYTES

export function createRequestIds (): () => string {
  const batch = Buffer.alloc(BATCH_BYTES)
  let used = BATCH_BYTES
  return () => {
    if (used === BATCH_BYTES) {
      randomFillSync(batch)
      used = 0
    }
    used += ID_BYTES
    return batch.toString('hex', used - ID_BYTES, used)
  }
}
