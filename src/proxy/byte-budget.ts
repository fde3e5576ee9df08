/** Bytes on disk that the bodies of all requests under way may take together. */
export class ByteBudget {
  readonly #limit: () => number
  #used = 0

  /** @param limit - Asked each time: a reload may change it. */
  constructor (limit: () => number) {
    this.#limit = limit
  }

  get used (): number { return this.#used }

  hasRoomFor (bytes: number): boolean { return this.#used + bytes <= this.#limit() }

  /** Counts the bytes if they fit. */
  take (bytes: number): boolean {
    if (!this.hasRoomFor(bytes)) return false
    this.#used += bytes
    return true
  }

  give (bytes: number): void {
    this.#used -= bytes
  }
}
