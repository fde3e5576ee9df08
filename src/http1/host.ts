/** The host of a request: from `Host`, or from an absolute-form target. */

export interface Host {
  /** Lower case, without port and without one final dot; an IPv6 literal keeps its brackets. */
  readonly host: string
  /** `:9000`, or empty. */
  readonly port: string
}

/** Reads a `Host` value as nginx does (ngx_http_validate_host). @returns `null` when it is malformed or empty. */
export function parseHost (value: string): Host | null {
  let end = value.length
  let dot = -1
  const literal = value.startsWith('[')
  let closed = false
  for (let i = 0; i < value.length; i++) {
    const byte = value.charCodeAt(i)
    if (byte <= 0x20 || byte === 0x7f || byte === 0x2f) return null
    if (byte === 0x2e) {
      if (dot !== -1 && dot === i - 1) return null
      dot = i
    } else if (byte === 0x3a && !literal && end === value.length) {
      end = i
    } else if (byte === 0x5d && literal && !closed) {
      end = i + 1
      closed = true
    }
  }
  const rest = value.substring(end)
  if (dot !== -1 && dot === end - 1) end--
  if (end <= 0) return null
  return { host: value.substring(0, end).toLowerCase(), port: /^:\d{1,5}$/.test(rest) ? rest : '' }
}

/** Scheme, `://`, host, optional port; then a path, a query or nothing (RFC 9112 section 3.2.2). */
const ABSOLUTE_FORM = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/((?:\[[0-9A-Za-z:.\-_~!$&'()*+,;=]*\]|[A-Za-z0-9.-]*)(?::\d*)?)((?:[/?].*)?)$/

/** Splits an absolute-form target. @returns `null` for any other form: authority, asterisk, or no form at all. */
export function parseAuthority (target: string): { authority: string, target: string } | null {
  const match = ABSOLUTE_FORM.exec(target)
  if (match === null) return null
  const rest = match[2] ?? ''
  // nginx drops a lone `?` where it has to make up the path.
  if (rest === '?') return { authority: match[1] ?? '', target: '/' }
  return { authority: match[1] ?? '', target: rest.startsWith('/') ? rest : '/' + rest }
}
