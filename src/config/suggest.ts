/** Finds the word that was probably meant. */

/**
 * The known word nearest to the one written, or `null` when none is near: at most one
 * slip in three letters. `-`, `_` and upper case do not count as slips.
 */
export function nearest (written: string, known: Iterable<string>): string | null {
  const wanted = plain(written)
  let best: string | null = null
  let least = Math.floor(Math.max(wanted.length, 3) / 3) + 1
  if (wanted.length > 100) return null
  for (const word of known) {
    const slips = distance(wanted, plain(word))
    if (slips < least) {
      best = word
      least = slips
    }
  }
  return best
}

/** `; did you mean …?`, or nothing. */
export function didYouMean (written: string, known: Iterable<string>): string {
  const word = nearest(written, known)
  return word === null ? '' : `; did you mean ${word}?`
}

function plain (word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function distance (a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
