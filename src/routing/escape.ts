/** nginx's ngx_escape_uri(NGX_ESCAPE_URI): bytes that may not stand in a URI, as `%XX` in upper case. */

// eslint-disable-next-line no-control-regex -- control bytes are what is escaped.
const ESCAPED = /[\x00-\x20"#%<>?\\^`{|}\x7f-\xff]/g

/** @param path - Decoded bytes, one character each. */
export function escapePath (path: string): string {
  return path.replace(ESCAPED, byte => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
