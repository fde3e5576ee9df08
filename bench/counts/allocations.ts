/**
 * What a router has allocated since its start: on V8's heap, in any space, and outside
 * of it in buffers. V8 counts the first by the pieces of memory it hands out, a little
 * more than what is used of them. Of the second it knows how much there is: what each
 * collection freed is added.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Allocated {
  readonly heapBytes: number
  readonly bufferBytes: number
  /** Of the first, what collections of the young have taken for long-lived. */
  readonly promotedBytes: number
}

/** Node's options for a router that can be asked. @param socket - Where it will answer; a path that does not exist. */
export function allocationOptions (socket: string): string[] {
  const inside = new URL('inside.ts', import.meta.url)
  inside.searchParams.set('socket', socket)
  return [
    '--import', inside.href,
    // Buffers that a collection frees are gone when it ends, not some time later: what it freed can be read.
    '--no-concurrent-array-buffer-sweeping',
    // Optimised code allocates less. When it takes over must not depend on how busy the machine is.
    '--no-concurrent-recompilation'
  ]
}

export async function allocatedSoFar (socket: string): Promise<Allocated> {
  const connection = connect(socket)
  await once(connection, 'connect')
  return JSON.parse(await text(connection)) as Allocated
}
