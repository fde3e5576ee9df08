/** Bytes of request bodies that all requests under way may keep in memory together. */
export class MemoryBudget {
  #used = 0
  readonly #limit: number
  readonly #emergencyLimit: number

  /**
   * @param limit - Above it bodies go to files.
   * @param emergencyLimit - Above it a body that no file takes is refused.
   */
  constructor (limit: number, emergencyLimit: number) {
    this.#limit = limit
    this.#emergencyLimit = emergencyLimit
  }

  get used (): number { return this.#used }

  /** Counts the bytes if they fit. */
  take (bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false
    this.#used += bytes
    return true
  }

  /** The same for bytes that have nowhere else to go. */
  takeEmergency (bytes: number): boolean {
    if (this.#used + bytes > this.#emergencyLimit) return false
    this.#used += bytes
    return true
  }

  give (bytes: number): void {
    this.#used -= bytes
  }
}
