/**
 * The copies behind the report's numbers: every one that was not delivered, with the
 * event id by which both sides know it. The list may be long and reading a body takes
 * time, so it comes in small parts with a pause between them: the process that
 * answers may have clients to serve.
 */
import { open } from 'node:fs/promises'
import { eventIdOf } from '../envelope/read-envelope.ts'
import { parseFields } from '../http1/message.ts'
import type { CopyBody } from '../spool/types.ts'
import type { UndeliveredCopy } from '../spool/undelivered.ts'
import { inSlices } from './slices.ts'

/** A copy that was not delivered. */
export interface MissingCopy {
  readonly project: string
  /** The `X-Request-Id` that the upstream got, too. */
  readonly requestId: string
  /** `null`: the body is no envelope, carries no event, or is gone. */
  readonly eventId: string | null
  readonly state: UndeliveredCopy['state']
  /** Status or reason; empty for a pending one. */
  readonly reason: string
  /** ISO. */
  readonly takenAt: string
}

/** Enough for every content coding; see eventIdOf. */
const START_BYTES = 132 * 1024

/** In the order of `found`, which is not asked for more than is taken. */
export function nameCopies (found: Iterable<UndeliveredCopy>): AsyncGenerator<readonly MissingCopy[]> {
  return inSlices(found, nameCopy)
}

async function nameCopy ({ project, id, state, reason, takenAt, copy, eventId }: UndeliveredCopy): Promise<MissingCopy> {
  return {
    project,
    requestId: id,
    eventId: copy === null ? eventId : eventIdOf(parseFields(copy.fields), await startOf(copy.body)),
    state,
    reason,
    takenAt: new Date(takenAt).toISOString()
  }
}

/** The first bytes of a body; empty when they cannot be read. */
async function startOf (body: CopyBody): Promise<Buffer> {
  if (body.file === null) return Buffer.concat(body.chunks ?? []).subarray(0, START_BYTES)
  try {
    await using handle = await open(body.file)
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(Math.min(START_BYTES, body.length)), 0, null, 0)
    return buffer.subarray(0, bytesRead)
  } catch {
    // Delivered or purged since it was found, or lost: it has no name then.
    return Buffer.alloc(0)
  }
}
