/**
 * A request body on its way into a file. The client is read no faster than the disk
 * takes the bytes. A disk that takes none (full, read-only) sends the body back to
 * memory, up to a bound over all requests; beyond it the request is refused, and only it.
 */
import { open, unlink, type FileHandle } from 'node:fs/promises'
import type PQueue from 'p-queue'
import type { BodyFault, ExchangeConnection } from '../http1/exchange.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { FileBody, MemoryBody, type ForwardedBody } from './request-body.ts'

/** Bytes waiting for the disk before the client is no longer read, and before it is again. */
const MAX_QUEUED_BYTES = 512 * 1024
const LOW_QUEUED_BYTES = 128 * 1024

export type BodyOutcome =
  | { readonly kind: 'body', readonly body: ForwardedBody }
  | { readonly kind: 'fault', readonly code: BodyFault | 'BODY_NOT_STORED' }

export interface BodyReaderOptions {
  readonly connection: Pick<ExchangeConnection, 'pauseBody' | 'resumeBody'>
  readonly budget: MemoryBudget
  /** For what is in files. */
  readonly space: ByteBudget
  /** Takes turns: all files of the process share a few threads with whatever else reads, writes or looks up names. */
  readonly writes: Pick<PQueue, 'add'>
  /** Path for the body's file, should it need one; its folder exists. */
  readonly file: string
  /** Called once, when the body is complete or cannot be. */
  readonly onOutcome: (outcome: BodyOutcome) => void
}

export class BodyFile {
  readonly #options: BodyReaderOptions
  #queue: Buffer[] = []
  #queued = 0
  #written = 0
  #handle: FileHandle | null = null
  #running = false
  #paused = false
  #ended = false
  #settled = false
  /** The disk failed: the whole body is in #queue from here on. */
  #inMemory = false
  /** Bytes that the budget counts for this body; none while the disk takes them. */
  #counted = 0
  /** Bytes of the file, or on their way there, that `space` counts. */
  #spaceBytes = 0

  constructor (options: BodyReaderOptions) {
    this.#options = options
  }

  append (piece: Buffer): void {
    if (this.#settled) return
    if (!(this.#inMemory ? this.#count(piece.length) : this.#countSpace(piece.length))) return
    this.#queue.push(piece)
    this.#queued += piece.length
    if (this.#inMemory) return
    if (this.#queued > MAX_QUEUED_BYTES && !this.#paused) {
      this.#paused = true
      this.#options.connection.pauseBody()
    }
    void this.#run()
  }

  end (): void {
    this.#ended = true
    void this.#run()
  }

  /** The body will not be complete: nobody is told, the file goes. */
  abandon (): void {
    this.#settled = true
    this.#uncount()
    if (!this.#running) this.#discard()
  }

  /** Writes what is queued, until nothing is; one at a time. Never rejects. */
  async #run (): Promise<void> {
    if (this.#running || this.#settled) return
    this.#running = true
    try {
      if (!this.#inMemory) await this.#write()
    } catch {
      await this.#rescue()
    }
    this.#running = false
    if (this.#settled) this.#discard()
    else if (this.#ended) this.#complete()
    else this.#letClientSend()
  }

  async #write (): Promise<void> {
    this.#handle ??= await open(this.#options.file, 'wx+', 0o600)
    while (this.#queue.length > 0 && !this.#settled) {
      const count = this.#queue.length
      const bytes = this.#queued
      const pieces = this.#queue.slice(0, count)
      const handle = this.#handle
      await this.#options.writes.add(() => handle.writeFile(pieces))
      this.#queue.splice(0, count)
      this.#queued -= bytes
      this.#written += bytes
      if (this.#queued < LOW_QUEUED_BYTES) this.#letClientSend()
    }
  }

  /** Puts what the disk has before what it refused. */
  async #rescue (): Promise<void> {
    this.#inMemory = true
    if (this.#settled) return
    this.#uncountSpace()
    if (!this.#count(this.#written + this.#queued) || this.#written === 0) return
    this.#queued += this.#written
    const prefix = Buffer.allocUnsafe(this.#written)
    try {
      const { bytesRead } = await this.#handle?.read(prefix, 0, prefix.length, 0) ?? { bytesRead: 0 }
      if (bytesRead !== prefix.length) throw new Error('the body\'s file is shorter than what was written')
      this.#queue.unshift(prefix)
    } catch {
      this.#refuse()
    }
  }

  /** Takes bytes from the budget, or refuses the request. */
  #count (bytes: number): boolean {
    if (!this.#options.budget.takeEmergency(bytes)) {
      this.#refuse()
      return false
    }
    this.#counted += bytes
    return true
  }

  #countSpace (bytes: number): boolean {
    if (!this.#options.space.take(bytes)) {
      this.#refuse()
      return false
    }
    this.#spaceBytes += bytes
    return true
  }

  #uncountSpace (): void {
    this.#options.space.give(this.#spaceBytes)
    this.#spaceBytes = 0
  }

  #uncount (): void {
    this.#options.budget.give(this.#counted)
    this.#counted = 0
  }

  #letClientSend (): void {
    if (!this.#paused) return
    this.#paused = false
    this.#options.connection.resumeBody()
  }

  #complete (): void {
    this.#settled = true
    if (this.#handle !== null && !this.#inMemory) {
      this.#options.onOutcome({ kind: 'body', body: new FileBody(this.#handle, this.#options.file, this.#written, this.#options.space) })
      return
    }
    this.#discard()
    this.#options.onOutcome({ kind: 'body', body: new MemoryBody(this.#queue, this.#queued, this.#options.budget) })
  }

  #refuse (): void {
    if (this.#settled) return
    this.#settled = true
    this.#uncount()
    this.#discard()
    this.#options.onOutcome({ kind: 'fault', code: 'BODY_NOT_STORED' })
  }

  #discard (): void {
    const handle = this.#handle
    this.#handle = null
    this.#uncountSpace()
    if (handle === null) return
    // What fails here leaves a file that the next start removes.
    handle.close().then(() => unlink(this.#options.file)).catch(() => {})
  }
}
