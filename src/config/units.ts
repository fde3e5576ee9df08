/**
 * Times and sizes as they are written in the configuration: `5s`, `1h30m`, `100MiB`.
 *
 * The unit is always written. A size is a power of 1024 and says so (`MiB`): `MB`
 * would mean something else to everyone who reads it.
 */
const DURATION_UNITS = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000], ['ms', 1]] as const
const SIZE_UNITS = [['GiB', 1024 ** 3], ['MiB', 1024 ** 2], ['KiB', 1024], ['B', 1]] as const

/** For the JSON Schema; the same language as parseDuration. */
export const DURATION_PATTERN = '^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$'
/** For the JSON Schema; the same language as parseSize. */
export const SIZE_PATTERN = '^[0-9]+(B|KiB|MiB|GiB)$'

const DURATION = new RegExp(DURATION_PATTERN)
const SIZE = new RegExp(SIZE_PATTERN)

/** Milliseconds; `null` when the text is not a time, or too long to count. */
export function parseDuration (text: string): number | null {
  const match = DURATION.exec(text)
  if (match === null) return null
  let ms = 0
  for (const [i, [, factor]] of DURATION_UNITS.entries()) ms += Number.parseInt(match[i + 1] ?? '0', 10) * factor
  return Number.isSafeInteger(ms) ? ms : null
}

/** The shortest exact way to write a whole number of milliseconds: `1h30m`. */
export function formatDuration (ms: number): string {
  let rest = ms
  let text = ''
  for (const [unit, factor] of DURATION_UNITS) {
    const count = Math.floor(rest / factor)
    if (count > 0) text += `${count}${unit}`
    rest -= count * factor
  }
  return text === '' ? '0s' : text
}

/** Bytes; `null` when the text is not a size, or too large to count. */
export function parseSize (text: string): number | null {
  const match = SIZE.exec(text)
  if (match === null) return null
  const factor = SIZE_UNITS.find(([unit]) => unit === match[1])?.[1] ?? 1
  const bytes = Number.parseInt(text, 10) * factor
  return Number.isSafeInteger(bytes) ? bytes : null
}

/** The shortest exact way to write a whole number of bytes: `100MiB`. */
export function formatSize (bytes: number): string {
  const [unit, factor] = SIZE_UNITS.find(([, factor]) => bytes > 0 && bytes % factor === 0) ?? ['B', 1]
  return `${bytes / factor}${unit}`
}

const DURATION_WORDS: ReadonlyMap<string, number> = new Map([
  ...['ms', 'msec', 'msecs', 'millisecond', 'milliseconds'].map(word => [word, 1] as const),
  ...['s', 'sec', 'secs', 'second', 'seconds'].map(word => [word, 1000] as const),
  ...['m', 'min', 'mins', 'minute', 'minutes'].map(word => [word, 60_000] as const),
  ...['h', 'hr', 'hrs', 'hour', 'hours'].map(word => [word, 3_600_000] as const),
  ...['d', 'day', 'days'].map(word => [word, 86_400_000] as const),
  ...['w', 'week', 'weeks'].map(word => [word, 604_800_000] as const)
])

/** What to write for something that was meant as a time: `0.5 sec` → `500ms`. `null` when there is no telling. */
export function suggestDuration (text: string): string | null {
  if (!/^(?:[0-9]+(?:\.[0-9]+)?\s*[a-z]+\s*)+$/i.test(text)) return null
  let ms = 0
  for (const [, count, word] of text.matchAll(/([0-9.]+)\s*([a-z]+)/gi)) {
    ms += Number(count) * (DURATION_WORDS.get((word ?? '').toLowerCase()) ?? Number.NaN)
  }
  ms = Math.round(ms)
  return Number.isSafeInteger(ms) ? `write ${formatDuration(ms)}` : null
}

/** What to write for something that was meant as a size: `64k` → `64KiB`. `null` when there is no telling. */
export function suggestSize (text: string): string | null {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([kmg])(ib|b)?$/i.exec(text)
  if (match === null) return null
  const prefix = (match[2] ?? '').toUpperCase()
  const power = 'KMG'.indexOf(prefix) + 1
  const bytes = Math.round(Number(match[1]) * 1024 ** power)
  if (!Number.isSafeInteger(bytes)) return null
  if (match[3]?.toLowerCase() !== 'b') return `write ${formatSize(bytes)}`

  // 100MB: nginx users mean 100 MiB, everyone else 100 million bytes.
  const decimal = Number(match[1]) * 1000 ** power
  const [unit, factor] = SIZE_UNITS.find(([, factor]) => decimal >= factor * 10) ?? ['B', 1]
  return `write ${formatSize(bytes)}, or ${Math.floor(decimal / factor)}${unit} to stay below ${match[1]}${prefix}B`
}
