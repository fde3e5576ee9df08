/**
 * A request body, read whole. Both legs read the same bytes: a small body stays in
 * the chunks it came in, a large one lies in a file.
 *
 * The proxy holds a body until its leg is done; whoever keeps it longer calls
 * `hold` and, once done, `release`. The file goes away with the last holder, unless
 * it was taken (`takeFile`).
 */
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
