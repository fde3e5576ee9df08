/** Fields that a request may have only once: nginx 1.22 answers 400 to a second one (ngx_http_process_unique_header_line). */
const UNIQUE = new Set([
  'host', 'content-length', 'transfer-encoding', 'expect', 'authorization', 'content-range',
  'if-modified-since', 'if-unmodified-since', 'if-match', 'if-none-match', 'if-range'
])

const LENGTHS: Uint8Array = Uint8Array.from({ length: 32 }, (_, length) => [...UNIQUE].some(name => name.length === length) ? 1 : 0)

/** The name in lower case if the field may stand only once, else `null`. The length is looked at first: most names differ in it. */
export function uniqueField (name: string): string | null {
  if (name.length >= LENGTHS.length || LENGTHS[name.length] === 0) return null
  const lower = name.toLowerCase()
  return UNIQUE.has(lower) ? lower : null
}
