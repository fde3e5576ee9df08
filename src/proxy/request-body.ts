/**
 * A request body, read whole. Both legs read the same bytes: a small body stays in
 * the chunks it came in, a large one lies in a file.
 *
 * The proxy holds a body until its leg is done; whoever keeps it longer calls
 * `hold` and, once done, `release`. The file goes away with the last holder, unless
 * it was taken (`takeFile`).
 */
import { rename, unlink, type FileHandle } from 'node:fs/promises'
import type { ByteBudget } from './byte-budget.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { readRange } from './read-range.ts'

export interface RequestBody {
  readonly length: number
  /** The chunks in memory; `null` when the body lies in a file. */
  readonly chunks: readonly Buffer[] | null
  /** Path of the body's file; `null` when it is in memory. */
  readonly file: string | null
  hold (): void
  release (): void
  /** Moves the file to `path` (a rename, on the same file system). Readers that have it open are not disturbed. */
  takeFile (path: string): Promise<void>
}

/** What the proxy itself can do with a body besides. */
export interface ForwardedBody extends RequestBody {
  /** Reads a body that lies in a file, from its beginning, also after it was moved. */
  readonly read: (() => AsyncIterable<Buffer>) | null
  /** The upstream leg needs the bytes no more: the proxy's own hold ends. */
  forwarded (): void
}

export class MemoryBody implements ForwardedBody {
  readonly length: number
  readonly chunks: readonly Buffer[]
  readonly file = null
  readonly read = null
  readonly #budget: MemoryBudget

  /** @param budget - Has counted `length` bytes; gets them back with the last holder. */
  constructor (chunks: readonly Buffer[], length: number, budget: MemoryBudget) {
    this.chunks = chunks
    this.length = length
    this.#budget = budget
  }

  // Memory is given back by the garbage collector; who holds the bytes counts them.
  hold (): void {}
  release (): void {}

  /** The budget is for requests under way. */
  forwarded (): void { this.#budget.give(this.length) }

  takeFile (): Promise<void> {
    return Promise.reject(new Error('a body in memory has no file to take'))
  }
}

export class FileBody implements ForwardedBody {
  readonly length: number
  readonly chunks = null
  readonly read: () => AsyncIterable<Buffer>
  file: string
  readonly #handle: FileHandle
  readonly #space: ByteBudget
  #holders = 1
  #taken = false

  /** @param space - Has counted `length` bytes; gets them back with the file, or when it is taken. */
  constructor (handle: FileHandle, file: string, length: number, space: ByteBudget) {
    this.#handle = handle
    this.#space = space
    this.file = file
    this.length = length
    this.read = () => readRange(handle, 0, length)
  }

  hold (): void { this.#holders++ }

  release (): void {
    this.#holders--
    // Nobody waits for these two; a file that cannot be removed is found at the next start.
    if (this.#holders > 0 || this.#taken) return
    this.#space.give(this.length)
    unlink(this.file).catch(() => {})
  }

  forwarded (): void {
    this.#handle.close().catch(() => {})
    this.release()
  }

  async takeFile (path: string): Promise<void> {
    await rename(this.file, path)
    this.file = path
    this.#taken = true
    this.#space.give(this.length)
  }
}
