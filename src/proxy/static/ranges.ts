/** The `Range` header as nginx reads it (ngx_http_range_parse). */

/** Bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** `whole`: the header does not count, the file is sent with 200. */
export type RangeOutcome = readonly ByteRange[] | 'whole' | 'unsatisfiable'

/** Largest off_t: a position beyond it is junk, not merely past the end. */
const MAX_POSITION = 0x7fff_ffff_ffff_ffffn

/**
 * The ranges of a file of `size` bytes that are asked for, never an empty list.
 * Several that add up to more than the file are the whole of it.
 */
export function parseRanges (value: string, size: number): RangeOutcome {
  if (value.length < 7 || value.slice(0, 6).toLowerCase() !== 'bytes=') return 'whole'

  // One range and the comma behind it; spaces are allowed where nginx skips them.
  const syntax = / *(?:([0-9]+) *- *([0-9]*)|-([0-9]+)) *(,|$)/y
  syntax.lastIndex = 6
  const ranges: ByteRange[] = []
  let total = 0
  let more = true
  while (more) {
    const found = syntax.exec(value)
    if (found === null) return 'unsatisfiable'
    const [, first, last, suffix, comma] = found
    more = comma === ','

    if ([first, last, suffix].some(isTooLarge)) return 'unsatisfiable'
    const { start, end } = suffix !== undefined
      ? { start: Math.max(size - Number(suffix), 0), end: size }
      : { start: Number(first), end: last ? Math.min(Number(last) + 1, size) : size }

    if (start < end) {
      ranges.push({ start, end })
      total += end - start
    } else if (start === 0) {
      return 'whole'
    }
  }
  if (ranges.length === 0) return 'unsatisfiable'
  return total > size ? 'whole' : ranges
}

function isTooLarge (digits: string | undefined): boolean {
  return digits !== undefined && digits.length > 18 && BigInt(digits) > MAX_POSITION
}
