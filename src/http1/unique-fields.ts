/** Fields that a request may have only once: nginx 1.22 answers 400 to a second one (ngx_http_process_unique_header_line). */
import { isNamed } from './message.ts'

const UNIQUE = [
  'host', 'content-length', 'transfer-encoding', 'expect', 'authorization', 'content-range',
  'if-modified-since', 'if-unmodified-since', 'if-match', 'if-none-match', 'if-range'
] as const

/** By length. */
const BY_LENGTH: readonly (readonly string[])[] = Array.from({ length: 32 }, (_, length) => UNIQUE.filter(name => name.length === length))
const NONE: readonly string[] = []

/** The name in lower case if the field may stand only once, else `null`. */
export function uniqueField (name: string): string | null {
  for (const unique of BY_LENGTH[name.length] ?? NONE) {
    if (isNamed(name, unique)) return unique
  }
  return null
}
