/** The same bytes in different reads. */
import * as fc from 'fast-check'

/** Sorted-out places to cut `bytes` at; the pieces are never empty. */
export function cut (bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map(place => place % Math.max(1, bytes.length)))].filter(place => place > 0).toSorted((a, b) => a - b)
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length)).filter(piece => piece.length > 0)
}

export function bytewise (bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
}

/** Places for `cut`. */
export function splits (): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(100_000), { maxLength: 12 })
}
