/**
 * Takes secrets out of what is logged, wherever they stand in it: in a field, in the
 * words of an error, in a URL. Pure.
 */
import type { Config } from '../config/config.ts'

const CENSOR = '[secret]'
/** A shorter path would be found in words that mean something else. */
const SHORTEST = 4

/** Headers that hold keys and cookies. */
const NAMES = '(?:proxy-)?authorization|x-sentry-auth|(?:set-)?cookie'
const NAME = new RegExp(`^(?:${NAMES})$`, 'i')

/** Up to the end of the value: of the line, the quoted text, or the parameter. */
const RULES: readonly (readonly [RegExp, string])[] = [
  // As a line of a head, or in an object that was made text.
  [new RegExp(`\\b(${NAMES})(\\s*:\\s*|["']\\s*[:,]\\s*["'])[^"\\r\\n]+`, 'gi'), `$1$2${CENSOR}`],
  // In a query, or in what X-Sentry-Auth holds.
  [/\b(sentry_(?:key|secret)["']?\s*[=:]\s*["']?)[^&#\s,;"']+/gi, `$1${CENSOR}`],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${CENSOR}`],
  // A DSN, and any other URL with a user in it; plain and in a query.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']+@/gi, `$1${CENSOR}@`],
  [/\b([a-z][a-z0-9+.-]*%3A%2F%2F)[^\s/?#&@"'%]+(?:%3A[^\s/?#&@"'%]*)?%40/gi, `$1${CENSOR}%40`]
]

/** @param secrets - Texts that must not be seen, such as mapped paths. */
export function createScrub (secrets: readonly string[]): (text: string) => string {
  // The longest first: one path may be the beginning of another.
  const known = [...new Set(secrets)].filter(secret => secret.length >= SHORTEST).sort((a, b) => b.length - a.length)
  return text => {
    let scrubbed = text
    for (const secret of known) scrubbed = scrubbed.replaceAll(secret, CENSOR)
    for (const [pattern, replacement] of RULES) scrubbed = scrubbed.replace(pattern, replacement)
    return scrubbed
  }
}

/** @param line - Of the log, in JSON; whatever cannot be read is scrubbed as text. */
export function scrubLine (line: string, scrub: (text: string) => string): string {
  try {
    return `${JSON.stringify(JSON.parse(line), (key: string, value: unknown) => scrubField(key, value, scrub))}\n`
  } catch {
    return scrub(line)
  }
}

function scrubField (key: string, value: unknown, scrub: (text: string) => string): unknown {
  if (NAME.test(key)) return CENSOR
  if (typeof value === 'string') return scrub(value)
  // A raw list of headers: names and values by turns.
  if (Array.isArray(value)) return value.map((item: unknown, i) => isName(value[i - 1]) ? CENSOR : item)
  return value
}

function isName (value: unknown): boolean {
  return typeof value === 'string' && NAME.test(value)
}

/** What of a configuration nobody may read in the log. */
export function secretsOf ({ mirror, admin }: Pick<Config, 'mirror' | 'admin'>): string[] {
  const paths = mirror === null ? [] : [mirror.default, ...mirror.projects.values()]
  return [...paths, admin.token].filter(secret => secret !== null)
}
